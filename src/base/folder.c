#include "base/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* NAME below $VARIABLE, or below `otherwise` in $HOME. The specification asks
 * to ignore relative paths. */
static bool find(char *path, size_t size, const char *variable,
                 const char *otherwise, const char *name)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    int length;

    if (base && base[0] == '/')
        length = snprintf(path, size, "%s/memdial/%s", base, name);
    else if (home && home[0] == '/')
        length = snprintf(path, size, "%s/%s/memdial/%s", home, otherwise,
                          name);
    else
        return false;
    return length < (int)size;
}

bool folder_config(char *path, size_t size, const char *name)
{
    return find(path, size, "XDG_CONFIG_HOME", ".config", name);
}

bool folder_state(char *path, size_t size, const char *name)
{
    return find(path, size, "XDG_STATE_HOME", ".local/state", name);
}

bool folder_cache(char *path, size_t size, const char *name)
{
    return find(path, size, "XDG_CACHE_HOME", ".cache", name);
}

bool folder_data(char *path, size_t size, const char *name)
{
    return find(path, size, "XDG_DATA_HOME", ".local/share", name);
}

void folder_expand(char *path, size_t size, const char *text)
{
    const char *home = getenv("HOME");
    bool at_home = home && text[0] == '~' && (!text[1] || text[1] == '/');

    snprintf(path, size, "%s%s", at_home ? home : "", text + at_home);
}

/* The longest beginning of a path that exists, made absolute; returns the rest
 * of the path. NULL: there is none, or it cannot be looked at. */
static const char *find_existing(const char *path, char whole[PATH_MAX])
{
    char begin[PATH_MAX];
    size_t length = strlen(path);

    for (;;) {
        snprintf(begin, sizeof(begin), "%.*s", (int)length, path);
        if (realpath(length ? begin : *path == '/' ? "/" : ".", whole))
            return path + length;
        if (errno != ENOENT || length == 0)
            return NULL;
        while (length > 0 && path[length - 1] == '/')
            length--;
        while (length > 0 && path[length - 1] != '/')
            length--;
    }
}

/* Adds the parts of a path that does not exist to one that does, as they will
 * be when they are made. */
static bool add_parts(char whole[PATH_MAX], const char *rest)
{
    for (; *(rest += strspn(rest, "/")); rest += strcspn(rest, "/")) {
        size_t n = strcspn(rest, "/"), length = strlen(whole);
        if (n == 1 && *rest == '.')
            continue;
        if (n == 2 && strncmp(rest, "..", 2) == 0) {
            char *slash = strrchr(whole, '/');
            slash[slash == whole] = '\0';
            continue;
        }
        if (length + 1 + n >= PATH_MAX)
            return false;
        snprintf(whole + length, PATH_MAX - length, "%s%.*s",
                 length > 1 ? "/" : "", (int)n, rest);
    }
    return true;
}

void folder_make_absolute(char *path, size_t size)
{
    char given[PATH_MAX], whole[PATH_MAX];
    const char *rest;

    folder_expand(given, sizeof(given), path);
    rest = *given ? find_existing(given, whole) : NULL;
    if (rest && add_parts(whole, rest) && strlen(whole) < size)
        strcpy(path, whole);
}

void folder_resolve(char *path, size_t size, const char *text)
{
    folder_expand(path, size, text);
    folder_make_absolute(path, size);
}

bool folder_make_for(const char *path, struct error *e)
{
    char *above = xstrdup(path);
    int failure = 0;

    for (char *slash = above + 1; (slash = strchr(slash, '/')) && !failure;
         slash++) {
        *slash = '\0';
        if (mkdir(above, 0777) != 0 && errno != EEXIST) {
            failure = errno;
            error_set(e, EXIT_RUN, "%s: %s", above, strerror(failure));
        }
        *slash = '/';
    }
    free(above);
    return !failure;
}

bool folder_lock(DIR *folder)
{
    return flock(dirfd(folder), LOCK_EX | LOCK_NB) == 0 ||
           errno != EWOULDBLOCK;
}
