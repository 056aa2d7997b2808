/*
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
#ifndef MEMDIAL_DRAFT_H
#define MEMDIAL_DRAFT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct draft;

/* Whether a file can be put at `path`, where another may be now. Better known
 * before a long run than after it. */
bool draft_check(const char *path, struct error *);

bool draft_begin(struct draft **, const char *path, struct error *);

/* To read from; *bytes is how much was written. */
int draft_written(const struct draft *, uint64_t *bytes);

/* When these fail the file at the path is as it was; the draft is then to be
 * dropped. */
bool draft_write(struct draft *, const void *, size_t bytes, struct error *);
bool draft_write_at(struct draft *, const void *, size_t bytes, uint64_t at,
                    struct error *);

/* What becomes of a file that is there. */
enum draft_place { DRAFT_REPLACE, DRAFT_NEW };

/* Puts the draft where it belongs and releases it, in any case. With DRAFT_NEW
 * it is an error that there is a file already. */
bool draft_finish(struct draft *, enum draft_place, struct error *);

/* Removes and releases the draft, which may be NULL. */
void draft_drop(struct draft *);

/* All of that for a file that is in memory. */
bool draft_put(const char *path, const char *text, enum draft_place,
               struct error *);

/* Removes a file that draft_finish() put there, and drafts of it that are left.
 * With `only` not NULL, the result of stat() on that file, another one that is
 * there by now is left alone. */
void draft_remove(const char *path, const struct stat *only);

#endif
