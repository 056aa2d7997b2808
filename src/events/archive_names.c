#define _GNU_SOURCE

#include "events/archive_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool archive_is_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           (entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
            entry->d_type == DT_UNKNOWN);
}

/* Opens a root; NULL, with errno 0, if it is not there. */
static DIR *open_root(const char *root, struct error *e)
{
    DIR *d = opendir(root);

    if (!d && errno != ENOENT)
        error_set(e, EXIT_RUN, "%s: %s", root, strerror(errno));
    else
        errno = 0;
    return d;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void archive_names_sort(struct archive_names *n)
{
    if (n->count)
        qsort(n->list, (size_t)n->count, sizeof(*n->list), compare_names);
}

static void read_names(struct archive_names *n, DIR *d)
{
    struct dirent *entry;

    while ((entry = readdir(d)))
        if (archive_is_entry(entry)) {
            n->list = xgrow(n->list, n->count, sizeof(*n->list));
            n->list[n->count++] = xstrdup(entry->d_name);
        }
    archive_names_sort(n);
}

bool archive_list(struct archive_names *n, const char *root, struct error *e)
{
    DIR *d = open_root(root, e);

    *n = (struct archive_names){ .count = 0 };
    if (!d)
        return errno == 0;
    read_names(n, d);
    closedir(d);
    return true;
}

void archive_names_done(struct archive_names *n)
{
    for (int i = 0; i < n->count; i++)
        free(n->list[i]);
    free(n->list);
    *n = (struct archive_names){ .count = 0 };
}
