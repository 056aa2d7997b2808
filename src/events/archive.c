#define _GNU_SOURCE

#include "events/archive.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/quote.h"
#include "base/text.h"
#include "events/archive_within.h"

enum { MADE_NAMES = 10000, PRESET_SHOWN = 40, THREADS_MAX = 4,
       FEW_RECORDS = 64 };

static bool root_fits(size_t length, const char *where, struct error *e)
{
    return length < RECORD_ROOT_SIZE ||
           error_set(e, EXIT_INPUT, "%s: the path is too long: at most %d "
                     "bytes", where, RECORD_ROOT_SIZE - 1);
}

/* The root that an option or the environment names. */
static bool take_root(char root[RECORD_PATH_SIZE], const char *where,
                      const char *path, struct error *e)
{
    if (!root_fits(strlen(path), where, e))
        return false;
    if (strcmp(path, ARCHIVE_NONE) == 0)
        path = "";
    folder_resolve(root, RECORD_ROOT_SIZE, path);
    return true;
}

bool archive_root(char root[RECORD_PATH_SIZE], const char *option,
                  struct error *e)
{
    const char *variable = getenv("MEMDIAL_RUNS");

    root[0] = '\0';
    if (option && !*option)
        return error_set(e, EXIT_INPUT, "--runs: the path is empty; name a "
                         "folder, or " ARCHIVE_NONE);
    if (option)
        return take_root(root, "--runs", option, e);
    if (variable && *variable)
        return take_root(root, "MEMDIAL_RUNS", variable, e);
    return folder_data(root, RECORD_ROOT_SIZE, "runs") ||
           error_set(e, EXIT_RUN, "there is nowhere to keep runs: set HOME or "
                     "MEMDIAL_RUNS");
}

bool archive_check_root(const char *root, const char *option, struct error *e)
{
    return *root || error_set(e, EXIT_INPUT, "no runs are kept, for %s says "
                              ARCHIVE_NONE "; --runs names a folder",
                              option ? "--runs" : "MEMDIAL_RUNS");
}

static bool is_shown(const char *name)
{
    char clean[ARCHIVE_NAME_MAX + 1];

    text_clean(clean, sizeof(clean), name, strlen(name));
    return strcmp(clean, name) == 0;
}

bool archive_check_name(const char *where, const char *name, struct error *e)
{
    size_t length = strlen(name);

    if (length == 0 || length > ARCHIVE_NAME_MAX)
        return error_set(e, EXIT_INPUT, "%s: a name has 1 to %d bytes, not "
                         "%zu", where, ARCHIVE_NAME_MAX, length);
    if (strchr(name, '/') || name[0] == '.' || name[0] == '-' ||
        name[0] == ' ' || name[length - 1] == ' ' || !is_shown(name))
        return error_set(e, EXIT_INPUT, "%s: '%s' cannot be the name of a run: "
                         "no '/', nothing that a line cannot show, and no "
                         "'.', '-' or space at its beginning", where, name);
    return true;
}

