/*
 * adam: one step of Adam (Kingma and Ba 2015) with decoupled weight decay, as
 * fairseq takes it: eps is added to the root before its bias is corrected.
 *   in gradient, any shape; scale (LOSS_SCALE_COUNT) or empty
 *   update master, float, or empty; mean, root, w; all of gradient's shape
 *
 *   mean = beta1 * mean + (1 - beta1) * g
 *   root = sqrt(beta2 * root^2 + (1 - beta2) * g^2)
 *   w -= rate * decay * w
 *   w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * mean / (root + eps)
 *
 * The root is stored, and not the mean square, whose range is twice as large.
 * Gradients carry the factor of the loss scale; if one of them is not finite,
 * nothing is updated. With a master copy of the weights, w is its rounding to
 * nearest. Other values in 16 bits are rounded stochastically: w by the lower
 * and mean by the upper half of a random word for each element, root by the
 * lower half of a word of a stream of its own.
 */
#include <math.h>

#include "kernels/adam.h"
#include "kernels/cpu/update.h"

/* The tensors of a call, flat; the update is added to `sum`. */
struct adam_tensors {
    struct operand gradient, mean, root, w, sum;
    float unscale;
    float step;          /* the learning rate with the biases corrected */
};

/* A block of each as floats. */
struct adam_block {
    struct stage gradient, mean, root, sum;
};

static void adam_step(const struct call *c, const struct adam_tensors *t,
                      const struct adam_block *b)
{
    const struct adam *a = &c->attr.update.adam;
    float *w = b->sum.data, *mean = b->mean.data, *root = b->root.data;
    const float *gradient = b->gradient.data;
    float keep = 1 - c->batch->learning_rate * a->weight_decay;

#pragma omp simd
    for (size_t i = 0; i < b->sum.block.columns; i++) {
        float g = t->unscale * gradient[i];
        float m = a->beta1 * mean[i] + (1 - a->beta1) * g;
        float r = sqrtf(a->beta2 * root[i] * root[i]
                        + (1 - a->beta2) * g * g);

        mean[i] = m;
        root[i] = r;
        w[i] = keep * w[i] - t->step * m / (r + a->eps);
    }
}

static void store_moments(const struct call *c, const struct adam_block *b,
                          const uint32_t *words)
{
    uint32_t more[STAGE_COLUMNS];

    if (b->mean.tensor->dtype != DTYPE_F32)
        update_store(&b->mean, words, 16);
    if (b->root.tensor->dtype == DTYPE_F32)
        return;
    update_random(c, b->root.block, c->attr.update.stream | ADAM_ROOT_STREAM,
                  more);
    update_store(&b->root, more, 0);
}

static void adam_run_block(const struct call *c, const struct adam_tensors *t,
                           struct block block)
{
    float room[4][STAGE_FLOATS];
    uint32_t words[STAGE_COLUMNS];
    struct adam_block b = {
        stage_load(&t->gradient, block, room[0]),
        stage_load(&t->mean, block, room[1]),
        stage_load(&t->root, block, room[2]),
        stage_load(&t->sum, block, room[3])
    };

    adam_step(c, t, &b);
    if (t->mean.dtype != DTYPE_F32 || t->sum.dtype != DTYPE_F32)
        update_random(c, block, c->attr.update.stream, words);
    store_moments(c, &b, words);
    if (t->sum.dtype != DTYPE_F32)
        update_store(&b.sum, words, 0);
    else if (t->sum.data != t->w.data)
        stage_put(&t->w, block.column, block.columns, b.sum.data);
}

void KERNEL(adam)(const struct call *c)
{
    const struct operand *o = c->operand, *master = &o[ADAM_MASTER];
    const float *scale = o[ADAM_SCALE].data;
    struct adam_tensors t = {
        .gradient = update_flat(&o[ADAM_GRADIENT]),
        .mean = update_flat(&o[ADAM_MEAN]),
        .root = update_flat(&o[ADAM_ROOT]),
        .w = update_flat(&o[ADAM_W]),
        .sum = update_flat(operand_given(master) ? master : &o[ADAM_W]),
        .unscale = 1,
        .step = adam_rate(&c->attr.update.adam, c->batch->step,
                          c->batch->learning_rate)
    };
    struct blocks blocks = blocks_of(&t.w, (struct range){ 0, 1 });

    if (operand_given(&o[ADAM_SCALE])) {
        if (scale[LOSS_SCALE_OVERFLOW])
            return;
        t.unscale = 1 / scale[LOSS_SCALE_FACTOR];
    }
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < blocks.count; i++)
        adam_run_block(c, &t, blocks_get(&blocks, i));
}
