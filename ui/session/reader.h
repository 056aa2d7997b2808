/*
 * A reader reads the records of an archive, in a thread of its own, so that the
 * screens go on: the newest first, and later those that are new, that were
 * written to, or whose process may have ended. It looks only when it is told
 * to, and no more than a tenth of the time, for the archive may be large and
 * far away.
 */
#ifndef MEMDIAL_READER_H
#define MEMDIAL_READER_H

#include "ui/session/history.h"

struct reader;

struct reader *reader_new(const char *root);
void reader_free(struct reader *);

/* Looks again, unless it still does, or did just now. */
void reader_look(struct reader *);

/* Reads the whole of a run of that number, before all others. */
void reader_want(struct reader *, int number);

/* Readable while there is news. */
int reader_fd(const struct reader *);

/* Puts the news into a history; true if there were any. An error with the
 * archive is told once; `e` is EXIT_OK otherwise. */
bool reader_take(struct reader *, struct history *, struct error *e);

#endif
