#include "kernels/cpu/conv_sums.h"

#include <string.h>

/* The sums of a share, on cache lines of their own. */
struct conv_tally {
    size_t rows;
    double sum[SUM_ROWS][CONV_PANEL];
    char room[CPU_ALIGNMENT - sizeof(size_t)];
};

_Static_assert(sizeof(struct conv_tally) % CPU_ALIGNMENT == 0,
               "tallies share no cache line");

size_t KERNEL(conv_sums_bytes)(const struct conv_core *core)
{
    if (!operand_given(core->sums))
        return 0;
    return (size_t)share_count(core->threads) * sizeof(struct conv_tally);
}

void KERNEL(conv_sums_begin)(const struct conv_core *core)
{
    size_t bytes = KERNEL(conv_sums_bytes)(core);

    if (bytes > 0)
        memset(core->tally, 0, bytes);
}

void KERNEL(conv_sums_add)(const struct conv_core *core, struct range columns,
                           int share, int item)
{
    struct conv_tally *t = &core->tally[share];
    struct range rows;

    if (!operand_given(core->sums))
        return;
    rows = conv_item_rows(core, item);
    rows.begin *= (size_t)core->y->dim[2];
    rows.end *= (size_t)core->y->dim[2];
    if (core->gradient.x)
        KERNEL(bn_add_gradient)(&core->gradient, rows, columns,
                                t->sum[SUM_DY], t->sum[SUM_DY_X]);
    else
        KERNEL(bn_add_moments)(core->y, rows, columns, t->rows,
                               t->sum[SUM_MEAN], t->sum[SUM_SQUARES]);
    t->rows += rows.end - rows.begin;
}

/* Adds all tallies to the first. */
static void add_tallies(const struct conv_core *core, size_t columns)
{
    struct conv_tally *all = core->tally;

    for (int i = 1; i < share_count(core->threads); i++) {
        const struct conv_tally *t = &core->tally[i];

        if (t->rows == 0)
            continue;
        for (size_t k = 0; k < columns; k++)
            if (core->gradient.x) {
                all->sum[SUM_DY][k] += t->sum[SUM_DY][k];
                all->sum[SUM_DY_X][k] += t->sum[SUM_DY_X][k];
            } else {
                bn_merge(&all->sum[SUM_MEAN][k], &all->sum[SUM_SQUARES][k],
                         (double)all->rows, t->sum[SUM_MEAN][k],
                         t->sum[SUM_SQUARES][k], (double)t->rows);
            }
        all->rows += t->rows;
    }
}

void KERNEL(conv_sums_end)(const struct conv_core *core, struct range columns)
{
    size_t n = columns.end - columns.begin, channels = (size_t)core->y->dim[3];

    if (!operand_given(core->sums))
        return;
#pragma omp single
    {
        float *sums = (float *)core->sums->data + columns.begin;

        add_tallies(core, n);
        for (int i = 0; i < SUM_ROWS; i++)
            for (size_t k = 0; k < n; k++)
                sums[(size_t)i * channels + k] = (float)core->tally->sum[i][k];
        KERNEL(conv_sums_begin)(core);
    }
}
