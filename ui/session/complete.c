#include "ui/session/complete.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/folder.h"
#include "base/text.h"

enum { PATH_SIZE = 4096 };

/* Names of folders that begin with the typed text. */
struct names {
    char **name;         /* owned, [count] */
    int count;
};

static bool is_folder(const char *above, const char *name)
{
    char path[PATH_SIZE];
    struct stat status;

    return snprintf(path, sizeof(path), "%s/%s", above, name) < PATH_SIZE &&
           stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool begins(const char *name, const char *typed)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    return strncmp(name, typed, strlen(typed)) == 0 &&
           (name[0] != '.' || typed[0] == '.');
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct names find_names(const char *above, const char *typed)
{
    struct names n = { 0 };
    DIR *dir = opendir(above);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (begins(entry->d_name, typed) && is_folder(above, entry->d_name)) {
            n.name = xrealloc(n.name, (unsigned long)n.count + 1,
                              sizeof(*n.name));
            n.name[n.count++] = xstrdup(entry->d_name);
        }
    if (dir)
        closedir(dir);
    if (n.count > 0)
        qsort(n.name, (size_t)n.count, sizeof(*n.name), compare_texts);
    return n;
}

static void names_done(struct names *n)
{
    for (int i = 0; i < n->count; i++)
        free(n->name[i]);
    free(n->name);
}

/* The number of bytes that all names begin with; whole characters. */
static size_t common(const struct names *n)
{
    const char *first = n->name[0], *last = n->name[n->count - 1];
    size_t length = 0;

    while (first[length] && first[length] == last[length])
        length++;
    while (length > 0 && text_continues(first[length]))
        length--;
    return length;
}

static void list(const struct names *n, char *offers, size_t size)
{
    size_t used = 0;

    if (n->count == 0)
        snprintf(offers, size, "no such folder");
    for (int i = 0; n->count > 1 && i < n->count && used + 1 < size; i++) {
        char name[256];
        text_clean(name, sizeof(name), n->name[i], strlen(n->name[i]));
        used += (size_t)snprintf(offers + used, size - used, "%s%s/",
                                 i ? "  " : "", name);
    }
}

void complete_folder(char *text, size_t size, char *offers,
                     size_t offers_size)
{
    char above[PATH_SIZE];
    char *slash = strrchr(text, '/');
    char *typed = slash ? slash + 1 : text;
    size_t kept = (size_t)(typed - text), length;
    struct names n;

    *offers = '\0';
    if (strcmp(text, "~") == 0) {
        snprintf(text, size, "~/");
        return;
    }
    folder_expand(above, sizeof(above), text);
    slash = strrchr(above, '/');
    snprintf(slash ? slash + 1 : above, 2, "%s", slash ? "" : ".");
    n = find_names(above, typed);
    list(&n, offers, offers_size);
    length = n.count ? common(&n) : 0;
    if (n.count && kept + length + 2 <= size) {
        memcpy(typed, n.name[0], length);
        strcpy(typed + length, n.count == 1 ? "/" : "");
    }
    names_done(&n);
}
