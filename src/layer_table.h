/*
 * What each layer of a job has and costs; for tables of layers.
 */
#ifndef MEMDIAL_LAYER_TABLE_H
#define MEMDIAL_LAYER_TABLE_H

#include "job.h"

struct layer_row {
    int64_t parameters;
    int64_t nonzeros;            /* of them, that are stored */
    size_t weights;              /* bytes */
    size_t saved;                /* bytes of its results kept for backward */
    size_t at_peak;              /* bytes of its values, scratch included, that
                                    are alive at the peak */
    double flops;                /* of one optimizer step */
    double recompute;            /* of them, for results computed again */
    struct operand shape;        /* of its result; rank 0: it stores none */
};

/* One row per layer of the graph; the caller frees. */
struct layer_row *layer_table(const struct job *);

#endif
