/*
 * Reads presets with libyaml, event by event. YAML features that presets lack
 * (lists, anchors and aliases, tags, several documents) are refused where they
 * stand, so every message has a line and a column.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/octets.h"
#include "base/spelling.h"
#include "base/text.h"
#include "settings/preset.h"

#define DESCRIPTION "description"
#define OF "preset"
#define EXTENSION ".yaml"

/* An open preset: the parser, its latest event, and the lines where settings,
 * sections, the description and the preset were given, 0 for not yet. */
struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    const char *where;
    struct preset *preset;
    struct error *error;
    int *setting_line;   /* [settings_count] */
    int *section_line;   /* [settings_count], by the section's first setting */
    int description_line, of_line;
};

enum { PLACE_SIZE = PATH_MAX + 64 };

static const char *place(const struct reader *r, yaml_mark_t mark,
                         char text[PLACE_SIZE])
{
    snprintf(text, PLACE_SIZE, "%s:%zu:%zu", r->where, mark.line + 1,
             mark.column + 1);
    return text;
}

static bool refuse_at(struct reader *r, yaml_mark_t mark, const char *what)
{
    char at[PLACE_SIZE];

    return error_set(r->error, EXIT_INPUT, "%s: %s", place(r, mark, at), what);
}

static bool refuse_yaml(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;

    if (p->error == YAML_MEMORY_ERROR)
        error_no_memory();
    /* Bytes that are not text have an offset but no line. */
    if (p->error == YAML_READER_ERROR)
        return error_set(r->error, EXIT_INPUT, "%s: not a YAML file: %s at "
                         "byte %zu", r->where, p->problem, p->problem_offset);
    return refuse_at(r, p->problem_mark, p->problem);
}

static bool has_properties(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor ||
               event->data.mapping_start.tag;
    default:
        return false;
    }
}

/* Takes the next event, and refuses events that presets never have. */
static bool advance(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return refuse_yaml(r);
    if (r->event.type == YAML_SEQUENCE_START_EVENT)
        return refuse_at(r, r->event.start_mark, "a list is not a value here");
    if (r->event.type == YAML_ALIAS_EVENT || has_properties(&r->event))
        return refuse_at(r, r->event.start_mark,
                         "anchors, aliases and tags are not used in presets");
    return true;
}

/* The text of the event, which must be a scalar. */
static bool scalar(struct reader *r, const char *otherwise, const char **text)
{
    const yaml_event_t *event = &r->event;

    if (event->type != YAML_SCALAR_EVENT)
        return refuse_at(r, event->start_mark, otherwise);
    *text = (const char *)event->data.scalar.value;
    if (strlen(*text) != event->data.scalar.length)
        return refuse_at(r, event->start_mark, "a zero byte in text");
    return true;
}

static bool refuse_twice(struct reader *r, yaml_mark_t mark, const char *name,
                         int line)
{
    char what[128];

    snprintf(what, sizeof(what), "%.64s: given twice, first in line %d", name,
             line);
    return refuse_at(r, mark, what);
}

/* Notes that `name` stands at `mark`; false if it stood earlier too. */
static bool first_time(struct reader *r, yaml_mark_t mark, const char *name,
                       int *line)
{
    if (*line)
        return refuse_twice(r, mark, name, *line);
    *line = (int)mark.line + 1;
    return true;
}

static bool read_description(struct reader *r, yaml_mark_t key_mark)
{
    const char *text;

    if (!first_time(r, key_mark, DESCRIPTION, &r->description_line) ||
        !scalar(r, DESCRIPTION ": needs a line of text", &text))
        return false;
    if (text_characters(text) > PRESET_DESCRIPTION_MAX || strchr(text, '\n'))
        return refuse_at(r, r->event.start_mark,
                         DESCRIPTION ": one line, at most 127 characters");
    strcpy(r->preset->description, text);
    return true;
}

/* The value of a setting; bytes that YAML could not hold are unescaped. */
static bool setting_text(struct reader *r, const char *otherwise,
                         const char **text)
{
    if (!scalar(r, otherwise, text))
        return false;
    octets_unescape((char *)r->event.data.scalar.value);
    return true;
}

static bool read_of(struct reader *r, yaml_mark_t key_mark)
{
    static const char otherwise[] = OF ": needs the name of a preset";
    const char *text;

    if (!first_time(r, key_mark, OF, &r->of_line) ||
        !setting_text(r, otherwise, &text))
        return false;
    if (strlen(text) >= sizeof(r->preset->of))
        return refuse_at(r, r->event.start_mark, otherwise);
    strcpy(r->preset->of, text);
    return true;
}

/* The section's first row, or -1. */
static int find_section(const char *name)
{
    for (int i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].section, name) == 0)
            return i;
    return -1;
}

