/*
 * Facts about data sets that a plan and the screens need, from settings alone:
 * plans are made without data. Sets that are opened take the number of classes
 * from here.
 */
#ifndef MEMDIAL_FACTS_H
#define MEMDIAL_FACTS_H

#include "settings/score.h"
#include "settings/settings.h"

/* What a set of labelled images has; all 0 for other data. */
struct image_facts {
    int height, width, channels, classes;
    int training;        /* images to train on, at most */
};

/* What a set of sentence pairs has; all 0 for other data. Vocabularies have the
 * special tokens in them, and lengths, in tokens, the end mark. */
struct text_facts {
    int source_vocabulary, target_vocabulary;
    int longest;         /* sentence of either language */
    int sentence;        /* mean length in the source language */
    const char *source, *target; /* names of languages; of files, they are the
                                    settings' own */
};

struct facts {
    const char *unit, *units;    /* that batches are counted in: "sample" */
    const char *items;           /* the set's content: "images" */
    const char *where;           /* its files come from; NULL: it has none */
    const char *drawn;           /* the preset that draws such items itself */
    struct score score;
    int score_every;     /* epochs from one to the next; the last has one too */
    const struct score *beside;  /* other scores, that every epoch tells, ... */
    int beside_count;            /* ... [beside_count] */
    bool packed;         /* samples have lengths of their own, and parts of a
                            batch need not be equal */
    struct image_facts image;
    struct text_facts text;
};

/* The facts of the set that settings->data names. */
struct facts facts_of(const struct settings *);

/* Batches of training that units make: where samples have lengths of their own
 * the last may be a smaller one. */
int64_t facts_batches(const struct settings *, int64_t units);

/* The unit of a setting under these settings, or NULL. A unit of data is that
 * of their set. */
const char *facts_units(const struct setting *, const struct settings *);

#endif
