/*
 * avg_pool: the mean over all positions of each channel.
 *   in x (N, H, W, C), may be loaded through a stat
 *   out y (N, C) float
 */
#include <string.h>

#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

/* Adds a row of x, or of relu(scale * x + shift), to y. */
static inline void pool_row(float *restrict y, const float *restrict x,
                            size_t n, const float *restrict scale,
                            const float *restrict shift)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] += scale ? relu(scale[i] * x[i] + shift[i]) : x[i];
}

static void pool_block(const struct stage *s, size_t channels, float *y)
{
    const float *stat = s->tensor->through;
    size_t from = s->block.column, n = s->block.columns;

    for (size_t r = 0; r < s->block.rows; r++)
        if (stat)
            pool_row(y + from, s->data + r * s->stride, n,
                     stat + STAT_SCALE * channels + from,
                     stat + STAT_SHIFT * channels + from);
        else
            pool_row(y + from, s->data + r * s->stride, n, NULL, NULL);
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

        pool_block(&s, blocks.columns, y);
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
