/*
 * Facts about data sets that a plan needs, from settings alone: plans are made
 * without data. Sets that are opened take the number of classes from here.
 */
#ifndef MEMDIAL_FACTS_H
#define MEMDIAL_FACTS_H

#include "base/number.h"
#include "settings/settings.h"

/* How good predictions are, beside the loss. */
struct score {
    const char *name;            /* "accuracy" */
    bool percent;                /* a fraction of 1, shown in percent */
    bool higher_is_better;
};

enum { FACTS_RANK_MAX = 3 };

struct facts {
    const char *name;            /* of the set, as `data` has it */
    int rank;                    /* of a sample */
    int sample[FACTS_RANK_MAX];  /* its shape; (height, width, channels) */
    int classes;
    const char *unit, *units;    /* what batches are counted in: "sample" */
    const char *items;           /* what the set has: "images" */
    int drawn;                   /* the set of such items that is drawn */
    struct score score;
};

/* Those of the set that settings->data names. */
struct facts facts_of(const struct settings *);

/* The unit of a setting when these are in force, or NULL: of data, theirs. */
const char *facts_units(const struct setting *, const struct settings *);

/* "77.8%", or as it is: with so many digits after the point. Returns text. */
const char *score_format(const struct score *, double value, int digits,
                         char text[NUMBER_SIZE]);

/* Whether one is better than another; nothing is better than NAN, and NAN than
 * nothing. */
bool score_better(const struct score *, double one, double other);

#endif
