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
struct adam_floats {
    const float *gradient;
    float *mean, *root, *sum;
};

static void adam_step(const struct call *c, const struct adam_tensors *t,
                      const struct adam_floats *b, size_t n)
{
    const struct adam *a = &c->attr.update.adam;
    float *w = b->sum, *mean = b->mean, *root = b->root;
    const float *gradient = b->gradient;
    float keep = 1 - c->batch->learning_rate * a->weight_decay;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = t->unscale * gradient[i];
        float m = a->beta1 * mean[i] + (1 - a->beta1) * g;
        float r = sqrtf(a->beta2 * root[i] * root[i]
                        + (1 - a->beta2) * g * g);

        mean[i] = m;
        root[i] = r;
        w[i] = keep * w[i] - t->step * m / (r + a->eps);
    }
}

static void adam_run_block(const struct call *c, const struct adam_tensors *t,
                           struct update_block block)
{
    float room[4][UPDATE_FLOATS];
    uint32_t drawn[2][UPDATE_WORDS];
    const uint32_t *words = drawn[0], *more = drawn[1];
    uint32_t stream = c->attr.update.stream;
    struct adam_floats b = {
        update_load(&t->gradient, block, room[0]),
        update_load(&t->mean, block, room[1]),
        update_load(&t->root, block, room[2]),
        update_load(&t->sum, block, room[3])
    };

    adam_step(c, t, &b, block.count);
    if (update_rounds(&t->mean) || update_rounds(&t->sum))
        words = update_random(update_stream(c, stream), block, drawn[0]);
    if (update_rounds(&t->root))
        more = update_random(update_stream(c, stream | ADAM_ROOT_STREAM),
                             block, drawn[1]);
    update_store(&t->mean, block, b.mean, words, 16);
    update_store(&t->root, block, b.root, more, 0);
    if (t->sum.data == t->w.data)
        update_store(&t->w, block, b.sum, words, 0);
    else
        stage_put(&t->w, block.begin, block.count, b.sum);
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
    struct scaled_blocks blocks = scaled_blocks_of(&t.mean);

    if (operand_given(&o[ADAM_SCALE])) {
        if (scale[LOSS_SCALE_OVERFLOW])
            return;
        t.unscale = 1 / scale[LOSS_SCALE_FACTOR];
    }
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < blocks.count; i++)
        adam_run_block(c, &t, update_block(&blocks, i));
}
