/*
 * The inside of byte pair encoding, which bpe.c applies and bpe_learn.c learns.
 */
#ifndef MEMDIAL_BPE_MERGES_H
#define MEMDIAL_BPE_MERGES_H

#include <stdbool.h>
#include <stddef.h>

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
    int rank;            /* those learned first come first */
};

struct bpe {
    struct merge *merge; /* [count] by rank */
    int count;
    void *by_pieces;     /* of tsearch() */
    char *text;          /* of the pieces */
};

/* By the bytes, as Python compares texts; then by the end. */
int bpe_compare_bytes(const struct piece *, const struct piece *);
int bpe_compare_pieces(const struct piece *, const struct piece *);

/* tsearch(), which never runs out of memory here: the key that is there by
 * then. */
void *bpe_add(void **root, void *key,
              int (*compare)(const void *, const void *));

/* Cuts a word into characters; piece[] has room for one per byte. */
int bpe_characters(const char *word, size_t bytes, struct piece piece[]);

/* Numbers all merges by their order, and makes them ready to be applied. */
void bpe_index(struct bpe *);

#endif
