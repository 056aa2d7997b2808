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
 * Moments in 8 bits are updated by their blocks (scaled.h).
 */
#include "kernels/adam.h"
#include "kernels/cuda/round.h"
#include "kernels/cuda/scaled.h"

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

/* Makes *mean and *root the new ones. */
template <typename T, typename M>
static __device__ void adam_weight(const adam_update<T, M> &u, size_t i,
                                   adam_factors f, uint32_t random,
                                   float *mean, float *root)
{
    float w = u.master ? u.master[i] : widen(u.w[i]);
    float g = f.unscale * widen(u.gradient[i]), r = *root;
    float m = fmaf(u.adam.beta1, *mean, (1 - u.adam.beta1) * g);

    r = sqrtf(fmaf(u.adam.beta2 * r, r, (1 - u.adam.beta2) * g * g));
    w = fmaf(f.keep, w, -f.step * m / (r + u.adam.eps));
    *mean = m;
    *root = r;
    if (u.master) {
        u.master[i] = w;
        narrow(&u.w[i], w);
    } else {
        store_random(&u.w[i], w, random);
    }
}

template <typename T, typename M>
static __device__ void adam_element(const adam_update<T, M> &u, size_t i,
                                    adam_factors f, uint32_t random,
                                    uint32_t more)
{
    float mean = widen(u.mean[i]), root = widen(u.root[i]);

    adam_weight(u, i, f, random, &mean, &root);
    store_random(&u.mean[i], mean, random >> 16);
    store_random(&u.root[i], root, more);
}

template <typename T, typename M>
static __device__ adam_factors factors_of(const adam_update<T, M> &u)
{
    float rate = u.progress->learning_rate;

    return { u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1,
             1 - rate * u.adam.weight_decay,
             adam_rate(&u.adam, u.progress->step, rate) };
}

/* One thread for the four elements that share a draw. */
template <typename T, typename M>
static __global__ void adam_kernel(adam_update<T, M> u)
{
    uint64_t step = (uint64_t)u.progress->step << 32;
    adam_factors f = factors_of(u);

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

/* Moments that are scaled, and their blocks. */
struct scaled_moments {
    struct numbers mean, root;
    struct scaled_blocks blocks;
    struct word_stream stream, more;
};

template <typename T>
static __global__ void adam_scaled(adam_update<T, float> u, scaled_moments by)
{
    adam_factors f = factors_of(u);

    if (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0)
        return;
    for (size_t i = blockIdx.x; i < by.blocks.count; i += gridDim.x) {
        struct slots s = slots_of(by.blocks, i);
        uint32_t random[BLOCK_SLOTS], more[BLOCK_SLOTS];
        float mean[BLOCK_SLOTS] = {}, root[BLOCK_SLOTS] = {};

        by.stream.words(s, random);
        by.more.words(s, more);
        for (int k = 0; k < BLOCK_SLOTS; k++) {
            if (s.at[k] != NOWHERE) {
                mean[k] = by.mean.load(s.at[k], i);
                root[k] = by.root.load(s.at[k], i);
                adam_weight(u, s.at[k], f, random[k], &mean[k], &root[k]);
            }
            random[k] >>= 16;
        }
        store_block(by.mean, i, s, mean, random);
        store_block(by.root, i, s, root, more);
    }
}

template <typename T, typename M>
static adam_update<T, M> adam_update_of(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    adam_update<T, M> u = {};

    u.n = operand_elements(&o[ADAM_W]);
    u.gradient = data_of<T>(&o[ADAM_GRADIENT]);
    u.mean = data_of<M>(&o[ADAM_MEAN]);
    u.root = data_of<M>(&o[ADAM_ROOT]);
    u.w = data_of<T>(&o[ADAM_W]);
    u.master = data_if_given<float>(&o[ADAM_MASTER]);
    u.scale = data_if_given<float>(&o[ADAM_SCALE]);
    u.progress = q->progress;
    u.seed = c->batch->seed;
    u.stream = c->attr.update.stream;
    u.adam = c->attr.update.adam;
    return u;
}

template <typename T, typename M>
static void adam_launch(struct queue *q, const struct call *c)
{
    adam_update<T, M> u = adam_update_of<T, M>(q, c);

    launch(q, blocks_for((u.n + 3) / 4), BLOCK_THREADS, 0, adam_kernel<T, M>,
           u);
}

template <typename T>
static void adam_launch_scaled(struct queue *q, const struct call *c)
{
    const struct operand *mean = &c->operand[ADAM_MEAN];
    adam_update<T, float> u = adam_update_of<T, float>(q, c);
    scaled_moments by = {};

    by.mean = numbers(mean);
    by.root = numbers(&c->operand[ADAM_ROOT]);
    by.blocks = scaled_blocks_of(mean);
    by.stream = { u.seed, u.progress, u.stream, 0 };
    by.more = { u.seed, u.progress, u.stream | ADAM_ROOT_STREAM, 0 };
    launch(q, grid_for(by.blocks.count), BLOCK_THREADS, sizeof(word_room),
           adam_scaled<T>, u, by);
}

void cuda_adam(struct queue *q, const struct call *c)
{
    with_number(c->operand[ADAM_W].dtype, [&](auto number) {
        using T = decltype(number);

        if (dtype_is_scaled(c->operand[ADAM_MEAN].dtype)) {
            adam_launch_scaled<T>(q, c);
            return;
        }
        with_number(c->operand[ADAM_MEAN].dtype, [&](auto moment) {
            adam_launch<T, decltype(moment)>(q, c);
        });
    });
}
