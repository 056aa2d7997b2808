/*
 * adam_apply: the end of a step of Adam (adam.c), whose moments have taken the
 * gradients already: w is decayed and moved against mean / root.
 *   in mean, root, of w's shape
 *   update w
 *
 * A w of 16 bits is rounded stochastically.
 */
#include "kernels/adam.h"
#include "kernels/cpu/update.h"

struct adam_end {
    const struct call *call;
    struct operand mean, root, w;
    float step;          /* the learning rate with the biases corrected */
};

static void apply_block(const struct adam_end *a, struct update_block b)
{
    float room[3][UPDATE_FLOATS];
    uint32_t drawn[UPDATE_WORDS];
    const uint32_t *words = drawn;
    const struct adam *by = &a->call->attr.update.adam;
    const float *mean = update_load(&a->mean, b, room[0]);
    const float *root = update_load(&a->root, b, room[1]);
    float *w = update_load(&a->w, b, room[2]);
    float keep = 1 - a->call->batch->learning_rate * by->weight_decay;

#pragma omp simd
    for (size_t i = 0; i < b.count; i++)
        w[i] = keep * w[i] - a->step * mean[i] / (root[i] + by->eps);
    if (update_rounds(&a->w))
        words = update_random(
            update_stream(a->call, a->call->attr.update.stream), b, drawn);
    update_store(&a->w, b, w, words, 0);
}

void KERNEL(adam_apply)(const struct call *c)
{
    struct adam_end a = {
        .call = c, .mean = update_flat(&c->operand[ADAM_APPLY_MEAN]),
        .root = update_flat(&c->operand[ADAM_APPLY_ROOT]),
        .w = update_flat(&c->operand[ADAM_APPLY_W]),
        .step = adam_rate(&c->attr.update.adam, c->batch->step,
                          c->batch->learning_rate)
    };
    struct scaled_blocks blocks = scaled_blocks_of(&a.mean);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < blocks.count; i++)
        apply_block(&a, update_block(&blocks, i));
}
