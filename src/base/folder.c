#include "base/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Cuts the last part off a path; returns where it begins. A path of one part is
 * in ".". */
static const char *cut_last_part(char path[PATH_MAX])
{
    char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    size_t length = strlen(last);

    if (!slash) {
        memmove(path + 2, path, length + 1);
        path[0] = '.';
        path[1] = '\0';
        return path + 2;
    }
    *slash = '\0';
    return last;
}

/* Of a path that does not exist yet the parts that do are made absolute, so
 * that it is the same before and after it is made. */
void folder_make_absolute(char *path, size_t size)
{
    char given[PATH_MAX], whole[PATH_MAX], rest[PATH_MAX] = "";

    folder_expand(given, sizeof(given) - 2, path);
    if (!*given)
        return;
    while (!realpath(*given ? given : "/", whole)) {
        char below[PATH_MAX];
        const char *last;
        if (errno != ENOENT || strcmp(given, ".") == 0)
            return;
        last = cut_last_part(given);
        snprintf(below, sizeof(below), "%s", rest);
        if (snprintf(rest, sizeof(rest), "%s%s%s", last, *last && *below ? "/"
                     : "", below) >= (int)sizeof(rest))
            return;
    }
    if (strlen(whole) + strlen(rest) + 1 < size)
        snprintf(path, size, "%s%s%s", whole,
                 *rest && strcmp(whole, "/") != 0 ? "/" : "", rest);
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
