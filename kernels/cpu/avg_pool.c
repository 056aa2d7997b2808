/*
 * avg_pool: the mean over all positions of each channel.
 *   in x (N, H, W, C), may be loaded through a stat, and is then rounded to the
 *      type it is stored in
 *   out y (N, C) float
 */
#include <string.h>

#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

static inline void pool_row(float *restrict y, const float *restrict x,
                            size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* Applies a saved batch norm to n channels in a row, and rounds them as if they
 * had been stored between. */
static void pool_through(const struct stage *s, const float *restrict x,
                         float *restrict z)
{
    const struct operand *tensor = s->tensor;
    size_t channels = (size_t)tensor->dim[tensor->rank - 1];
    const float *stat = tensor->through + s->block.column;
    size_t n = s->block.columns;
    uint16_t stored[STAGE_COLUMNS];

#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = relu(stat[STAT_SCALE * channels + i] * x[i]
                    + stat[STAT_SHIFT * channels + i]);
    if (!dtype_is_narrow(tensor->dtype))
        return;
    KERNEL(stage_narrow)(tensor->dtype, z, stored, n);
    KERNEL(stage_widen)(tensor->dtype, stored, z, n);
}

static void pool_block(const struct stage *s, float *y)
{
    for (size_t r = 0; r < s->block.rows; r++) {
        const float *x = s->data + r * s->stride;
        float z[STAGE_COLUMNS];

        if (s->tensor->through)
            pool_through(s, x, z);
        pool_row(y + s->block.column, s->tensor->through ? z : x,
                 s->block.columns);
    }
}

static void pool_sample(const struct operand *x, size_t n, float *y)
{
    size_t positions = (size_t)(x->dim[1] * x->dim[2]);
    struct blocks blocks = blocks_of(
        x, (struct range){ n * positions, (n + 1) * positions });
    float room[STAGE_FLOATS];

    memset(y, 0, blocks.columns * sizeof(*y));
    for (size_t i = 0; i < blocks.count; i++) {
        struct stage s = stage_load(x, blocks_get(&blocks, i), room);

        pool_block(&s, y);
    }
    for (size_t i = 0; i < blocks.columns; i++)
        y[i] /= (float)positions;
}

void KERNEL(avg_pool)(const struct call *c)
{
    const struct operand *x = &c->operand[AVG_POOL_X];
    float *y = c->operand[AVG_POOL_Y].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < x->dim[0]; n++)
        pool_sample(x, (size_t)n, y + (size_t)n * (size_t)x->dim[3]);
}
