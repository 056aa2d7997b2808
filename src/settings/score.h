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
    /* Its value where loss and accuracy have these means over units of data;
     * NULL: these do not tell it. */
    double (*of)(double loss, double accuracy);
};

/* `of` of a score that is the accuracy. */
double score_is_accuracy(double loss, double accuracy);

/* The score from means over units of data; NAN: these do not tell it. */
double score_of(const struct score *, double loss, double accuracy);

/* "77.8%", or a plain number, with `digits` decimals. Returns text. */
const char *score_format(const struct score *, double value, int digits,
                         char text[NUMBER_SIZE]);

/* Whether one score is better than another. No score is better than NAN, and
 * NAN is better than none. */
bool score_better(const struct score *, double one, double other);

#endif
