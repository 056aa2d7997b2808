/*
 * avg_pool_grad: dx = dy / (H * W) + add.
 *   in dy (N, C), add (N, H, W, C) or empty
 *   out dx (N, H, W, C), may take over add
 */
#include "cpu.h"

static void write_row(float *dx, const float *dy, const float *add,
                      int channels, float factor)
{
    if (add) {
#pragma omp simd
        for (int i = 0; i < channels; i++)
            dx[i] = factor * dy[i] + add[i];
    } else {
#pragma omp simd
        for (int i = 0; i < channels; i++)
            dx[i] = factor * dy[i];
    }
}

void KERNEL(avg_pool_grad)(const struct call *c)
{
    const struct operand *o = &c->operand[AVG_POOL_GRAD_DX];
    const struct operand *add = &c->operand[AVG_POOL_GRAD_ADD];
    int positions = o->dim[1] * o->dim[2], channels = o->dim[3];
    const float *dy = c->operand[AVG_POOL_GRAD_DY].data;
    const float *all_add = operand_given(add) ? add->data : NULL;
    float *dx = o->data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < o->dim[0]; n++)
        for (int p = 0; p < positions; p++) {
            size_t row = (size_t)n * (size_t)positions + (size_t)p;
            size_t at = row * (size_t)channels;

            write_row(dx + at, dy + (size_t)n * (size_t)channels,
                      all_add ? all_add + at : NULL, channels,
                      1 / (float)positions);
        }
}
