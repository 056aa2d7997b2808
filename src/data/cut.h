/*
 * How data are divided: a set into splits, and a batch into parts. Settings
 * alone determine how large the parts get.
 */
#ifndef MEMDIAL_CUT_H
#define MEMDIAL_CUT_H

#include "kernels/kernels.h"

enum split { SPLIT_TRAIN, SPLIT_VALID,
             SPLIT_TEST,      /* may be empty */
             SPLIT_COUNT };

struct cut {
    struct extents whole;    /* a batch of training */
    struct extents most;     /* of its largest part, */
    struct extents least;    /* and of its smallest */
    struct extents mean;     /* of a part, as expected */
    int parts;               /* of a batch, or how many are expected */
};

#endif
