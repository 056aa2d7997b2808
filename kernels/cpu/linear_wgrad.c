/*
 * linear_wgrad: dw += x^T dy, db += sum of dy.
 *   in x (N, Ci), dy (N, Co)
 *   update dw (Ci, Co), db (Co)
 *
 * Threads share out the rows of dw; db is one row more, of an x of ones.
 */
#include "cpu.h"

void KERNEL(linear_wgrad)(const struct call *c)
{
    int samples = c->operand[LINEAR_WGRAD_X].dim[0];
    int ci = c->operand[LINEAR_WGRAD_DW].dim[0];
    int co = c->operand[LINEAR_WGRAD_DW].dim[1];
    const float *x = c->operand[LINEAR_WGRAD_X].data;
    const float *all_dy = c->operand[LINEAR_WGRAD_DY].data;
    float *dw = c->operand[LINEAR_WGRAD_DW].data;
    float *db = c->operand[LINEAR_WGRAD_DB].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int i = 0; i <= ci; i++) {
        float *row = i < ci ? dw + (size_t)i * (size_t)co : db;

        for (int n = 0; n < samples; n++) {
            const float *dy = all_dy + (size_t)n * (size_t)co;
            float xi = i < ci ? x[(size_t)n * (size_t)ci + (size_t)i] : 1;

#pragma omp simd
            for (int o = 0; o < co; o++)
                row[o] += xi * dy[o];
        }
    }
}
