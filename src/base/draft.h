/*
 * A file that is replaced is never written to. A draft is written beside it,
 * and renamed over it when the draft is safely on disk. So a full disk or a
 * signal on the way costs nothing. A draft
 *
 *   - replaces the file that links lead to, and leaves the links as they are;
 *   - has a name that cannot be guessed, and is created under it, so that
 *     nobody can plant a link there;
 *   - has the permissions of the file that it replaces;
 *   - is locked while it is written. A draft without a lock was left by a
 *     process that was killed, here or on another machine, and the next draft
 *     for the same file removes it;
 *   - is removed when the program ends through exit().
 */
#ifndef MEMDIAL_DRAFT_H
#define MEMDIAL_DRAFT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct draft;

/* Whether a file can be put at `path`, where another file may be now. Call it
 * before a long run. */
bool draft_check(const char *path, struct error *);

bool draft_begin(struct draft **, const char *path, struct error *);

/* A descriptor to read the draft from; *bytes is the number written. */
int draft_written(const struct draft *, uint64_t *bytes);

/* If a write fails the file at the path stays as it was; the caller must then
 * drop the draft. */
bool draft_write(struct draft *, const void *, size_t bytes, struct error *);
bool draft_write_at(struct draft *, const void *, size_t bytes, uint64_t at,
                    struct error *);

/* Has all that is written on disk, so that little is left that can fail when
 * the draft is finished; *status is then that of the file. */
bool draft_sync(const struct draft *, struct stat *status, struct error *);

/* Whether the draft may replace a file. */
enum draft_place { DRAFT_REPLACE, DRAFT_NEW };

/* Puts the draft at its path and releases it, even on failure. With DRAFT_NEW a
 * file that is already there is an error. */
bool draft_finish(struct draft *, enum draft_place, struct error *);

/* Removes and releases the draft, which may be NULL. */
void draft_drop(struct draft *);

/* Writes a file through a draft: bytes, or a text. */
bool draft_put_bytes(const char *path, const void *, size_t bytes,
                     enum draft_place, struct error *);
bool draft_put(const char *path, const char *text, enum draft_place,
               struct error *);

/* Whether `name` is that of a draft for a file called `target` in the same
 * folder. */
bool draft_is_of(const char *name, const char *target);

/* Removes a file that draft_finish() put there, and its drafts that are left.
 * With `only`, the result of stat() on that file, not NULL, another file that
 * stands there by now is left alone. */
void draft_remove(const char *path, const struct stat *only);

#endif
