/*
 * sgd: one step of stochastic gradient descent with momentum, Nesterov's or
 * the classical one, and weight decay, in PyTorch's form: the momentum does not
 * include the learning rate.
 *   in gradient, any shape; scale (LOSS_SCALE_COUNT) or empty
 *   update master, float, or empty; momentum; w; all of gradient's shape
 *
 * Gradients carry the factor of the loss scale; if one of them is not finite,
 * nothing is updated. With a master copy of the weights, w is its rounding to
 * nearest. Other values in 16 bits are rounded stochastically, for most updates
 * are less than half a unit in their last place: w by the lower and momentum by
 * the upper half of a random word for each element, a function of the seed, the
 * step, the stream of the attributes and the element.
 */
#include "kernels/cpu/update.h"

/* The tensors of a call, flat; the update is added to `sum`. */
struct tensors {
    struct operand gradient, momentum, w;
    struct operand sum;
    float unscale;
};

/* A block of each as floats. */
struct update {
    const float *gradient;
    float *momentum, *w;
};

static void update_floats(const struct call *c, const struct update *u,
                          float unscale, size_t n)
{
    float *w = u->w, *momentum = u->momentum;
    const float *gradient = u->gradient;
    float keep = c->attr.update.sgd.momentum;
    float decay = c->attr.update.sgd.weight_decay;
    float rate = c->batch->learning_rate;
    /* step = a * g + b * m */
    float a = c->attr.update.sgd.nesterov ? 1 : 0;
    float b = c->attr.update.sgd.nesterov ? keep : 1;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = unscale * gradient[i] + decay * w[i];
        float m = keep * momentum[i] + g;

        momentum[i] = m;
        w[i] -= rate * (a * g + b * m);
    }
}

static void sgd_run_block(const struct call *c, const struct tensors *t,
                          struct update_block b)
{
    float room[3][UPDATE_FLOATS];
    uint32_t drawn[UPDATE_WORDS];
    const uint32_t *words = drawn;
    struct update u = { update_load(&t->gradient, b, room[0]),
                        update_load(&t->momentum, b, room[1]),
                        update_load(&t->sum, b, room[2]) };

    update_floats(c, &u, t->unscale, b.count);
    if (update_rounds(&t->momentum) || update_rounds(&t->sum))
        words = update_random(update_stream(c, c->attr.update.stream), b,
                              drawn);
    update_store(&t->momentum, b, u.momentum, words, 16);
    if (t->sum.data == t->w.data)
        update_store(&t->w, b, u.w, words, 0);
    else
        stage_put(&t->w, b.begin, b.count, u.w);
}

void KERNEL(sgd)(const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *master = &o[SGD_MASTER];
    const float *scale = o[SGD_SCALE].data;
    struct tensors t = {
        .gradient = update_flat(&o[SGD_GRADIENT]),
        .momentum = update_flat(&o[SGD_MOMENTUM]),
        .w = update_flat(&o[SGD_W]),
        .sum = update_flat(operand_given(master) ? master : &o[SGD_W]),
        .unscale = 1
    };
    struct scaled_blocks blocks = scaled_blocks_of(&t.momentum);

    if (operand_given(&o[SGD_SCALE])) {
        if (scale[LOSS_SCALE_OVERFLOW])
            return;
        t.unscale = 1 / scale[LOSS_SCALE_FACTOR];
    }
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < blocks.count; i++)
        sgd_run_block(c, &t, update_block(&blocks, i));
}
