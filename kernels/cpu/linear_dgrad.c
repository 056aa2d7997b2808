/*
 * linear_dgrad: dx = dy w^T + add.
 *   in dy (N, Co) float, w (Ci, Co), add (N, Ci) float or empty
 *   out dx (N, Ci) float, may take over add
 */
#include <string.h>

#include "kernels/cpu/stage.h"

/* Adds what a block of w gives to a row of dx. */
static inline void add_block(const struct stage *w, const float *dy,
                             float *dx)
{
    size_t n = w->block.columns;

    dy += w->block.column;
    dx += w->block.row;
    for (size_t r = 0; r < w->block.rows; r++) {
        const float *row = w->data + r * w->stride;
        float sum = 0;

#pragma omp simd reduction(+ : sum)
        for (size_t o = 0; o < n; o++)
            sum += dy[o] * row[o];
        dx[r] += sum;
    }
}

void KERNEL(linear_dgrad)(const struct call *c)
{
    const struct operand *w = &c->operand[LINEAR_DGRAD_W];
    const struct operand *add = &c->operand[LINEAR_DGRAD_ADD];
    int samples = c->operand[LINEAR_DGRAD_DY].dim[0];
    size_t ci = (size_t)w->dim[0], co = (size_t)w->dim[1];
    const float *dy = c->operand[LINEAR_DGRAD_DY].data;
    const float *all_add = add->data;
    float *all_dx = c->operand[LINEAR_DGRAD_DX].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int n = 0; n < samples; n++) {
        struct blocks blocks = blocks_of(w, (struct range){ 0, ci });
        float *dx = all_dx + (size_t)n * ci, room[STAGE_FLOATS];

        if (operand_given(add))
            memmove(dx, all_add + (size_t)n * ci, ci * sizeof(*dx));
        else
            memset(dx, 0, ci * sizeof(*dx));
        for (size_t i = 0; i < blocks.count; i++) {
            struct stage s = stage_load(w, blocks_get(&blocks, i), room);

            add_block(&s, dy + (size_t)n * co, dx);
        }
    }
}
