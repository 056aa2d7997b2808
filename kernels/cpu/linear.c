/*
 * linear: y = x w + b.
 *   in x (N, Ci) float, w (Ci, Co), b (Co) float
 *   out y (N, Co) float
 */
#include <string.h>

#include "kernels/cpu/stage.h"

/* Adds what a block of w gives to a row of y. */
static inline void add_block(const struct stage *w, const float *x, float *y)
{
    size_t n = w->block.columns;

    x += w->block.row;
    y += w->block.column;
    for (size_t r = 0; r < w->block.rows; r++) {
        const float *row = w->data + r * w->stride;

#pragma omp simd
        for (size_t o = 0; o < n; o++)
            y[o] += x[r] * row[o];
    }
}

void KERNEL(linear)(const struct call *c)
{
    const struct operand *w = &c->operand[LINEAR_W];
    int samples = c->operand[LINEAR_X].dim[0];
    size_t ci = (size_t)w->dim[0], co = (size_t)w->dim[1];
    const float *x = c->operand[LINEAR_X].data;
    const float *b = c->operand[LINEAR_B].data;
    float *all_y = c->operand[LINEAR_Y].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < samples; n++) {
        struct blocks blocks = blocks_of(w, (struct range){ 0, ci });
        float *y = all_y + (size_t)n * co, room[STAGE_FLOATS];

        memcpy(y, b, co * sizeof(*y));
        for (size_t i = 0; i < blocks.count; i++) {
            struct stage s = stage_load(w, blocks_get(&blocks, i), room);

            add_block(&s, x + (size_t)n * ci, y);
        }
    }
}
