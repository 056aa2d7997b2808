/*
 * Files that are read. A path that somebody typed may as well lead to a folder,
 * a pipe that nobody writes to, or a file that no memory can hold: these are
 * refused with a sentence, and none is waited for.
 */
#ifndef MEMDIAL_FILE_H
#define MEMDIAL_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* Opens a file of `most` bytes or less; returns its descriptor, and in *bytes
 * how long it is, or -1. */
int file_open(const char *path, uint64_t most, uint64_t *bytes,
              struct error *);

/* Reads `bytes` bytes from `at` on. False with an errno; if the file ends
 * before, with errno 0. */
bool file_read_at(int fd, void *to, size_t bytes, uint64_t at);

/* The bytes of a file of `most` bytes or less, followed by a NUL that does not
 * count; the caller frees. NULL if it cannot be read. */
char *file_read(const char *path, size_t most, size_t *bytes, struct error *);

/* Refuses all but regular files. */
bool file_check_kind(const char *path, const struct stat *, struct error *);

#endif
