/*
 * Facts about data sets that a plan needs, from settings alone: plans are made
 * without data. A set that is opened is held to them.
 */
#ifndef MEMDIAL_FACTS_H
#define MEMDIAL_FACTS_H

#include "settings/settings.h"

enum { FACTS_RANK_MAX = 3 };

struct facts {
    const char *name;            /* of the set, as `data` has it */
    int rank;                    /* of a sample */
    int sample[FACTS_RANK_MAX];  /* its shape; (height, width, channels) */
    int classes;
};

/* Those of the set that settings->data names. */
struct facts facts_of(const struct settings *);

#endif
