/*
 * Translated text from files (parallel_files.h): one sentence a line, in words
 * that spaces divide; a line of one language is the translation of the same
 * line of the other.
 */
#ifndef MEMDIAL_PARALLEL_H
#define MEMDIAL_PARALLEL_H

#include "data/corpus.h"

extern const struct corpus_source parallel_source;

/* Writes dictionaries and merges into a folder, from which a set is opened with
 * them again. */
bool parallel_write(const struct corpus *, const struct settings *,
                    const char *folder, struct error *);

#endif
