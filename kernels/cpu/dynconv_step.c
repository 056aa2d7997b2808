/*
 * dynconv_step: one row of a causal dynamic convolution (dynconv.c) for each
 * hypothesis of a beam search.
 *   in x (T, C), T hypotheses; logits (T, H * K); parents (steps, T) int32, the
 *   hypothesis of the step before that each one of a step went on from; step
 *   (1) int32
 *   update ring (K, T, C): the x of the last K steps, of step s at s modulo K
 *   out y (T, C), may take over x
 *
 * p = softmax of a row's K logits of a head. With h the head of channel c, and
 * x[s] the row of step s,
 *   y[c] = sum over k of p[h, k] * x[step + k - (K - 1), c]
 * where steps before the first are left out. Hypotheses change places in a beam
 * search, but their rows in the ring do not: the sum follows parents back from
 * row to row.
 */
#include <math.h>

#include "kernels/cpu/stage.h"

enum { DYNCONV_STEP_TAPS = 256 };

/* The place of a step's row in the ring. */
static size_t ring_row(const struct operand *ring, int step, int row)
{
    return (size_t)(step % ring->dim[0]) * (size_t)ring->dim[1] + (size_t)row;
}

static void keep_row(const struct operand *x, const struct operand *ring,
                     int step, int row)
{
    size_t bytes = (size_t)x->dim[1] * dtype_size(x->dtype);

    memcpy((char *)ring->data + ring_row(ring, step, row) * bytes,
           (const char *)x->data + (size_t)row * bytes, bytes);
}

static void head_weights(const struct operand *logits, size_t at, int taps,
                         float *p)
{
    float room[DYNCONV_STEP_TAPS], max = -INFINITY, sum = 0;
    const float *logit = stage_floats(logits, at, (size_t)taps, room);

    for (int k = 0; k < taps; k++)
        max = logit[k] > max ? logit[k] : max;
    for (int k = 0; k < taps; k++)
        sum += p[k] = expf(logit[k] - max);
    for (int k = 0; k < taps; k++)
        p[k] /= sum;
}

/* The row, number rows[k] of the ring, that tap k of `taps` meets; the taps
 * [first, taps) meet any. */
struct met {
    int taps, first;
    size_t rows[DYNCONV_STEP_TAPS];
};

static struct met rows_met(const struct call *c, int step, int row)
{
    const struct operand *ring = &c->operand[DYNCONV_STEP_RING];
    const struct operand *parents = &c->operand[DYNCONV_STEP_PARENTS];
    struct met m;

    m.taps = ring->dim[0];
    m.first = step < m.taps ? m.taps - 1 - step : 0;
    for (int k = m.taps - 1; k >= m.first; k--, step--) {
        m.rows[k] = ring_row(ring, step, row);
        if (step > 0)
            row = ((const int32_t *)parents->data)
                [(size_t)(step - 1) * (size_t)parents->dim[1] + (size_t)row];
    }
    return m;
}

/* Columns [begin, end) of a row of y, at most STAGE_COLUMNS. */
static void sum_columns(const struct call *c, const struct met *m,
                        const float *p, size_t row, struct range columns)
{
    const struct operand *ring = &c->operand[DYNCONV_STEP_RING];
    size_t n = columns.end - columns.begin, all = (size_t)ring->dim[2];
    float sum[STAGE_COLUMNS] = { 0 }, room[STAGE_COLUMNS];

    for (int k = m->first; k < m->taps; k++) {
        const float *x = stage_floats(ring, m->rows[k] * all + columns.begin,
                                      n, room);

#pragma omp simd
        for (size_t i = 0; i < n; i++)
            sum[i] += p[k] * x[i];
    }
    stage_put(&c->operand[DYNCONV_STEP_Y], row * all + columns.begin, n, sum);
}

static void step_row(const struct call *c, int step, int row)
{
    const struct operand *logits = &c->operand[DYNCONV_STEP_LOGITS];
    int heads = c->attr.dynconv.heads, taps = c->attr.dynconv.taps;
    size_t width = (size_t)c->operand[DYNCONV_STEP_X].dim[1] / (size_t)heads;
    struct met m = rows_met(c, step, row);
    float p[DYNCONV_STEP_TAPS];

    for (int h = 0; h < heads; h++) {
        size_t begin = (size_t)h * width, end = begin + width;

        head_weights(logits, (size_t)(row * heads + h) * (size_t)taps, taps,
                     p);
        for (; begin < end; begin += STAGE_COLUMNS)
            sum_columns(c, &m, p, (size_t)row, (struct range){
                begin, size_min(end, begin + STAGE_COLUMNS) });
    }
}

/* Hypotheses of a sentence read each other's older rows, never those of this
 * step. */
void KERNEL(dynconv_step)(const struct call *c)
{
    const struct operand *x = &c->operand[DYNCONV_STEP_X];
    int step = *(const int32_t *)c->operand[DYNCONV_STEP_STEP].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range rows = range_share((size_t)x->dim[0], t, c->threads);

        for (size_t i = rows.begin; i < rows.end; i++) {
            keep_row(x, &c->operand[DYNCONV_STEP_RING], step, (int)i);
            step_row(c, step, (int)i);
        }
    }
}
