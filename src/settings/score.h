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
    double most;                 /* that it can be; 0: it has no bound */
    /* Its value where loss and accuracy have these means over units of data;
     * NULL: these do not tell it. */
    double (*of)(double loss, double accuracy);
};

/* `of` of a score that is the accuracy, or the perplexity of tokens. */
double score_is_accuracy(double loss, double accuracy);
double score_is_perplexity(double loss, double accuracy);

/* The score from means over units of data; NAN: these do not tell it. */
double score_of(const struct score *, double loss, double accuracy);

/* "77.8%", or a plain number, with `digits` decimals if there is room, of at
 * most SCORE_CELLS cells. Returns text. */
enum { SCORE_CELLS = 7 };
const char *score_format(const struct score *, double value, int digits,
                         char text[NUMBER_SIZE]);

/* The value if the score can have it, from 0 up; else NAN, which stands for
 * none. */
double score_possible(const struct score *, double value);

/* Whether two are the same measure. */
bool score_same(const struct score *, const struct score *);

/* Whether one score is better than another. Every score is better than NAN,
 * which stands for none. */
bool score_better(const struct score *, double one, double other);

#endif
