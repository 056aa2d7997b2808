/*
 * bn_relu: z = relu(scale * x + shift), z may take over x.
 *   in x (..., C), stat (STAT_ROWS, C)
 *   out z (..., C)
 */
#include "vec.h"

void KERNEL(bn_relu)(const struct call *c)
{
    const struct operand *o = &c->operand[BN_RELU_X];
    int channels = o->dim[o->rank - 1];
    size_t rows = operand_rows(o);
    const float *stat = c->operand[BN_RELU_STAT].data;
    const float *scale = stat + STAT_SCALE * channels;
    const float *shift = stat + STAT_SHIFT * channels;
    const float *all_x = o->data;
    float *all_z = c->operand[BN_RELU_Z].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        const float *x = all_x + r * (size_t)channels;
        float *z = all_z + r * (size_t)channels;

#pragma omp simd
        for (int i = 0; i < channels; i++)
            z[i] = relu(scale[i] * x[i] + shift[i]);
    }
}
