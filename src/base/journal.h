/*
 * A journal: a file of lines that only grows. Lines are added at its end, by
 * one process or several, and never changed. What cannot be written now, on a
 * full disk, is kept in memory and written before the next line, so that a
 * reader never finds half a line of a process that lives. One that was killed
 * may leave half a line: whoever opens the journal next begins a new one.
 */
#ifndef MEMDIAL_JOURNAL_H
#define MEMDIAL_JOURNAL_H

#include <stdbool.h>

#include "base/error.h"

enum { JOURNAL_WAITING_MAX = 1 << 20 /* bytes kept in memory */ };

struct journal;

/* Opens the file at the path, or makes it. */
bool journal_open(struct journal **, const char *path, struct error *);

/* Adds a text without newlines as a line. False if it is not in the file: it
 * waits in memory, or is lost if too much does. */
bool journal_add(struct journal *, const char *line, struct error *);

/* Writes what waits, if it can; NULL is closed already. */
void journal_close(struct journal *);

#endif
