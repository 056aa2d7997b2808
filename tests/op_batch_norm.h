/*
 * Batch norm and its gradient: cases, references and objective. Convolutions,
 * which write the sums of tiles that a batch norm needs, share some of them.
 */
#ifndef MEMDIAL_TESTS_OP_BATCH_NORM_H
#define MEMDIAL_TESTS_OP_BATCH_NORM_H

#include "tests/op_problem.h"

/* The reference of bn_stats, before it is rounded to running statistics: the
 * stat (STAT_ROWS, C) of x (rows, C). */
void stat_reference(const double *x, size_t rows, int channels,
                    const double *gamma, const double *beta, double eps,
                    double *stat);

/* The sums (tiles, SUM_ROWS, C) of x (rows, C), a batch norm's input; and of
 * dz (rows, C), the gradient of its result. */
void moments_reference(const struct exact *x, size_t rows, int channels,
                       int tile_rows, const struct exact *sums);
void gradient_sums_reference(const struct exact *dz, const double *x,
                             const double *stat, size_t rows, int channels,
                             int tile_rows, const struct exact *sums);

/* The rows of the tiles that sums are of. */
int tile_rows_of(const struct operand *sums);

/*
 * Makes stat the statistics of x, and keeps relu's argument clear of 0. There a
 * rounding would decide which branch is taken, and no finite difference is a
 * derivative.
 */
void prepare_stat(struct problem *, int x_slot, int stat_slot);

#endif
