#define _GNU_SOURCE

#include "kernels/cpu/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/figures.h"

enum { PATH_SIZE = PATH_MAX + 64 };

bool cgroup_numbers(const struct cgroup *g, const char *file, int count,
                    long long numbers[])
{
    char text[FIGURES_TEXT_SIZE], *at = text;

    figures_read(g->folder, file, text);
    for (int i = 0; i < count; i++) {
        char *begin = at;

        numbers[i] = strtoll(begin, &at, 10);
        if (at == begin)
            return false;
    }
    return true;
}

/* Whether a word is in a list, "cpu,cpuacct". */
static bool lists(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, word, length) == 0 &&
            (list[length] == ',' || list[length] == '\0'))
            return true;
    }
    return false;
}

/* Visits the group with that path below the mount of its kind, and all groups
 * above it. */
static void climb(const char *mount, const char *path, int version,
                  void (*f)(void *arg, const struct cgroup *), void *arg)
{
    char folder[PATH_SIZE], *end;
    struct cgroup group = { version, folder };
    size_t top = strlen(mount);

    snprintf(folder, sizeof(folder), "%s%s", mount,
             strcmp(path, "/") == 0 ? "" : path);
    f(arg, &group);
    while ((end = strrchr(folder + top, '/'))) {
        *end = '\0';
        f(arg, &group);
    }
}

/* Lines are "4:memory:/path", and of the second version "0::/path". */
void cgroup_each(const char *root, const char *controller,
                 void (*f)(void *arg, const struct cgroup *), void *arg)
{
    char text[FIGURES_TEXT_SIZE], folder[PATH_SIZE], *rest = text, *line;

    snprintf(folder, sizeof(folder), "%s/proc/self", root);
    figures_read(folder, "cgroup", text);
    while ((line = strsep(&rest, "\n"))) {
        char *list = strchr(line, ':'), *path;
        bool second;

        path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        second = *++list == '\0';
        if (!second && !lists(list, controller))
            continue;
        snprintf(folder, sizeof(folder), "%s/sys/fs/cgroup%s%s", root,
                 second ? "" : "/", second ? "" : controller);
        climb(folder, path, second ? 2 : 1, f, arg);
    }
}
