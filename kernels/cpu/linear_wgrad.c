/*
 * linear_wgrad: dw += x^T dy, db += sum of dy.
 *   in x (N, Ci) float, dy (N, Co) float
 *   update dw (Ci, Co), db (Co) float
 *
 * Threads share out the rows of dw; db is one row more, of an x of ones.
 */
#include "kernels/cpu/stage.h"

/* Adds x[n * step] * dy[n * columns + ...], summed over n, to a row. */
static inline void add_products(float *restrict row, size_t n,
                                const float *x, size_t step, const float *dy,
                                size_t columns, int samples)
{
    for (int i = 0; i < samples; i++, x += step, dy += columns) {
#pragma omp simd
        for (size_t o = 0; o < n; o++)
            row[o] += *x * dy[o];
    }
}

/* Rows [begin, end) of dw and, the last, db. */
static void add_rows(const struct call *c, struct range rows)
{
    const struct operand *x = &c->operand[LINEAR_WGRAD_X];
    const struct operand *dw = &c->operand[LINEAR_WGRAD_DW];
    const float *dy = c->operand[LINEAR_WGRAD_DY].data;
    size_t ci = (size_t)dw->dim[0], co = (size_t)dw->dim[1];
    struct blocks blocks = blocks_of(
        dw, (struct range){ rows.begin, size_min(rows.end, ci) });
    float room[STAGE_FLOATS];

    for (size_t i = 0; i < blocks.count; i++) {
        struct block b = blocks_get(&blocks, i);
        struct stage s = stage_load(dw, b, room);

        for (size_t r = 0; r < b.rows; r++)
            add_products(s.data + r * s.stride, b.columns,
                         (const float *)x->data + b.row + r, ci,
                         dy + b.column, co, x->dim[0]);
        stage_store(&s);
    }
    if (rows.end > ci)
        add_products(c->operand[LINEAR_WGRAD_DB].data, co,
                     &(const float){ 1 }, 0, dy, co, x->dim[0]);
}

void KERNEL(linear_wgrad)(const struct call *c)
{
    size_t rows = (size_t)c->operand[LINEAR_WGRAD_DW].dim[0] + 1;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range part = range_share(rows, t, c->threads);

        if (part.begin < part.end)
            add_rows(c, part);
    }
}
