#include "kernels/cpu/conv_sums.h"

#include <string.h>

/* Columns that a thread adds up at a time: those of a cache line. */
enum { LINE_COLUMNS = CPU_ALIGNMENT / sizeof(double) };

/* The sums of a share, on cache lines of their own. */
struct conv_tally {
    double sum[SUM_ROWS][CONV_PANEL];
    size_t rows;
    size_t end;          /* of the columns that they are for; 0: of none */
    char room[CPU_ALIGNMENT - 2 * sizeof(size_t)];
};

_Static_assert(sizeof(struct conv_tally) % CPU_ALIGNMENT == 0,
               "tallies share no cache line");

/* Tallies of the panels that are made at a time. */
static int tallies(const struct conv_core *core)
{
    return core->tallied * share_count(core->threads);
}

/* The first share's tally of some columns. */
static struct conv_tally *tally_of(const struct conv_core *core,
                                   struct range columns)
{
    size_t panel = columns.begin / CONV_PANEL % (size_t)core->tallied;

    return core->tally + panel * (size_t)share_count(core->threads);
}

size_t KERNEL(conv_sums_bytes)(const struct conv_core *core)
{
    if (!operand_given(core->sums))
        return 0;
    return (size_t)tallies(core) * sizeof(struct conv_tally);
}

void KERNEL(conv_sums_begin)(const struct conv_core *core)
{
    if (!operand_given(core->sums))
        return;
#pragma omp for schedule(static) nowait
    for (int i = 0; i < tallies(core); i++)
        core->tally[i].end = 0;
}

/* Empties a tally that is for other columns. */
static void prepare_tally(struct conv_tally *t, struct range columns)
{
    if (t->end == columns.end)
        return;
    memset(t->sum, 0, sizeof(t->sum));
    t->rows = 0;
    t->end = columns.end;
}

void KERNEL(conv_sums_add)(const struct conv_core *core, struct range columns,
                           int share, int item)
{
    struct conv_tally *t = tally_of(core, columns) + share;
    struct range rows;

    if (!operand_given(core->sums))
        return;
    prepare_tally(t, columns);
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

/* Adds columns [k, k + n) of a tally to those of the first, which have `rows`
 * rows so far. */
static void add_tally(const struct conv_core *core, struct conv_tally *all,
                      const struct conv_tally *t,
                      size_t k, size_t n, size_t rows)
{
    for (size_t i = k; i < k + n; i++)
        if (core->gradient.x) {
            all->sum[SUM_DY][i] += t->sum[SUM_DY][i];
            all->sum[SUM_DY_X][i] += t->sum[SUM_DY_X][i];
        } else {
            bn_merge(&all->sum[SUM_MEAN][i], &all->sum[SUM_SQUARES][i],
                     (double)rows, t->sum[SUM_MEAN][i],
                     t->sum[SUM_SQUARES][i], (double)t->rows);
        }
}

/* Adds up columns [k, k + n) of all tallies, and writes their sums. */
static void add_tallies(const struct conv_core *core, struct range columns,
                        size_t k, size_t n)
{
    struct conv_tally *all = tally_of(core, columns);
    size_t rows = all->rows, channels = (size_t)core->y->dim[3];
    float *sums = (float *)core->sums->data + columns.begin + k;

    for (int i = 1; i < share_count(core->threads); i++)
        if (all[i].end == columns.end) {
            add_tally(core, all, &all[i], k, n, rows);
            rows += all[i].rows;
        }
    for (size_t i = 0; i < n; i++) {
        sums[i] = (float)all->sum[0][k + i];
        sums[channels + i] = (float)all->sum[1][k + i];
    }
}

/* The columns of the panel that column k is of. */
static struct range panel_with(struct range columns, size_t k)
{
    size_t panel = k / CONV_PANEL * CONV_PANEL;

    return (struct range){ size_max(columns.begin, panel),
                           size_min(columns.end, panel + CONV_PANEL) };
}

void KERNEL(conv_sums_end)(const struct conv_core *core, struct range columns)
{
    if (!operand_given(core->sums))
        return;
#pragma omp for schedule(static)
    for (size_t k = columns.begin; k < columns.end; k += LINE_COLUMNS) {
        struct range panel = panel_with(columns, k);

        add_tallies(core, panel, k - panel.begin,
                    size_min(panel.end - k, LINE_COLUMNS));
    }
}
