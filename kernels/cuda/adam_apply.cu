/*
 * adam_apply: the end of a step of Adam (adam.cu), whose moments have taken the
 * gradients already: w is decayed and moved against mean / root.
 *   in mean, root, of w's shape
 *   update w
 *
 * A w of 16 bits is rounded stochastically.
 */
#include "kernels/adam.h"
#include "kernels/cuda/scaled.h"

struct adam_end {
    struct numbers mean, root, w;
    struct scaled_blocks blocks;
    struct word_stream stream;
    const struct progress *progress;
    struct adam adam;
};

static __global__ void adam_apply(adam_end a)
{
    wait_for_earlier();

    float rate = a.progress->learning_rate;
    float keep = 1 - rate * a.adam.weight_decay;
    float step = adam_rate(&a.adam, a.progress->step, rate);

    for (size_t i = blockIdx.x; i < a.blocks.count; i += gridDim.x) {
        struct slots s = slots_of(a.blocks, i);

        for (int k = 0; k < BLOCK_SLOTS; k++) {
            size_t at = s.at[k];
            float move;

            if (at == NOWHERE)
                continue;
            move = step * a.mean.load(at, i)
                   / (a.root.load(at, i) + a.adam.eps);
            a.w.round(at, fmaf(keep, a.w.load(at, i), -move),
                      a.stream.word(at));
        }
    }
}

void cuda_adam_apply(struct queue *q, const struct call *c)
{
    const struct operand *mean = &c->operand[ADAM_APPLY_MEAN];
    adam_end a = {};

    a.mean = numbers(mean);
    a.root = numbers(&c->operand[ADAM_APPLY_ROOT]);
    a.w = numbers(&c->operand[ADAM_APPLY_W]);
    a.blocks = scaled_blocks_of(mean);
    a.stream = { c->batch->seed, q->progress, c->attr.update.stream, 0 };
    a.progress = q->progress;
    a.adam = c->attr.update.adam;
    launch(q, grid_for(a.blocks.count), BLOCK_THREADS, 0, adam_apply, a);
}
