/*
 * linear: y = x w + b.
 *   in x (N, Ci), w (Ci, Co), b (Co)
 *   out y (N, Co)
 */
#include <string.h>

#include "cpu.h"

void KERNEL(linear)(const struct call *c)
{
    int samples = c->operand[LINEAR_X].dim[0];
    int ci = c->operand[LINEAR_W].dim[0], co = c->operand[LINEAR_W].dim[1];
    const float *all_x = c->operand[LINEAR_X].data;
    const float *w = c->operand[LINEAR_W].data;
    const float *b = c->operand[LINEAR_B].data;
    float *all_y = c->operand[LINEAR_Y].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < samples; n++) {
        const float *x = all_x + (size_t)n * (size_t)ci;
        float *y = all_y + (size_t)n * (size_t)co;

        memcpy(y, b, (size_t)co * sizeof(*y));
        for (int i = 0; i < ci; i++) {
            const float *row = w + (size_t)i * (size_t)co;

#pragma omp simd
            for (int o = 0; o < co; o++)
                y[o] += x[i] * row[o];
        }
    }
}
