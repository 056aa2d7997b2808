#define _GNU_SOURCE

#include "kernels/cpu/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE = 8192, PATH_SIZE = PATH_MAX + 64 };

/* What is in a file, after an empty line; nothing if it cannot be read. */
static void read_text(const char *folder, const char *file,
                      char text[TEXT_SIZE])
{
    char path[PATH_SIZE];
    ssize_t n = 0;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    text[0] = '\n';
    if (fd >= 0) {
        n = read(fd, text + 1, TEXT_SIZE - 2);
        close(fd);
    }
    text[n > 0 ? n + 1 : 1] = '\0';
}

size_t file_figure(const char *folder, const char *file, const char *word)
{
    char text[TEXT_SIZE], line[64];
    const char *at;

    read_text(folder, file, text);
    snprintf(line, sizeof(line), "\n%s", word);
    at = strstr(text, line);
    return at ? strtoull(at + strlen(line), NULL, 10) : 0;
}

bool cgroup_numbers(const struct cgroup *g, const char *file, int count,
                    long long numbers[])
{
    char text[TEXT_SIZE], *at = text;

    read_text(g->folder, file, text);
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

/* The group with that path below where groups of its kind are, and all above
 * it. */
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
    char text[TEXT_SIZE], folder[PATH_SIZE], *rest = text, *line;

    snprintf(folder, sizeof(folder), "%s/proc/self", root);
    read_text(folder, "cgroup", text);
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
