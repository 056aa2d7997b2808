/*
 * check_finite: marks the loss scale if a gradient is not finite.
 *   in gradient, any shape
 *   update scale (LOSS_SCALE_COUNT)
 */
#include <float.h>
#include <math.h>

#include "kernels/cpu/stage.h"

static int block_overflows(const struct operand *gradient, struct block b)
{
    float room[STAGE_FLOATS];
    struct stage s = stage_load(gradient, b, room);
    int overflows = 0;

    for (size_t r = 0; r < b.rows; r++) {
        const float *row = s.data + r * s.stride;

#pragma omp simd reduction(| : overflows)
        for (size_t i = 0; i < b.columns; i++)
            overflows |= !(fabsf(row[i]) <= FLT_MAX);
    }
    return overflows;
}

void KERNEL(check_finite)(const struct call *c)
{
    const struct operand *gradient = &c->operand[CHECK_FINITE_GRADIENT];
    float *scale = c->operand[CHECK_FINITE_SCALE].data;
    struct blocks blocks = blocks_of(
        gradient, (struct range){ 0, operand_rows(gradient) });
    int overflows = 0;

#pragma omp parallel for num_threads(c->threads) schedule(static) \
    reduction(| : overflows)
    for (size_t i = 0; i < blocks.count; i++)
        overflows |= block_overflows(gradient, blocks_get(&blocks, i));
    if (overflows)
        scale[LOSS_SCALE_OVERFLOW] = 1;
}
