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
 * stream of the attributes and the element. A momentum in 8 bits is updated by
 * its blocks (scaled.h).
 */
#include "kernels/cuda/round.h"
#include "kernels/cuda/scaled.h"

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

/* Returns the new momentum. */
template <typename T>
static __device__ float update_weight(const update<T> &u, size_t i,
                                      float momentum, float unscale,
                                      uint32_t random)
{
    float w = u.master ? u.master[i] : widen(u.w[i]);
    float g = fmaf(unscale, widen(u.gradient[i]), u.decay * w);
    float m = fmaf(u.keep, momentum, g);
    float step = u.nesterov ? fmaf(u.keep, m, g) : m;

    w = fmaf(-u.progress->learning_rate, step, w);
    if (u.master) {
        u.master[i] = w;
        narrow(&u.w[i], w);
    } else {
        store_random(&u.w[i], w, random);
    }
    return m;
}

template <typename T>
static __device__ void update_element(const update<T> &u, size_t i,
                                      float unscale, uint32_t random)
{
    float m = update_weight(u, i, widen(u.momentum[i]), unscale, random);

    store_random(&u.momentum[i], m, random >> 16);
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

/* A momentum that is scaled, and its blocks. */
struct scaled_momentum {
    struct numbers numbers;
    struct scaled_blocks blocks;
    struct word_stream stream;
};

template <typename T>
static __global__ void sgd_scaled(update<T> u, scaled_momentum by)
{
    float unscale = u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1;

    if (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0)
        return;
    for (size_t i = blockIdx.x; i < by.blocks.count; i += gridDim.x) {
        struct slots s = slots_of(by.blocks, i);
        uint32_t random[BLOCK_SLOTS];
        float m[BLOCK_SLOTS];

        by.stream.words(s, random);
        for (int k = 0; k < BLOCK_SLOTS; k++) {
            m[k] = 0;
            if (s.at[k] != NOWHERE)
                m[k] = update_weight(u, s.at[k], by.numbers.load(s.at[k], i),
                                     unscale, random[k]);
            random[k] >>= 16;
        }
        store_block(by.numbers, i, s, m, random);
    }
}

template <typename T>
static void launch_scaled(struct queue *q, const struct call *c,
                          const update<T> &u)
{
    const struct operand *momentum = &c->operand[SGD_MOMENTUM];
    scaled_momentum by = {};

    by.numbers = numbers(momentum);
    by.blocks = scaled_blocks_of(momentum);
    by.stream = { u.seed, u.progress, u.stream, 0 };
    launch(q, grid_for(by.blocks.count), BLOCK_THREADS, sizeof(word_room),
           sgd_scaled<T>, u, by);
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
        if (dtype_is_scaled(o[SGD_MOMENTUM].dtype))
            launch_scaled(q, c, u);
        else
            launch(q, blocks_for((u.n + 3) / 4), BLOCK_THREADS, 0, sgd<T>, u);
    });
}
