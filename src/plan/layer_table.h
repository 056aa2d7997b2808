/*
 * The memory and arithmetic of each layer of a job, and of all together: the
 * table that `memdial plan --layers` and the page Layers both show. Its rows
 * are the layers in the order of the model, then their sum. Its columns have
 * titles and texts of their own, so that both say the same.
 */
#ifndef MEMDIAL_LAYER_TABLE_H
#define MEMDIAL_LAYER_TABLE_H

#include "plan/job.h"

struct layer_row {
    const char *name;
    int64_t parameters;
    int64_t nonzeros;            /* of the parameters, that are stored */
    bool pooled;                 /* the weights are in the pool, which has their
                                    nonzeros: their number changes */
    size_t weights;              /* bytes */
    size_t saved;                /* bytes of its results kept for backward */
    size_t at_peak;              /* bytes of its values, scratch included, that
                                    are alive at the peak */
    double flops;                /* of one optimizer step */
    double recompute;            /* of flops, for results computed again */
    struct operand shape;        /* of its result; rank 0: it stores none */
};

struct layer_table {
    struct layer_row *rows;      /* owned, [count + 1] */
    int count;
    size_t peak_bytes;
};

/* The most useful columns come first. */
enum layer_column { LAYER_NAME, LAYER_SAVED, LAYER_RECOMPUTE, LAYER_FLOPS,
                    LAYER_PEAK, LAYER_PARAMETERS, LAYER_NONZEROS,
                    LAYER_WEIGHTS, LAYER_RESULT, LAYER_COLUMNS };

enum { LAYER_TEXT_SIZE = 64 };

/* Borrows the job. */
void layer_table_init(struct layer_table *, const struct job *);
void layer_table_done(struct layer_table *);

const char *layer_table_title(enum layer_column);

/* The width of a column, in characters of its title and texts. */
int layer_table_width(const struct layer_table *, enum layer_column);

const char *layer_table_text(const struct layer_table *, int row,
                             enum layer_column, char text[LAYER_TEXT_SIZE]);

/* The number by which rows are sorted; for the name, the place in the model. */
double layer_table_number(const struct layer_table *, int row,
                          enum layer_column);

/* The row's share of the bytes alive at the peak, from 0 to 1. */
double layer_table_share(const struct layer_table *, int row);

#endif
