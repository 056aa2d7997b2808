/*
 * How data are divided: a set into splits, and a batch into parts, of which
 * settings alone say how large they get.
 */
#ifndef MEMDIAL_CUT_H
#define MEMDIAL_CUT_H

#include "kernels/kernels.h"

enum split { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLIT_COUNT };

struct cut {
    struct extents whole;    /* a batch of training */
    struct extents most;     /* the most that a part of it holds, */
    struct extents least;    /* and the least */
    int parts;               /* of a batch, or how many are expected */
};

#endif
