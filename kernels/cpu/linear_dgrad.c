/*
 * linear_dgrad: dx = dy w^T + add.
 *   in dy (N, Co), w (Ci, Co), add (N, Ci) or empty
 *   out dx (N, Ci), may take over add
 */
#include "cpu.h"

void KERNEL(linear_dgrad)(const struct call *c)
{
    const struct operand *add = &c->operand[LINEAR_DGRAD_ADD];
    int samples = c->operand[LINEAR_DGRAD_DY].dim[0];
    int ci = c->operand[LINEAR_DGRAD_W].dim[0];
    int co = c->operand[LINEAR_DGRAD_W].dim[1];
    const float *all_dy = c->operand[LINEAR_DGRAD_DY].data;
    const float *w = c->operand[LINEAR_DGRAD_W].data;
    const float *all_add = operand_given(add) ? add->data : NULL;
    float *dx = c->operand[LINEAR_DGRAD_DX].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < samples; n++) {
        const float *dy = all_dy + (size_t)n * (size_t)co;

        for (int i = 0; i < ci; i++) {
            const float *row = w + (size_t)i * (size_t)co;
            size_t at = (size_t)n * (size_t)ci + (size_t)i;
            float sum = 0;

#pragma omp simd reduction(+ : sum)
            for (int o = 0; o < co; o++)
                sum += dy[o] * row[o];
            dx[at] = all_add ? sum + all_add[at] : sum;
        }
    }
}
