/*
 * Files that are read. A path that somebody typed may lead to a folder, a pipe
 * without a writer, or a file larger than memory: these are refused with a
 * sentence, and the program waits for none of them.
 */
#ifndef MEMDIAL_FILE_H
#define MEMDIAL_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* Refuses an empty path, which a variable that is not set leaves behind;
 * `where` is the option or member that gave it. NULL is no path, and is
 * fine. */
bool file_check_path(const char *where, const char *path, struct error *);

/* Opens a file of `most` bytes or less; returns its descriptor, with its size
 * in *bytes, or -1. */
int file_open(const char *path, uint64_t most, uint64_t *bytes,
              struct error *);

/* Reads `bytes` bytes from offset `at` on. On false errno says why; it is 0 if
 * the file ends before. */
bool file_read_at(int fd, void *to, size_t bytes, uint64_t at);

/* The bytes of a file of `most` bytes or less, followed by a NUL beyond *bytes;
 * the caller frees. NULL if it cannot be read. */
char *file_read(const char *path, size_t most, size_t *bytes, struct error *);

/* Refuses all but regular files. */
bool file_check_kind(const char *path, const struct stat *, struct error *);

/* Whether a path is a link, slashes at its end or not. */
bool file_is_link(const char *path);

/* Whether two paths lead to one file or folder. */
bool file_same(const char *a, const char *b);

#endif