/* The name of a preset, or of its file, as a part of a name. */
static void shorten_preset(const char *preset, char text[PRESET_SHOWN + 1])
{
    const char *slash = strrchr(preset, '/');
    const char *name = slash ? slash + 1 : preset;
    const char *end = strstr(name, ".y");
    size_t length = end && end > name ? (size_t)(end - name) : strlen(name);

    snprintf(text, PRESET_SHOWN + 1, "%.*s",
             (int)(length < PRESET_SHOWN ? length : PRESET_SHOWN), name);
    for (char *c = text; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789_-.", *c))
            *c = '-';
}

/* Writes "20261129-094512-quick". */
static void name_by_date(const char *preset, char name[RECORD_NAME_SIZE])
{
    char shown[PRESET_SHOWN + 1];
    time_t now = time(NULL);
    struct tm when;
    size_t used = strftime(name, RECORD_NAME_SIZE, "%Y%m%d-%H%M%S-",
                           localtime_r(&now, &when));

    shorten_preset(preset, shown);
    snprintf(name + used, RECORD_NAME_SIZE - used, "%s", shown);
}

/* Makes the root, and its path absolute. */
static bool make_root(const char *path, char root[RECORD_ROOT_SIZE],
                      struct error *e)
{
    char below[RECORD_PATH_SIZE];

    if (!folder_make_for(record_path(path, "", below), e))
        return false;
    snprintf(root, RECORD_ROOT_SIZE, "%s", path);
    folder_make_absolute(root, RECORD_ROOT_SIZE);
    return true;
}

static bool refuse_folder(const char *folder, struct error *e)
{
    if (errno == EEXIST)
        return error_set(e, EXIT_INPUT, "%s: a run of this name is there "
                         "already: name another, or go on with it by train "
                         "--resume", folder);
    return error_set(e, EXIT_RUN, "%s: cannot be made: %s", folder,
                     strerror(errno));
}

static bool make_by_date(const char *root, const char *preset,
                         char folder[RECORD_PATH_SIZE], struct error *e)
{
    char name[RECORD_NAME_SIZE];
    size_t used;

    name_by_date(preset, name);
    used = strlen(name);
    for (int i = 2; i < MADE_NAMES; i++) {
        if (mkdir(record_path(root, name, folder), 0777) == 0)
            return true;
        if (errno != EEXIST)
            break;
        snprintf(name + used, sizeof(name) - used, "-%d", i);
    }
    return refuse_folder(folder, e);
}

bool archive_make(const char *path, const char *name, const char *preset,
                  char folder[RECORD_PATH_SIZE], struct error *e)
{
    char root[RECORD_ROOT_SIZE];

    if ((name && !archive_check_name("--name", name, e)) ||
        !make_root(path, root, e))
        return false;
    if (!name)
        return make_by_date(root, preset, folder, e);
    return mkdir(record_path(root, name, folder), 0777) == 0 ||
           refuse_folder(folder, e);
}

/* Adds a name to a list for a message, if there is room. */
static void add_name(char *names, size_t size, const char *name)
{
    size_t used = strlen(names);

    if (used + strlen(name) + 3 < size)
        snprintf(names + used, size - used, "%s%s", used ? ", " : "", name);
}

/* A thread's share of the records of a root: every `step`th. */
struct share {
    const char *root;
    const struct archive_names *names;
    enum record_part part;
    int first, step;
    struct record *list;         /* [names->count] */
    bool *good;                  /* likewise: it is a record */
};

static void *read_share(void *arg)
{
    const struct share *s = arg;
    char folder[RECORD_PATH_SIZE];

    for (int i = s->first; i < s->names->count; i += s->step)
        s->good[i] = record_read(&s->list[i],
                                 record_path(s->root, s->names->list[i],
                                             folder), s->part, NULL);
    return NULL;
}

/* Reads by several threads where there is much to read; a thread that cannot
 * begin has its share read here. */
static void read_shares(const struct share *whole)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int count = whole->names->count < FEW_RECORDS || processors < 2
                    ? 1 : processors < THREADS_MAX ? (int)processors
                                                   : THREADS_MAX;
    struct share shares[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    bool begun[THREADS_MAX] = { false };

    for (int i = 0; i < count; i++) {
        shares[i] = *whole;
        shares[i].first = i;
        shares[i].step = count;
        begun[i] = i > 0 && pthread_create(&threads[i], NULL, read_share,
                                           &shares[i]) == 0;
    }
    for (int i = 0; i < count; i++)
        if (!begun[i])
            read_share(&shares[i]);
    for (int i = 0; i < count; i++)
        if (begun[i])
            pthread_join(threads[i], NULL);
}

static void note_other(struct archive *a, const struct record *r)
{
    enum archive_holding holding = archive_holding(r->folder);

    a->others += holding == ARCHIVE_HOLDS_OTHERS;
    a->within += holding == ARCHIVE_HOLDS_RUNS;
    if (holding == ARCHIVE_HOLDS_RUNS)
        add_name(a->within_names, sizeof(a->within_names), r->name);
}

/* Leaves out folders that are not of runs. */
static void keep_records(struct archive *a, const bool *good, int count)
{
    for (int i = 0; i < count; i++) {
        if (!good[i]) {
            note_other(a, &a->list[i]);
            record_done(&a->list[i]);
        } else if (a->count++ < i) {
            a->list[a->count - 1] = a->list[i];
        }
    }
}

bool archive_read(struct archive *a, const char *root, enum record_part part,
                  struct error *e)
{
    struct archive_names names;
    bool *good;

    *a = (struct archive){ .count = 0 };
    if (!archive_list(&names, root, e))
        return false;
    a->list = xcalloc((unsigned long)names.count, sizeof(*a->list));
    good = xcalloc((unsigned long)names.count, sizeof(*good));
    read_shares(&(struct share){ .root = root, .names = &names, .part = part,
                                 .list = a->list, .good = good });
    keep_records(a, good, names.count);
    free(good);
    archive_names_done(&names);
    return true;
}

void archive_done(struct archive *a)
{
    for (int i = 0; i < a->count; i++)
        record_done(&a->list[i]);
    free(a->list);
    *a = (struct archive){ .count = 0 };
}

/* Names that a text may stand for. */
struct matches {
    char folder[RECORD_PATH_SIZE];   /* of the first */
    char names[160];                 /* of some, for a message */
    int count;
};

static void add_match(struct matches *m, const char *root, const char *name)
{
    if (m->count++ == 0)
        record_path(root, name, m->folder);
    add_name(m->names, sizeof(m->names), name);
}

/* Finds the folders whose names begin with the text. */
static bool match_names(struct matches *m, const char *root, const char *text,
                        struct error *e)
{
    struct archive_names names;

    if (!archive_list(&names, root, e))
        return false;
    for (int i = 0; i < names.count; i++) {
        char folder[RECORD_PATH_SIZE];
        if (strncmp(names.list[i], text, strlen(text)) == 0 &&
            record_is(record_path(root, names.list[i], folder)))
            add_match(m, root, names.list[i]);
    }
    archive_names_done(&names);
    return true;
}

static bool match_labels(struct matches *m, const char *root, const char *text,
                         struct error *e)
{
    struct archive a;

    if (!archive_read(&a, root, RECORD_ENDS, e))
        return false;
    for (int i = 0; i < a.count; i++)
        if (strcmp(a.list[i].labels.name, text) == 0)
            add_match(m, root, a.list[i].name);
    archive_done(&a);
    return true;
}

/* Finds the runs of sweeps that have the name. */
static void match_in_sweeps(struct matches *m, const char *root,
                            const char *text)
{
    struct archive_names names;

    archive_list(&names, root, NULL);
    for (int i = 0; i < names.count; i++) {
        char sweep[RECORD_PATH_SIZE], folder[RECORD_PATH_SIZE];
        char name[2 * RECORD_NAME_SIZE];
        record_path(root, names.list[i], sweep);
        if (record_is(sweep) || !record_is(record_path(sweep, text, folder)))
            continue;
        snprintf(name, sizeof(name), "%s/%s", names.list[i], text);
        add_match(m, root, name);
    }
    archive_names_done(&names);
}

static bool refuse_name(const char *root, const char *text, struct error *e)
{
    struct matches m = { .count = 0 };

    if (strlen(text) < RECORD_NAME_SIZE)
        match_in_sweeps(&m, root, text);
    return m.count > 0
               ? error_set(e, EXIT_INPUT, "no run '%s' in %s; but sweeps have "
                           "it: %s", text, root, m.names)
               : error_set(e, EXIT_INPUT, "no run '%s' in %s; see `memdial "
                           "runs list`", text, root);
}

static bool settle_match(const struct matches *m, const char *root,
                         const char *text, char folder[RECORD_PATH_SIZE],
                         struct error *e)
{
    if (m->count == 0)
        return refuse_name(root, text, e);
    if (m->count > 1)
        return error_set(e, EXIT_INPUT, "'%s' stands for %d runs: %s", text,
                         m->count, m->names);
    strcpy(folder, m->folder);
    return true;
}

static bool find_by_name(const char *root, const char *text,
                         char folder[RECORD_PATH_SIZE], struct error *e)
{
    struct matches m = { .count = 0 };

    if (strlen(text) < RECORD_NAME_SIZE &&
        record_is(record_path(root, text, folder)))
        return true;
    return match_labels(&m, root, text, e) &&
           (m.count > 0 || match_names(&m, root, text, e)) &&
           settle_match(&m, root, text, folder, e);
}

/* A path from the root, as that of a run of a sweep there. */
static bool is_below(const char *root, const char *text,
                     char folder[RECORD_PATH_SIZE])
{
    if (text[0] == '.' || strlen(root) + strlen(text) + 2 > RECORD_PATH_SIZE)
        return false;
    strcpy(folder, root);
    strcat(strcat(folder, "/"), text);
    return record_is(folder);
}

/* Takes SWEEP/NAME apart, where an archive within is so called. */
static bool split_path(const char *root, const char *text,
                       char sweep[RECORD_PATH_SIZE], const char **name)
{
    char above[RECORD_PATH_SIZE];
    const char *slash = strrchr(text, '/');

    if (!slash || !slash[1])
        return false;
    *name = slash + 1;
    snprintf(above, sizeof(above), "%.*s", (int)(slash - text), text);
    return archive_within(root, above, sweep);
}

static bool find_by_path(const char *root, const char *text,
                         char folder[RECORD_PATH_SIZE], struct error *e)
{
    char sweep[RECORD_PATH_SIZE];
    const char *name;
    bool is_there;

    if (strlen(text) >= RECORD_ROOT_SIZE)
        return error_set(e, EXIT_INPUT, "%.80s...: the path is too long",
                         text);
    folder_resolve(folder, RECORD_ROOT_SIZE, text);
    is_there = access(folder, F_OK) == 0;
    if (record_is(folder) || (*root && is_below(root, text, folder)))
        return true;
    if (*root && !is_there && split_path(root, text, sweep, &name))
        return find_by_name(sweep, name, folder, e);
    folder_resolve(folder, RECORD_ROOT_SIZE, text);
    return error_set(e, EXIT_INPUT, "%s: not the folder of a run: neither "
                     RECORD_EVENTS " nor " RECORD_SETTINGS " is there",
                     is_there ? folder : text);
}

bool archive_find(const char *root, const char *text,
                  char folder[RECORD_PATH_SIZE], struct error *e)
{
    if (!*text)
        return error_set(e, EXIT_INPUT, "the name of a run is empty");
    if (strchr(text, '/') || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return find_by_path(root, text, folder, e);
    if (!*root)
        return error_set(e, EXIT_INPUT, "%s: no runs are kept, for --runs or "
                         "MEMDIAL_RUNS says " ARCHIVE_NONE "; --runs names a "
                         "folder", text);
    return find_by_name(root, text, folder, e);
}

void archive_add_root(struct buffer *b, const char *root, const char *usual)
{
    if (strcmp(root, usual) == 0)
        return;
    buffer_text(b, " --runs ");
    quote_shell(b, root);
}

void archive_add_resume(struct buffer *b, const char *folder,
                        const char *usual)
{
    const char *slash = strrchr(folder, '/');
    char root[RECORD_PATH_SIZE];

    snprintf(root, sizeof(root), "%.*s", slash ? (int)(slash - folder) : 1,
             slash ? folder : ".");
    buffer_text(b, "memdial train --resume ");
    quote_shell(b, slash ? slash + 1 : folder);
    archive_add_root(b, root, usual);
}
