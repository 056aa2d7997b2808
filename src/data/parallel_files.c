/*
 * fairseq's scripts write train.de, valid.de and test.de; the files of IWSLT
 * have names as train.de-en.de, and Multi30k's are train.de, val.de and
 * test_2016_flickr.de.
 */
#include "data/parallel_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

enum { NAMES_MAX = 3, FORMS = 3, FOLDER_SIZE = PARALLEL_PATH_SIZE - 128 };

static const char *const names[SPLIT_COUNT][NAMES_MAX] = {
    [SPLIT_TRAIN] = { "train" },
    [SPLIT_VALID] = { "valid", "val", "dev" },
    [SPLIT_TEST] = { "test", "test_2016_flickr", "test2016" },
};

static const char *language_of(const struct settings *s, int side)
{
    return side == SIDE_SOURCE ? s->source : s->target;
}

/* The part of a file's name between that of the split and the language. */
static void write_form(int form, const struct settings *s, char *text,
                       size_t size)
{
    *text = '\0';
    if (form > 0)
        snprintf(text, size, ".%s-%s", form == 1 ? s->source : s->target,
                 form == 1 ? s->target : s->source);
}

/* Writes the paths of both languages; returns how many of them are there. */
static int try_names(char path[SIDES][PARALLEL_PATH_SIZE], const char *folder,
                     const char *name, int form, const struct settings *s)
{
    char middle[64];
    int found = 0;

    write_form(form, s, middle, sizeof(middle));
    for (int k = 0; k < SIDES; k++) {
        snprintf(path[k], PARALLEL_PATH_SIZE, "%s/%s%s.%s", folder, name,
                 middle, language_of(s, k));
        found += access(path[k], F_OK) == 0;
    }
    return found;
}

/* Finds the files of a split: under the first names that both of them have, or
 * one of them, or else under the first of all. Returns how many are there. */
static int find_split(char path[SIDES][PARALLEL_PATH_SIZE], const char *folder,
                      enum split split, const struct settings *s)
{
    for (int wanted = SIDES; wanted > 0; wanted--)
        for (int i = 0; i < NAMES_MAX && names[split][i]; i++)
            for (int form = 0; form < FORMS; form++)
                if (try_names(path, folder, names[split][i], form, s)
                    == wanted)
                    return wanted;
    return try_names(path, folder, names[split][0], 0, s);
}

static bool check_folder(const char *folder, const struct settings *s,
                         struct error *e)
{
    struct stat st;
    bool found = stat(folder, &st) == 0;

    if (!folder[0])
        return error_set(e, EXIT_INPUT, "data_path: not set; name the folder "
                         "of train.%s, train.%s, valid.%s and valid.%s with "
                         "--set data_path=FOLDER, or use --set data=numbers",
                         s->source, s->target, s->source, s->target);
    if (!found || !S_ISDIR(st.st_mode))
        return error_set(e, EXIT_INPUT, "data_path: %s: %s; name the folder "
                         "of train.%s, train.%s, valid.%s and valid.%s",
                         folder, found ? "not a folder" : strerror(errno),
                         s->source, s->target, s->source, s->target);
    return true;
}

/* Adds the names of files that are not there. */
static void list_missing(char *text, size_t size,
                         char path[SIDES][PARALLEL_PATH_SIZE])
{
    for (int k = 0; k < SIDES; k++) {
        size_t used = strlen(text);

        if (access(path[k], F_OK) != 0)
            snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                     strrchr(path[k], '/') + 1);
    }
}

void parallel_files_name(struct parallel_files *f, const char *source,
                         const char *target, const char *folder)
{
    for (int k = 0; k < SIDES; k++)
        snprintf(f->dictionary[k], PARALLEL_PATH_SIZE, "%.*s/dict.%s.txt",
                 FOLDER_SIZE, folder, k == SIDE_SOURCE ? source : target);
    snprintf(f->merges, PARALLEL_PATH_SIZE, "%.*s/code", FOLDER_SIZE, folder);
}

bool parallel_files_find(struct parallel_files *f, const struct settings *s,
                         struct error *e)
{
    char folder[FOLDER_SIZE], missing[512] = "";

    folder_expand(folder, sizeof(folder), s->data_path);
    if (!check_folder(folder, s, e))
        return false;
    parallel_files_name(f, s->source, s->target, folder);
    for (enum split k = 0; k < SPLIT_COUNT; k++) {
        int found = find_split(f->path[k], folder, k, s);

        if (found < SIDES && (k != SPLIT_TEST || found > 0))
            list_missing(missing, sizeof(missing), f->path[k]);
        if (found == 0)
            f->path[k][SIDE_SOURCE][0] = f->path[k][SIDE_TARGET][0] = '\0';
    }
    return !missing[0] ||
           error_set(e, EXIT_INPUT, "data_path: %s: no %s; name the folder of "
                     "the sentences with data_path, their languages with "
                     "source and target, or use data=numbers", folder,
                     missing);
}
