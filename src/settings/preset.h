/*
 * Presets: YAML files of settings. A file is one mapping whose values are
 * either settings or sections, which are mappings of settings; besides them
 * there may be a `description`, and the `preset` that the settings were once.
 *
 *     description: the default
 *     model:
 *       depth: 10
 *     train:
 *       batch: 100
 *
 * Some presets are embedded in the program. The user's own are looked for
 * first, in $XDG_CONFIG_HOME/memdial/presets.
 */
#ifndef MEMDIAL_PRESET_H
#define MEMDIAL_PRESET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "settings/settings.h"

#define PRESET_DEFAULT "quick"

enum { PRESET_NAME_SIZE = 512, PRESET_DESCRIPTION_MAX = 127 /* characters */,
       PRESET_DESCRIPTION_SIZE = 4 * PRESET_DESCRIPTION_MAX + 1,
       PRESET_PATH_SIZE = 1024, PRESET_FILE_MAX = 1 << 20 /* bytes */,
       PRESET_SAVED_NAME_MAX = 40 /* characters */ };

struct preset {
    char description[PRESET_DESCRIPTION_SIZE]; /* may be empty */
    char of[PRESET_NAME_SIZE];   /* the preset that was changed; "": none */
    struct settings settings;
};

/* Loads the preset of that name over the defaults; a name with a '/', or ending
 * in .yaml or .yml, is a file. */
bool preset_load(struct preset *, const char *name, struct error *);

/* A change to a preset that a command line asks for. */
struct assignment {
    const char *option;          /* "--set", or an option that is short for it,
                                    for messages */
    char *text;                  /* "name=value" */
};

/* Loads a preset, applies `count` assignments in their order, and checks the
 * settings as a whole, but not those of the model. */
bool preset_open(const char *name, const struct assignment *, int count,
                 struct settings *, struct error *);

/* Reads a preset's text; `where` is the file in messages. */
bool preset_parse(struct preset *, const char *where, const char *text,
                  size_t length, struct error *);

/* Whether there is a preset of that name, valid or not; true for every path of
 * a file. */
bool preset_exists(const char *name);

/* Whether preset_load() takes the name for the path of a file. */
bool preset_is_path(const char *name);

/*
 * Saves a preset as the user's own of that name, whole or not at all, and says
 * where. The file reads back to the same settings. A file that is already there
 * is left alone, and is an error, unless `replace` is set.
 */
bool preset_save(const struct preset *, const char *name, bool replace,
                 char path[PRESET_PATH_SIZE], struct error *);

/* Writes a preset to a file, likewise, and makes the folder that it is in. */
bool preset_write(const struct preset *, const char *path, bool replace,
                  struct error *);

/* A preset that a name can load. */
struct preset_entry {
    char name[PRESET_NAME_SIZE];
    char path[PRESET_PATH_SIZE]; /* empty: embedded */
    struct preset preset;
    struct error error;  /* code EXIT_OK if it could be read */
};

/* Lists all presets, the user's first. Returns the count; the caller frees
 * *list. */
int preset_list(struct preset_entry **list);

/* The embedded files, generated from presets/. */
struct preset_file {
    const char *name;
    const char *text;
};

extern const struct preset_file preset_files[];
extern const int preset_file_count;

#endif
