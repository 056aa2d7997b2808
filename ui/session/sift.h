/*
 * A filter of the rows of a table, as a person types it: words that a row must
 * have, in small letters or large ones, and conditions that it must meet, as
 * peak<8MiB and precision=fp16. A condition without its value holds for all.
 */
#ifndef MEMDIAL_SIFT_H
#define MEMDIAL_SIFT_H

#include "base/condition.h"
#include "ui/session/past.h"

enum { SIFT_SIZE = 128, SIFT_TERMS = 16 };

struct sift_term {
    const char *word;                /* NULL: a condition */
    struct condition condition;
    const struct setting *setting;   /* that it is about; or NULL: */
    int quantity;                    /* of sift.c */
};

struct sift {
    char text[SIFT_SIZE];            /* as typed; "": all rows pass */
    char words[SIFT_SIZE];           /* cut into its terms */
    struct sift_term terms[SIFT_TERMS];
    int count;
    char trouble[64];                /* with a condition; or "" */
};

void sift_set(struct sift *, const char *text);

/* Whether a row passes. `words` is all of its text; the past run is NULL for an
 * attempt of the session. */
bool sift_passes(const struct sift *, const struct attempt *,
                 const struct past *, const char *state, const char *words);

#endif