/* Reads the value of `key`, which may name no setting; it is the event. */
static bool read_setting(struct reader *r, const char *key,
                         yaml_mark_t key_mark)
{
    const struct setting *row = settings_find(key);
    char at[PLACE_SIZE], otherwise[96];
    const char *text;

    if (!row && find_section(key) >= 0)
        return error_set(r->error, EXIT_INPUT, "%s: %s: is a section, with "
                         "settings of its own below it",
                         place(r, key_mark, at), key);
    if (!row)
        return settings_set(&r->preset->settings, place(r, key_mark, at), key,
                            "", r->error);
    snprintf(otherwise, sizeof(otherwise), "%s: needs a single value", key);
    return first_time(r, key_mark, key,
                      &r->setting_line[row - settings_table]) &&
           setting_text(r, otherwise, &text) &&
           settings_set(&r->preset->settings,
                        place(r, r->event.start_mark, at), key, text,
                        r->error);
}

static bool refuse_section(struct reader *r, yaml_mark_t mark,
                           const char *name)
{
    struct spelling spelling;
    char what[160];

    if (settings_find(name)) {
        snprintf(what, sizeof(what), "%s: needs a single value", name);
        return refuse_at(r, mark, what);
    }
    spelling_init(&spelling, name);
    for (int i = 0; i < settings_count; i++)
        spelling_offer(&spelling, settings_table[i].section);
    if (spelling.nearest)
        snprintf(what, sizeof(what), "unknown section '%.64s'; did you mean "
                 "'%s'?", name, spelling.nearest);
    else
        snprintf(what, sizeof(what), "unknown section '%.64s'; see `memdial "
                 "settings`", name);
    return refuse_at(r, mark, what);
}

static bool read_mapping(struct reader *r, bool top);

static bool read_section(struct reader *r, const char *name,
                         yaml_mark_t key_mark)
{
    int section = find_section(name);

    if (section < 0)
        return refuse_section(r, key_mark, name);
    return first_time(r, key_mark, name, &r->section_line[section]) &&
           read_mapping(r, false);
}

static bool read_member(struct reader *r, const char *key, yaml_mark_t key_mark,
                        bool top)
{
    if (top && strcmp(key, DESCRIPTION) == 0)
        return read_description(r, key_mark);
    if (top && strcmp(key, OF) == 0)
        return read_of(r, key_mark);
    if (top && r->event.type == YAML_MAPPING_START_EVENT)
        return read_section(r, key, key_mark);
    return read_setting(r, key, key_mark);
}

/* Reads a mapping. The event begins it on entry, and ends it on return. */
static bool read_mapping(struct reader *r, bool top)
{
    while (advance(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        yaml_mark_t mark = r->event.start_mark;
        const char *text;
        char *key;
        bool good;

        if (!scalar(r, "the name of a setting must be text", &text))
            return false;
        key = xstrdup(text);
        good = advance(r) && read_member(r, key, mark, top);
        free(key);
        if (!good)
            return false;
    }
    return r->event.type == YAML_MAPPING_END_EVENT;
}

static bool read_stream(struct reader *r)
{
    if (!advance(r) || !advance(r)) /* to the start of the document */
        return false;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return error_set(r->error, EXIT_INPUT, "%s: no settings in it; see "
                         "memdial-presets(5)", r->where);
    if (!advance(r))
        return false;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return refuse_at(r, r->event.start_mark,
                         "expected lines of the form name: value");
    if (!read_mapping(r, true) || !advance(r) || !advance(r))
        return false;
    return r->event.type == YAML_STREAM_END_EVENT ||
           refuse_at(r, r->event.start_mark, "a second document in one file");
}

static bool read_yaml(struct reader *r, const char *text, size_t length)
{
    bool good;

    if (!yaml_parser_initialize(&r->parser))
        error_no_memory();
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text,
                                 length);
    good = read_stream(r);
    yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
    return good;
}

bool preset_parse(struct preset *preset, const char *where, const char *text,
                  size_t length, struct error *e)
{
    struct reader r = { .where = where, .preset = preset, .error = e };
    bool good;

    preset->description[0] = preset->of[0] = '\0';
    settings_init(&preset->settings);
    r.setting_line = xcalloc((size_t)settings_count, sizeof(int));
    r.section_line = xcalloc((size_t)settings_count, sizeof(int));
    good = read_yaml(&r, text, length);
    free(r.section_line);
    free(r.setting_line);
    return good;
}

static bool load_file(struct preset *preset, const char *path,
                      struct error *e)
{
    size_t length;
    char *text = file_read(path, PRESET_FILE_MAX, &length, e);
    bool good;

    if (!text)
        return false;
    good = preset_parse(preset, path, text, length, e);
    free(text);
    return good;
}

static bool load_embedded(struct preset *preset,
                          const struct preset_file *file, struct error *e)
{
    return preset_parse(preset, file->name, file->text, strlen(file->text), e);
}

