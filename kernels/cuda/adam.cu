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
 * Gradients carry the factor of the loss scale; if one of them is not finite,
 * nothing is updated. Values in 16 bits are rounded by the same random numbers
 * on every backend: w by the lower and mean by the upper half of a random word
 * for each element, root by the lower half of a word of a stream of its own.
 */
#include "kernels/adam.h"
#include "kernels/cuda/round.h"

/* The arguments that are the same in every step. T stores gradient and w, M the
 * moments. */
template <typename T, typename M> struct adam_update {
    size_t n;
    const T *gradient;
    M *mean, *root;
    T *w;
    float *master;               /* or NULL */
    const float *scale;          /* or NULL */
    const struct progress *progress;
    uint64_t seed;
    uint32_t stream;
    struct adam adam;
};

/* Factors that all elements of a step have in common. */
struct adam_factors {
    float unscale, keep, step;
};

template <typename T, typename M>
static __device__ void adam_element(const adam_update<T, M> &u, size_t i,
                                    adam_factors f, uint32_t random,
                                    uint32_t more)
{
    float w = u.master ? u.master[i] : widen(u.w[i]);
    float g = f.unscale * widen(u.gradient[i]), root = widen(u.root[i]);
    float m = fmaf(u.adam.beta1, widen(u.mean[i]), (1 - u.adam.beta1) * g);

    root = sqrtf(fmaf(u.adam.beta2 * root, root, (1 - u.adam.beta2) * g * g));
    w = fmaf(f.keep, w, -f.step * m / (root + u.adam.eps));
    store_random(&u.mean[i], m, random >> 16);
    store_random(&u.root[i], root, more);
    if (u.master) {
        u.master[i] = w;
        narrow(&u.w[i], w);
    } else {
        store_random(&u.w[i], w, random);
    }
}

/* One thread for the four elements that share a draw. */
template <typename T, typename M>
static __global__ void adam_kernel(adam_update<T, M> u)
{
    uint64_t step = (uint64_t)u.progress->step << 32;
    float rate = u.progress->learning_rate;
    adam_factors f = { u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1,
                       1 - rate * u.adam.weight_decay,
                       adam_rate(&u.adam, u.progress->step, rate) };

    if (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0)
        return;
    for (size_t i = thread_index(); 4 * i < u.n; i += grid_threads()) {
        struct philox random = philox(u.seed, step | i, PHILOX_ROUND,
                                      u.stream);
        struct philox more = philox(u.seed, step | i, PHILOX_ROUND,
                                    u.stream | ADAM_ROOT_STREAM);

        for (size_t k = 0; k < 4 && 4 * i + k < u.n; k++)
            adam_element(u, 4 * i + k, f, random.x[k], more.x[k]);
    }
}

template <typename T, typename M>
static void adam_launch(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *w = &o[ADAM_W];
    adam_update<T, M> u = {};

    u.n = operand_elements(w);
    u.gradient = data_of<T>(&o[ADAM_GRADIENT]);
    u.mean = data_of<M>(&o[ADAM_MEAN]);
    u.root = data_of<M>(&o[ADAM_ROOT]);
    u.w = data_of<T>(w);
    u.master = data_if_given<float>(&o[ADAM_MASTER]);
    u.scale = data_if_given<float>(&o[ADAM_SCALE]);
    u.progress = q->progress;
    u.seed = c->batch->seed;
    u.stream = c->attr.update.stream;
    u.adam = c->attr.update.adam;
    launch(q, blocks_for((u.n + 3) / 4), BLOCK_THREADS, 0, adam_kernel<T, M>,
           u);
}

void cuda_adam(struct queue *q, const struct call *c)
{
    with_number(c->operand[ADAM_W].dtype, [&](auto number) {
        using T = decltype(number);

        with_number(c->operand[ADAM_MEAN].dtype, [&](auto moment) {
            adam_launch<T, decltype(moment)>(q, c);
        });
    });
}
