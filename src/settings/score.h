/*
 * Scores: what the data say of how good predictions are.
 */
#ifndef MEMDIAL_SCORE_H
#define MEMDIAL_SCORE_H

#include <stdbool.h>

#include "base/number.h"

/* A measure of how good predictions are, beside the loss. */
struct score {
    const char *name;            /* "accuracy" */
    bool percent;                /* a fraction of 1, shown in percent */
    bool higher_is_better;
};

/* "77.8%", or a plain number, with `digits` decimals. Returns text. */
const char *score_format(const struct score *, double value, int digits,
                         char text[NUMBER_SIZE]);

/* Whether one score is better than another. No score is better than NAN, and
 * NAN is better than none. */
bool score_better(const struct score *, double one, double other);

#endif