static const struct preset_file *find_embedded(const char *name)
{
    for (int i = 0; i < preset_file_count; i++)
        if (strcmp(preset_files[i].name, name) == 0)
            return &preset_files[i];
    return NULL;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length &&
           strcmp(text + length - end_length, end) == 0;
}

bool preset_is_path(const char *name)
{
    return strchr(name, '/') || ends_in(name, EXTENSION) ||
           ends_in(name, ".yml");
}

static bool user_folder(char path[PRESET_PATH_SIZE])
{
    return folder_config(path, PRESET_PATH_SIZE, "presets");
}

/* Whether an errno means that this user has no such file. */
static bool means_absent(int code)
{
    return code == ENOENT || code == ENOTDIR || code == EACCES ||
           code == ENAMETOOLONG;
}

/* The user's file of the preset `name`; false if there is none. */
static bool user_file(const char *name, char path[PRESET_PATH_SIZE])
{
    char folder[PRESET_PATH_SIZE];

    return user_folder(folder) &&
           snprintf(path, PRESET_PATH_SIZE, "%s/%s" EXTENSION, folder, name) <
               PRESET_PATH_SIZE &&
           (access(path, F_OK) == 0 || !means_absent(errno));
}

static bool refuse_preset_name(const char *name, struct error *e)
{
    struct spelling spelling;
    char otherwise[160];

    spelling_init(&spelling, name);
    for (int i = 0; i < preset_file_count; i++)
        spelling_offer(&spelling, preset_files[i].name);
    snprintf(otherwise, sizeof(otherwise), "see `memdial presets`, or name a "
             "file, as in ./%.80s" EXTENSION, name);
    return spelling_refuse(&spelling, "preset", otherwise, e);
}

bool preset_exists(const char *name)
{
    char path[PRESET_PATH_SIZE];

    return preset_is_path(name) || user_file(name, path) ||
           find_embedded(name);
}

bool preset_load(struct preset *preset, const char *name, struct error *e)
{
    const struct preset_file *file = find_embedded(name);
    char path[PRESET_PATH_SIZE];

    if (preset_is_path(name))
        return load_file(preset, name, e);
    if (user_file(name, path))
        return load_file(preset, path, e);
    return file ? load_embedded(preset, file, e) : refuse_preset_name(name, e);
}

bool preset_open(const char *name, const struct assignment *assignments,
                 int count, struct settings *settings, struct error *e)
{
    struct preset preset;

    if (!preset_load(&preset, name, e))
        return false;
    for (int i = 0; i < count; i++)
        if (!settings_assign(&preset.settings, assignments[i].option,
                             assignments[i].text, e))
            return false;
    if (!settings_check(&preset.settings, name, e))
        return false;
    *settings = preset.settings;
    return true;
}

static struct preset_entry *new_entry(struct preset_entry **list, int *count,
                                      const char *name)
{
    struct preset_entry *entry;

    *list = xrealloc(*list, (size_t)*count + 1, sizeof(**list));
    entry = &(*list)[(*count)++];
    memset(entry, 0, sizeof(*entry));
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    return entry;
}

static int is_preset_file(const struct dirent *file)
{
    return file->d_name[0] != '.' && ends_in(file->d_name, EXTENSION);
}

/* Adds an entry that tells why the presets in a folder are not listed. */
static void list_failure(struct preset_entry **list, int *count,
                         const char *folder)
{
    int code = errno;

    if (code == ENOMEM)
        error_no_memory();
    if (!means_absent(code))
        error_set(&new_entry(list, count, "presets/")->error, EXIT_RUN,
                  "%s: %s", folder, strerror(code));
}

static void list_user(struct preset_entry **list, int *count)
{
    char folder[PRESET_PATH_SIZE];
    struct dirent **files = NULL;
    int file_count = user_folder(folder) ?
        scandir(folder, &files, is_preset_file, alphasort) : 0;

    if (file_count < 0)
        list_failure(list, count, folder);
    for (int i = 0; i < file_count; i++) {
        char *name = files[i]->d_name;
        struct preset_entry *entry;

        name[strlen(name) - strlen(EXTENSION)] = '\0';
        entry = new_entry(list, count, name);
        user_file(name, entry->path);
        load_file(&entry->preset, entry->path, &entry->error);
        free(files[i]);
    }
    free(files);
}

static bool is_listed(const struct preset_entry *list, int count,
                      const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

int preset_list(struct preset_entry **list)
{
    int count = 0, users;

    *list = NULL;
    list_user(list, &count);
    users = count;
    for (int i = 0; i < preset_file_count; i++) {
        const struct preset_file *file = &preset_files[i];

        if (!is_listed(*list, users, file->name))
            load_embedded(&new_entry(list, &count, file->name)->preset, file,
                          NULL);
    }
    return count;
}
