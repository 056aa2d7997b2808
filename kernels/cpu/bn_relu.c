/*
 * bn_relu: z = relu(scale * x + shift), z may take over x.
 *   in x (..., C), stat (STAT_ROWS, C)
 *   out z (..., C)
 */
#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

static inline void relu_row(float *z, const float *x, const float *scale,
                            const float *shift, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = relu(scale[i] * x[i] + shift[i]);
}

static void relu_rows(const struct call *c, struct range rows)
{
    const struct operand *x = &c->operand[BN_RELU_X];
    const struct operand *z = &c->operand[BN_RELU_Z];
    const float *stat = c->operand[BN_RELU_STAT].data;
    struct blocks blocks = blocks_of(x, rows);
    float room[2][STAGE_FLOATS];

    for (size_t i = 0; i < blocks.count; i++) {
        struct block b = blocks_get(&blocks, i);
        struct stage from = stage_load(x, b, room[0]);
        struct stage to = stage_open(z, b, room[1]);
        const float *scale = stat + STAT_SCALE * blocks.columns + b.column;
        const float *shift = stat + STAT_SHIFT * blocks.columns + b.column;

        for (size_t r = 0; r < b.rows; r++)
            relu_row(to.data + r * to.stride, from.data + r * from.stride,
                     scale, shift, b.columns);
        stage_store(&to);
    }
}

void KERNEL(bn_relu)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_RELU_X];
    size_t rows = operand_rows(x);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++)
        relu_rows(c, range_share(rows, t, c->threads));
}
