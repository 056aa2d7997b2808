#include "kernels/cpu/figures.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = PATH_MAX + 64 };

void figures_read(const char *folder, const char *file,
                  char text[FIGURES_TEXT_SIZE])
{
    char path[PATH_SIZE];
    ssize_t n = 0;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    text[0] = '\n';
    if (fd >= 0) {
        n = read(fd, text + 1, FIGURES_TEXT_SIZE - 2);
        close(fd);
    }
    text[n > 0 ? n + 1 : 1] = '\0';
}

size_t figures_find(const char *folder, const char *file, const char *word)
{
    char text[FIGURES_TEXT_SIZE], line[64];
    const char *at;

    figures_read(folder, file, text);
    snprintf(line, sizeof(line), "\n%s", word);
    at = strstr(text, line);
    return at ? strtoull(at + strlen(line), NULL, 10) : 0;
}
