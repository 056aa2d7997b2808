/*
 * Sentence pairs of a source and a target language, as numbers of tokens. They
 * are read, or made, when a set is opened, and never change.
 */
#ifndef MEMDIAL_CORPUS_H
#define MEMDIAL_CORPUS_H

#include "data/cut.h"
#include "data/pieces.h"
#include "settings/settings.h"

enum side { SIDE_SOURCE, SIDE_TARGET, SIDES };

/* Sentences of a language, each with TOKEN_END at its end. */
struct sentences {
    int32_t *token;      /* one sentence after the other */
    int *first;          /* [count + 1]: places in token[] */
    int tokens;
};

/* The pairs of a split. */
struct pairs {
    struct sentences side[SIDES];
    int count;
    int left_out;        /* longer than the setting `longest` */
    char **reference;    /* of each, if it was given: target text for people */
    int references;
};

struct corpus {
    struct pairs split[SPLIT_COUNT];
    char language[SIDES][16]; /* names */
    struct dictionary *dictionary[SIDES];
    struct bpe *bpe;     /* NULL: words are cut already */
    enum piece_marks marks; /* of target tokens */
};

/* A source of pairs. `check` is that of family.h, cheap. `open` fills a corpus
 * that has the names of its languages alone, and frees nothing if it fails. */
struct corpus_source {
    bool (*check)(const struct settings *, struct error *);
    bool (*open)(struct corpus *, const struct settings *, struct error *);
};

void corpus_free(struct corpus *);

/* Adds tokens to the sentence of a side that is being written. */
void pairs_put(struct pairs *, enum side, const int32_t *tokens, int count);

/* The tokens of that sentence, once it has its end. */
int pairs_written(const struct pairs *, enum side);

/* Ends the sentences of both sides, which make one pair more; or leaves them
 * out. */
void pairs_keep(struct pairs *);
void pairs_leave_out(struct pairs *);

/* Gives the next pair without a reference a line, which is copied; its pieces
 * are joined. */
void pairs_refer(struct pairs *, struct word line, enum piece_marks);

/* The tokens of a sentence, its end included. */
int pairs_length(const struct pairs *, enum side, int pair);

#endif
