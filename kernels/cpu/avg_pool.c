/*
 * avg_pool: the mean over all positions of each channel.
 *   in x (N, H, W, C), may be loaded through a stat
 *   out y (N, C)
 */
#include <string.h>

#include "vec.h"

static inline void add_row(float *restrict y, const float *restrict x,
                           int channels, const float *restrict stat)
{
#pragma omp simd
    for (int i = 0; i < channels; i++)
        y[i] += stat ? relu(stat[STAT_SCALE * channels + i] * x[i]
                            + stat[STAT_SHIFT * channels + i])
                     : x[i];
}

static void pool_sample(const float *x, int positions, int channels,
                        const float *stat, float *y)
{
    memset(y, 0, (size_t)channels * sizeof(*y));
    for (int p = 0; p < positions; p++, x += channels)
        if (stat)
            add_row(y, x, channels, stat);
        else
            add_row(y, x, channels, NULL);
    for (int i = 0; i < channels; i++)
        y[i] /= (float)positions;
}

void KERNEL(avg_pool)(const struct call *c)
{
    const struct operand *o = &c->operand[AVG_POOL_X];
    int positions = o->dim[1] * o->dim[2], channels = o->dim[3];
    const float *x = o->data;
    float *y = c->operand[AVG_POOL_Y].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < o->dim[0]; n++)
        pool_sample(x + (size_t)n * (size_t)positions * (size_t)channels,
                    positions, channels, o->through,
                    y + (size_t)n * (size_t)channels);
}
