/*
 * What each layer of a job has and costs, and all of them together: the one
 * table that `memdial plan --layers` and the page Layers show. Its rows are the
 * layers in the order of the model, and a last one that is their sum; its
 * columns have titles and texts of their own, so that both say the same.
 */
#ifndef MEMDIAL_LAYER_TABLE_H
#define MEMDIAL_LAYER_TABLE_H

#include "plan/job.h"

struct layer_row {
    const char *name;
    int64_t parameters;
    int64_t nonzeros;            /* of them, that are stored */
    bool pooled;                 /* the weights are in the pool, which has
                                    their nonzeros: how many changes */
    size_t weights;              /* bytes */
    size_t saved;                /* bytes of its results kept for backward */
    size_t at_peak;              /* bytes of its values, scratch included, that
                                    are alive at the peak */
    double flops;                /* of one optimizer step */
    double recompute;            /* of them, for results computed again */
    struct operand shape;        /* of its result; rank 0: it stores none */
};

struct layer_table {
    struct layer_row *rows;      /* owned, [count + 1] */
    int count;
    size_t peak_bytes;
};

/* The most telling first. */
enum layer_column { LAYER_NAME, LAYER_SAVED, LAYER_RECOMPUTE, LAYER_FLOPS,
                    LAYER_PEAK, LAYER_PARAMETERS, LAYER_NONZEROS,
                    LAYER_WEIGHTS, LAYER_RESULT, LAYER_COLUMNS };

enum { LAYER_TEXT_SIZE = 64 };

/* For as long as the job is there. */
void layer_table_init(struct layer_table *, const struct job *);
void layer_table_done(struct layer_table *);

const char *layer_table_title(enum layer_column);

/* The characters that its titles and texts take. */
int layer_table_width(const struct layer_table *, enum layer_column);

const char *layer_table_text(const struct layer_table *, int row,
                             enum layer_column, char text[LAYER_TEXT_SIZE]);

/* What rows are sorted by: of the name, the place in the model. */
double layer_table_number(const struct layer_table *, int row,
                          enum layer_column);

/* Of the bytes alive at the peak, from 0 to 1. */
double layer_table_share(const struct layer_table *, int row);

#endif
