/*
 * Batches for tests: sentence pairs, packed without padding and cut into parts.
 * This is an implementation of its own, beside data/sequences.c; and it can do
 * what that does not: take the pairs in any order, and the parts too.
 */
#ifndef MEMDIAL_TESTS_PACKED_PAIRS_H
#define MEMDIAL_TESTS_PACKED_PAIRS_H

#include "data/cut.h"

enum { PACKED_SOURCE, PACKED_TARGET, PACKED_SIDES };

struct packed_pair {
    int tokens[PACKED_SIDES];
    /* Those of each side, and one more where they are loaded shifted. */
    const int32_t *token[PACKED_SIDES];
};

/* What a stream has of a side: its tokens; the token before each, an end mark
 * before the first; the token after each; the row where each sentence ends. */
enum packed_content { PACKED_TOKENS, PACKED_PREVIOUS, PACKED_NEXT,
                      PACKED_ENDS };

struct packed_stream {
    int side;
    enum packed_content content;
};

/* A batch of pairs that are numbered from 0. All is borrowed. */
struct packed_pairs {
    const struct packed_pair *pair;
    int pairs;
    const int *order;    /* [pairs] which pair has each number; NULL: 0, 1, 2 */
    const int *cut;      /* pairs of each part; together all of them */
    bool backwards;      /* the last part comes first; numbers stay */
    const struct packed_stream *stream; /* of the slots of `load` */
    int streams;
};

/* The extents of numbers [begin, end). */
struct extents packed_extents(const struct packed_pairs *, int begin, int end);

/* The loader, valid as long as the pairs; and its functions. */
struct loader packed_loader(struct packed_pairs *);
bool packed_next(void *pairs, struct part *);
void packed_fill(void *pairs, const struct part *, int begin, int end,
                 const struct stream stream[]);

/* The cut: its `most` is the largest part's of each extent. */
struct cut packed_cut(const struct packed_pairs *);

#endif
