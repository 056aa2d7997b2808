/*
 * sgd: one step of stochastic gradient descent with momentum, Nesterov's or
 * the classical one, and weight decay, in PyTorch's form: the momentum does not
 * include the learning rate.
 *   in gradient, any shape; scale (LOSS_SCALE_COUNT) or empty
 *   update master, float, or empty; momentum; w; all of gradient's shape
 *
 * Gradients carry the factor of the loss scale; if one of them is not finite,
 * nothing is updated. With a master copy of the weights, w is its rounding to
 * nearest. Other values in 16 bits are rounded stochastically, by the same
 * random numbers on every backend: w by the lower and momentum by the upper
 * half of a random word for each element, a function of the seed, the step, the
 * stream of the attributes and the element.
 */
#include "kernels/cuda/round.h"

/* The arguments that are the same in every step. */
template <typename T> struct update {
    size_t n;
    const T *gradient;
    T *momentum, *w;
    float *master;               /* or NULL */
    const float *scale;          /* or NULL */
    const struct progress *progress;
    uint64_t seed;
    uint32_t stream;
    float keep, decay;
    bool nesterov;
};

template <typename T>
static __device__ void update_element(const update<T> &u, size_t i,
                                      float unscale, uint32_t random)
{
    float w = u.master ? u.master[i] : widen(u.w[i]);
    float g = fmaf(unscale, widen(u.gradient[i]), u.decay * w);
    float m = fmaf(u.keep, widen(u.momentum[i]), g);
    float step = u.nesterov ? fmaf(u.keep, m, g) : m;

    w = fmaf(-u.progress->learning_rate, step, w);
    store_random(&u.momentum[i], m, random >> 16);
    if (u.master) {
        u.master[i] = w;
        narrow(&u.w[i], w);
    } else {
        store_random(&u.w[i], w, random);
    }
}

/* One thread for the four elements that share a draw. */
template <typename T> static __global__ void sgd(update<T> u)
{
    uint64_t step = (uint64_t)u.progress->step << 32;
    float unscale = u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1;

    if (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0)
        return;
    for (size_t i = thread_index(); 4 * i < u.n; i += grid_threads()) {
        struct philox random = philox(u.seed, step | i, PHILOX_ROUND,
                                      u.stream);

        for (size_t k = 0; k < 4 && 4 * i + k < u.n; k++)
            update_element(u, 4 * i + k, unscale, random.x[k]);
    }
}

void cuda_sgd(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *w = &o[SGD_W];
    const struct operand *master = &o[SGD_MASTER], *scale = &o[SGD_SCALE];

    with_number(w->dtype, [&](auto number) {
        using T = decltype(number);
        update<T> u = {};

        u.n = operand_elements(w);
        u.gradient = data_of<T>(&o[SGD_GRADIENT]);
        u.momentum = data_of<T>(&o[SGD_MOMENTUM]);
        u.w = data_of<T>(w);
        u.master = data_if_given<float>(master);
        u.scale = data_if_given<float>(scale);
        u.progress = q->progress;
        u.seed = c->batch->seed;
        u.stream = c->attr.update.stream;
        u.keep = c->attr.update.sgd.momentum;
        u.decay = c->attr.update.sgd.weight_decay;
        u.nesterov = c->attr.update.sgd.nesterov;
        launch(q, blocks_for((u.n + 3) / 4), BLOCK_THREADS, 0, sgd<T>, u);
    });
}
