/*
 * Sets of sentence pairs for training and translating: batches, packed without
 * padding. A unit is a target token.
 *
 * Batches are cut once, when the set is opened, from pairs in an order drawn
 * from the seed. Each pass takes these batches in an order of its own. An
 * epoch of `epoch_samples` is the fewest batches that have room for that number
 * of tokens, and goes on where the last one ended; otherwise it is a pass.
 * Parts are cut in reading.begin, by the settings of the reading.
 *
 * A loader fills these streams of a part, all int32, every sentence with its
 * end mark. T, S and N are target tokens, source tokens and sentences.
 *   0  source tokens (S)
 *   1  source ends (N): the row at which each sentence of the part ends
 *   2  previous target tokens (T): the end mark, then the sentence without its
 *      own
 *   3  labels (T): the target tokens
 *   4  target ends (N)
 */
#ifndef MEMDIAL_SEQUENCES_H
#define MEMDIAL_SEQUENCES_H

#include "data/family.h"
#include "data/words.h"

enum { SEQUENCES_SOURCE, SEQUENCES_SOURCE_ENDS, SEQUENCES_PREVIOUS,
       SEQUENCES_LABELS, SEQUENCES_TARGET_ENDS };

/* The functions of sentences for the rest of the program; the set's `source` is
 * a struct corpus_source. */
extern const struct data_family sequences_family;

/* An open set: the `state` of the family. */
struct sequences;

/* Pairs of a split, in the order of its file; a split without files has none.
 */
int sequences_pairs(const struct sequences *, enum split);

/* Pairs that training leaves out, because they are longer than `longest`. */
int sequences_left_out(const struct sequences *);

/* The source tokens of a pair, the end mark included; *count of them. */
const int32_t *sequences_source(const struct sequences *, enum split, int pair,
                                int *count);

/* The target text of a pair for people, but of training NULL. */
const char *sequences_reference(const struct sequences *, enum split,
                                int pair);

/* Target tokens as text for people, up to the end mark, if there is one. The
 * caller frees. */
char *sequences_text(const struct sequences *, const int32_t *tokens,
                     int count);

/* Joins the pieces of a line of target text, in place, if it is cut into them
 * as the set's is; other text stays as it is. */
void sequences_join(const struct sequences *, char *line);

/* The source tokens of a line of text, the end mark included; *count of them.
 * The caller frees. */
int32_t *sequences_encode(const struct sequences *, struct word line,
                          int *count);

/* Whether a set of these settings has what sequences_write() writes, and it can
 * be put into the folder; cheap enough to call before the set is opened. */
bool sequences_check_write(const struct settings *, const char *folder,
                           struct error *);

/* Writes dictionaries, and merges if there are any, into a folder that has no
 * such files; all of them, or nothing. A set that has them beside it is opened
 * with them. */
bool sequences_write(const struct sequences *, const char *folder,
                     struct error *);

#endif
