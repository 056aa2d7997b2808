/*
 * Translated text from files (parallel_files.h): one sentence a line, in words
 * that spaces divide; a line of one language is the translation of the same
 * line of the other.
 */
#ifndef MEMDIAL_PARALLEL_H
#define MEMDIAL_PARALLEL_H

#include "data/corpus.h"

extern const struct corpus_source parallel_source;

/* From now on, tells how many merges have been learned, of those wanted. */
void parallel_watch(void (*told)(int merges, int wanted));

/* Whether the dictionaries of two languages, and merges, can be put into a
 * folder. */
bool parallel_check_write(const char *source, const char *target, bool merges,
                          const char *folder, struct error *);

/* Writes dictionaries and merges into a folder: all of them, or nothing. No
 * file there may have such a name. */
bool parallel_write(const struct corpus *, const char *folder, struct error *);

#endif
