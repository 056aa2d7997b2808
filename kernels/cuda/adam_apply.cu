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

enum { MEAN, ROOT, W };

/* The arguments that all weights share. */
struct apply_shared {
    const struct progress *progress;
    uint64_t seed;
    struct adam adam;
};

static __global__ void adam_apply(const __grid_constant__ table t,
                                  apply_shared u)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    size_t block = blockIdx.x - r.first;
    struct slots s = slots_of(row_blocks_of(r), block);
    struct word_stream stream = { u.seed, u.progress, r.stream, 0 };
    struct numbers mean(r, MEAN), root(r, ROOT), w(r, W);
    float rate = u.progress->learning_rate;
    float keep = 1 - rate * u.adam.weight_decay;
    float step = adam_rate(&u.adam, u.progress->step, rate);

    for (int k = 0; k < BLOCK_SLOTS; k++) {
        size_t at = s.at[k];
        float move;

        if (at == NOWHERE)
            continue;
        move = step * mean.load(at, block)
               / (root.load(at, block) + u.adam.eps);
        w.round(at, fmaf(keep, w.load(at, block), -move), stream.word(at));
    }
}

static void apply_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, 0, adam_apply, g->table,
           table_shared<apply_shared>(g));
}

void cuda_adam_apply(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    struct apply_shared shared;
    struct table_row row = {};

    memset(&shared, 0, sizeof(shared));
    shared.progress = q->progress;
    shared.seed = c->batch->seed;
    shared.adam = c->attr.update.adam;
    row.tensor[MEAN] = table_tensor(&o[ADAM_APPLY_MEAN]);
    row.tensor[ROOT] = table_tensor(&o[ADAM_APPLY_ROOT]);
    row.tensor[W] = table_tensor(&o[ADAM_APPLY_W]);
    row.read = W;
    row.stream = c->attr.update.stream;
    row_of_blocks(&row, &o[ADAM_APPLY_MEAN]);
    table_gather(q, apply_all, shared, row, 1);
}
