/*
 * Files: how they are opened to be read, and how one takes another's place.
 *
 * Only regular files are read. A path that somebody typed may as well lead to
 * a folder, a pipe that nobody writes to, or a file that no memory can hold:
 * these are refused with a sentence, and none is waited for.
 *
 * A file that is replaced is never written to. A draft is written beside it
 * and renamed over it when it is safely on disk, so that whatever happens on
 * the way, a full disk or a signal, costs nothing. A draft
 *
 *   - replaces what links lead to, and leaves the links as they are;
 *   - has a name that cannot be guessed, and is made anew under it, so that
 *     nobody can plant a link there;
 *   - has the permissions of the file that it replaces;
 *   - is locked while it is written. One without a lock is left over from a
 *     process that was killed, here or on another machine, and the next draft
 *     for the same file removes it;
 *   - is removed when the program ends through exit().
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

struct file_draft;

/* Whether a file can be put at `path`, where another may be now. Better known
 * before a long run than after it. */
bool file_check(const char *path, struct error *);

bool file_begin(struct file_draft **, const char *path, struct error *);

/* To read from; *bytes is how much was written. */
int file_written(const struct file_draft *, uint64_t *bytes);

/* When these fail the file at the path is as it was; the draft is then to be
 * dropped. */
bool file_write(struct file_draft *, const void *, size_t bytes,
                struct error *);
bool file_write_at(struct file_draft *, const void *, size_t bytes,
                   uint64_t at, struct error *);

/* A number for a name that nobody can guess. */
uint64_t file_tag(void);

/* What becomes of a file that is there. */
enum file_place { FILE_REPLACE, FILE_NEW };

/* Puts the draft where it belongs and releases it, in any case. With FILE_NEW
 * it is an error that there is a file already. */
bool file_finish(struct file_draft *, enum file_place, struct error *);

/* Removes and releases the draft, which may be NULL. */
void file_drop(struct file_draft *);

/* All of that for a file that is in memory. */
bool file_put(const char *path, const char *text, enum file_place,
              struct error *);

/* Removes a file that file_finish() put there, and drafts of it that are left.
 * With `only` not NULL, the result of stat() on that file, another one that is
 * there by now is left alone. */
void file_remove(const char *path, const struct stat *only);

#endif
