/*
 * The inside of byte pair encoding, which bpe.c applies and bpe_learn.c learns.
 */
#ifndef MEMDIAL_BPE_MERGES_H
#define MEMDIAL_BPE_MERGES_H

#include <stdbool.h>
#include <stddef.h>

#include "data/words.h"

/* The mark of a word's end, in files. */
#define BPE_END_MARK "</w>"

/* A piece of a word, without that mark. */
struct piece {
    const char *at;
    size_t bytes;
    bool ends;           /* the word */
};

struct merge {
    struct piece left, right;
};

struct bpe {
    struct merge *merge; /* [count] by rank: those learned first come first */
    int count;
    struct words *by_pieces; /* both pieces of a merge as one word */
    int *rank;           /* of each of these words */
    size_t longest;      /* of them, bytes */
    char *text;          /* of the pieces */
};

/* Cuts a word into characters; piece[] has room for one per byte. */
int bpe_characters(const char *word, size_t bytes, struct piece piece[]);

/* Makes merges ready to be applied. */
void bpe_index(struct bpe *);

#endif
