#define _GNU_SOURCE

#include "events/archive_within.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/folder.h"

/* Its files, and drafts of them. */
static bool is_of_sweep(const char *name)
{
    static const char *const files[] = { ARCHIVE_SCRIPT, ARCHIVE_FRONT };
    int length = 0;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (strcmp(name, files[i]) == 0 || draft_is_of(name, files[i]))
            return true;
    sscanf(name, "slurm-%*[0-9].log%n", &length);
    return length > 0 && !name[length];
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

enum archive_holding archive_holding(const char *folder)
{
    DIR *d = opendir(folder);
    enum archive_holding holding = d ? ARCHIVE_HOLDS_NOTHING
                                     : ARCHIVE_HOLDS_OTHERS;
    struct dirent *entry;

    while (d && holding != ARCHIVE_HOLDS_RUNS && (entry = readdir(d))) {
        char path[RECORD_PATH_SIZE];
        if (archive_is_entry(entry) &&
            record_is(record_path(folder, entry->d_name, path)))
            holding = ARCHIVE_HOLDS_RUNS;
        else if (!is_dots(entry->d_name) && !is_of_sweep(entry->d_name))
            holding = ARCHIVE_HOLDS_OTHERS;
    }
    if (d)
        closedir(d);
    return holding;
}

bool archive_within_is_path(const char *text)
{
    return strchr(text, '/') || text[0] == '.';
}

bool archive_within(const char *root, const char *text,
                    char folder[RECORD_PATH_SIZE])
{
    if (!*text || strlen(text) >= RECORD_ROOT_SIZE)
        return false;
    if (archive_within_is_path(text))
        folder_resolve(folder, RECORD_ROOT_SIZE, text);
    else
        record_path(root, text, folder);
    return !record_is(folder) &&
           archive_holding(folder) != ARCHIVE_HOLDS_OTHERS;
}

static void add_listed(struct archive_names *n, const char *above,
                       const char *name)
{
    char text[2 * RECORD_NAME_SIZE];

    snprintf(text, sizeof(text), "%s%s%s", above, *above ? "/" : "", name);
    n->list = xgrow(n->list, n->count, sizeof(*n->list));
    n->list[n->count++] = xstrdup(text);
}

/* Adds a folder; in the place of a sweep its runs. */
static void add_with_runs(struct archive_names *n, const char *root,
                          const char *name)
{
    char folder[RECORD_PATH_SIZE], run[RECORD_PATH_SIZE];
    struct archive_names within;
    enum archive_holding holding;

    record_path(root, name, folder);
    holding = record_is(folder) ? ARCHIVE_HOLDS_OTHERS
                                : archive_holding(folder);
    if (holding == ARCHIVE_HOLDS_OTHERS)
        add_listed(n, "", name);
    if (holding != ARCHIVE_HOLDS_RUNS || !archive_list(&within, folder, NULL))
        return;
    for (int i = 0; i < within.count; i++)
        if (record_is(record_path(folder, within.list[i], run)))
            add_listed(n, name, within.list[i]);
    archive_names_done(&within);
}

bool archive_list_all(struct archive_names *n, const char *root,
                      struct error *e)
{
    struct archive_names top;

    *n = (struct archive_names){ .count = 0 };
    if (!archive_list(&top, root, e))
        return false;
    for (int i = 0; i < top.count; i++)
        add_with_runs(n, root, top.list[i]);
    archive_names_sort(n);
    archive_names_done(&top);
    return true;
}

/* Calls `see` with the path of each thing in a folder, until that says false.
 */
static bool see_things(const char *folder,
                       bool (*see)(const char *path, const char *name,
                                   struct error *), struct error *e)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    bool ok = d || error_set(e, EXIT_RUN, "%s: %s", folder, strerror(errno));

    while (ok && (entry = readdir(d))) {
        char path[RECORD_PATH_SIZE];
        ok = is_dots(entry->d_name) ||
             see(record_path(folder, entry->d_name, path), entry->d_name, e);
    }
    if (d)
        closedir(d);
    return ok;
}

/* Refuses all but runs that have ended and files of the sweep. */
static bool check_removable(const char *path, const char *name,
                            struct error *e)
{
    struct record r;
    bool ok;

    if (!file_is_link(path) && is_of_sweep(name))
        return true;
    if (file_is_link(path) || !record_is(path))
        return error_set(e, EXIT_INPUT, "%s: not of the sweep; nothing is "
                         "removed", path);
    ok = record_read(&r, path, RECORD_ENDS, e) &&
         record_check_ended(&r, "removed", e);
    record_done(&r);
    return ok;
}

static bool remove_thing(const char *path, const char *name, struct error *e)
{
    struct record r;
    bool ok;

    if (is_of_sweep(name))
        return remove(path) == 0 ||
               error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
    ok = record_read(&r, path, RECORD_ENDS, e) && record_remove(&r, e);
    record_done(&r);
    return ok;
}

/* Refuses a folder that a `memdial sweep` has locked. */
static bool check_unlocked(const char *folder, struct error *e)
{
    DIR *d = opendir(folder);
    bool locked = d && flock(dirfd(d), LOCK_EX | LOCK_NB) != 0 &&
                  errno == EWOULDBLOCK;

    if (d)
        closedir(d);
    return !locked ||
           error_set(e, EXIT_INPUT, "%s: a `memdial sweep` works on it, so it "
                     "cannot be removed; wait for its end, or end it", folder);
}

bool archive_remove(const char *root, const char *text, struct error *e)
{
    char folder[RECORD_PATH_SIZE], given[RECORD_PATH_SIZE];

    if (!archive_within(root, text, folder))
        return error_set(e, EXIT_INPUT, "no sweep '%s' in %s", text, root);
    folder_expand(given, sizeof(given), text);
    if (file_is_link(folder) || file_is_link(given))
        return error_set(e, EXIT_INPUT, "%s: a link, and not the folder of a "
                         "sweep", folder);
    if (file_same(folder, root))
        return error_set(e, EXIT_INPUT, "%s: the folder of all runs, and not "
                         "of a sweep", folder);
    return check_unlocked(folder, e) &&
           see_things(folder, check_removable, e) &&
           see_things(folder, remove_thing, e) &&
           (rmdir(folder) == 0 ||
            error_set(e, EXIT_RUN, "%s: %s", folder, strerror(errno)));
}
