/*
 * avg_pool_grad: dx = dy / (H * W) + add.
 *   in dy (N, C) float, add (N, H, W, C) or empty
 *   out dx (N, H, W, C), may take over add
 */
#include "kernels/cpu/stage.h"

static inline void spread_row(float *dx, const float *dy, const float *add,
                              size_t n, float factor)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = add ? factor * dy[i] + add[i] : factor * dy[i];
}

static void spread_block(const struct call *c, struct block b, const float *dy,
                         float factor)
{
    const struct operand *add = &c->operand[AVG_POOL_GRAD_ADD];
    float room[2][STAGE_FLOATS];
    struct stage to = stage_open(&c->operand[AVG_POOL_GRAD_DX], b, room[0]);

    if (operand_given(add)) {
        struct stage from = stage_load(add, b, room[1]);

        for (size_t r = 0; r < b.rows; r++)
            spread_row(to.data + r * to.stride, dy,
                       from.data + r * from.stride, b.columns, factor);
    } else {
        for (size_t r = 0; r < b.rows; r++)
            spread_row(to.data + r * to.stride, dy, NULL, b.columns, factor);
    }
    stage_store(&to);
}

void KERNEL(avg_pool_grad)(const struct call *c)
{
    const struct operand *dx = &c->operand[AVG_POOL_GRAD_DX];
    const float *dy = c->operand[AVG_POOL_GRAD_DY].data;
    size_t positions = (size_t)(dx->dim[1] * dx->dim[2]);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < dx->dim[0]; n++) {
        size_t first = (size_t)n * positions;
        struct blocks blocks = blocks_of(
            dx, (struct range){ first, first + positions });

        for (size_t i = 0; i < blocks.count; i++) {
            struct block b = blocks_get(&blocks, i);

            spread_block(c, b,
                         dy + (size_t)n * blocks.columns + b.column,
                         1 / (float)positions);
        }
    }
}
