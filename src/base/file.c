#define _GNU_SOURCE

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" :
           S_ISSOCK(mode) ? "a socket" : "a device";
}

bool file_check_kind(const char *path, const struct stat *status,
                     struct error *e)
{
    return S_ISREG(status->st_mode) ||
           error_set(e, EXIT_INPUT, "%s: not a file but %s", path,
                     kind_of(status->st_mode));
}

bool file_check_path(const char *where, const char *path, struct error *e)
{
    return !path || *path ||
           error_set(e, EXIT_INPUT, "%s: the path is empty; name a file",
                     where);
}

static bool check_file_size(const char *path, uint64_t bytes, uint64_t most,
                            struct error *e)
{
    char text[BYTES_TEXT_SIZE];

    return bytes <= most ||
           error_set(e, EXIT_INPUT, "%s: %" PRIu64 " bytes are more than "
                     "the %s that such a file can have", path, bytes,
                     bytes_format(text, sizeof(text), most));
}

int file_open(const char *path, uint64_t most, uint64_t *bytes,
              struct error *e)
{
    int fd = TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                                     O_NOCTTY));
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        error_set(e, EXIT_INPUT, "%s: %s", path, strerror(errno));
    } else if (file_check_kind(path, &status, e) &&
               check_file_size(path, (uint64_t)status.st_size, most, e)) {
        *bytes = (uint64_t)status.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

bool file_read_at(int fd, void *to, size_t bytes, uint64_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = TEMP_FAILURE_RETRY(pread(fd, (char *)to + done,
                                             bytes - done,
                                             (off_t)(at + done)));
        if (n <= 0) {
            errno = n < 0 ? errno : 0;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Reads up to `most` bytes, whatever size the system tells: that of a file in
 * /proc is 0, and other files grow. So *text, which the caller frees, begins
 * with that size and grows; it has room for two bytes more. */
static ssize_t read_all(int fd, char **text, size_t size, size_t most)
{
    size_t done = 0, room = size + 1;
    ssize_t n;

    *text = xcalloc(room + 2, 1);
    for (;;) {
        size_t left = (room < most ? room : most) - done;

        n = left ? TEMP_FAILURE_RETRY(read(fd, *text + done, left)) : 0;
        if (n <= 0)
            return n < 0 ? n : (ssize_t)done;
        done += (size_t)n;
        if (done == room)
            *text = xrealloc(*text, (room *= 2) + 2, 1);
    }
}

char *file_read(const char *path, size_t most, size_t *bytes,
                struct error *e)
{
    uint64_t size;
    int fd = file_open(path, most, &size, e);
    char *text;
    ssize_t n;

    if (fd < 0)
        return NULL;
    n = read_all(fd, &text, (size_t)size, most + 1);
    if (n < 0)
        error_set(e, EXIT_INPUT, "%s: %s", path, strerror(errno));
    close(fd);
    if (n < 0 || !check_file_size(path, (uint64_t)n, most, e)) {
        free(text);
        return NULL;
    }
    *bytes = (size_t)n;
    text[n] = '\0';
    return text;
}

bool file_is_link(const char *path)
{
    size_t length = strlen(path);
    char clean[PATH_MAX];
    struct stat status;

    while (length > 1 && path[length - 1] == '/')
        length--;
    snprintf(clean, sizeof(clean), "%.*s", (int)length, path);
    return lstat(clean, &status) == 0 && S_ISLNK(status.st_mode);
}

bool file_same(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}
