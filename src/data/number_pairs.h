/*
 * Pairs of number words (numbers.h): German to English. The same in every run:
 * a place in a split always has the same number, and no number is there twice.
 */
#ifndef MEMDIAL_NUMBER_PAIRS_H
#define MEMDIAL_NUMBER_PAIRS_H

#include "data/corpus.h"

extern const struct corpus_source number_pairs_source;

/* Pairs of a split, and the number of one. */
int number_pairs_count(enum split);
int number_pairs_number(enum split, int pair);

#endif
