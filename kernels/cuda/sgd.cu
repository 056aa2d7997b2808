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

enum { GRADIENT, MASTER, MOMENTUM, W };

/* The arguments that all weights share. */
struct sgd_shared {
    const float *scale;          /* or NULL */
    const struct progress *progress;
    uint64_t seed;
    struct sgd sgd;
};

/* Takes an element's momentum and its weight a step further. */
static __device__ void sgd_step(const sgd_shared &u, float unscale,
                                float gradient, float &m, float &w)
{
    float g = fmaf(unscale, gradient, u.sgd.weight_decay * w), step;

    m = fmaf(u.sgd.momentum, m, g);
    step = u.sgd.nesterov ? fmaf(u.sgd.momentum, m, g) : m;
    w = fmaf(-u.progress->learning_rate, step, w);
}

/* Updates elements i.. of a weight, n of at most four. */
template <typename T>
static __device__ void sgd_four(const sgd_shared &u, const table_row &r,
                                size_t i, int n, float unscale)
{
    struct philox random =
        philox(u.seed, (uint64_t)u.progress->step << 32 | i / 4, PHILOX_ROUND,
               r.stream);
    float *master = r.data<float>(MASTER);
    T *momentum = r.data<T>(MOMENTUM) + i, *to = r.data<T>(W) + i;
    float gradient[4] = {}, m[4] = {}, w[4] = {};
    pack<T, 4> of_m;

    load_four(gradient, r.data<T>(GRADIENT) + i, n);
    load_four(m, momentum, n);
    if (master)
        load_four(w, master + i, n);
    else
        load_four(w, to, n);
#pragma unroll
    for (int k = 0; k < 4; k++) {
        sgd_step(u, unscale, gradient[k], m[k], w[k]);
        store_random(&of_m.element[k], m[k], random.x[k] >> 16);
    }
    store_four(momentum, of_m, n);
    store_weights(to, master ? master + i : NULL, w, random, n);
}

/* One thread for the four elements that share a draw. */
static __global__ void sgd(const __grid_constant__ table t, sgd_shared u)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    float unscale = u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1;
    size_t i = 4 * table_thread(r);

    if (i >= r.n || (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0))
        return;
    with_stored(r.tensor[W].dtype, [&](auto number) {
        sgd_four<decltype(number)>(u, r, i, four_at(i, r.n), unscale);
    });
}

static void sgd_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, 0, sgd, g->table,
           table_shared<sgd_shared>(g));
}

/* Updates a block of a weight whose momentum is scaled. */
template <typename T>
static __device__ void sgd_block(const sgd_shared &u, const table_row &r,
                                 size_t block, float unscale)
{
    struct word_stream stream = { u.seed, u.progress, r.stream, 0 };
    struct slots s = slots_of(row_blocks_of(r), block);
    struct numbers momentum(r, MOMENTUM);
    const T *gradient = r.data<T>(GRADIENT);
    float *master = r.data<float>(MASTER);
    uint32_t random[BLOCK_SLOTS];
    float m[BLOCK_SLOTS] = {};

    stream.words(s, random);
    for (int k = 0; k < BLOCK_SLOTS; k++) {
        if (s.at[k] != NOWHERE) {
            float w = load_weight(r.data<T>(W), master, s.at[k]);

            m[k] = momentum.load(s.at[k], block);
            sgd_step(u, unscale, widen(gradient[s.at[k]]), m[k], w);
            store_weight(r.data<T>(W), master, s.at[k], w, random[k]);
        }
        random[k] >>= 16;
    }
    store_block(shared<word_room>(), momentum, block, s, m, random);
}

static __global__ void sgd_scaled(const __grid_constant__ table t,
                                  sgd_shared u)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    float unscale = u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1;

    if (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0)
        return;
    with_stored(r.tensor[W].dtype, [&](auto number) {
        sgd_block<decltype(number)>(u, r, blockIdx.x - r.first, unscale);
    });
}

static void sgd_all_scaled(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, sizeof(word_room), sgd_scaled,
           g->table, table_shared<sgd_shared>(g));
}

void cuda_sgd(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    struct table_row row = {};
    struct sgd_shared shared;

    memset(&shared, 0, sizeof(shared));
    shared.scale = data_if_given<float>(&o[SGD_SCALE]);
    shared.progress = q->progress;
    shared.seed = c->batch->seed;
    shared.sgd = c->attr.update.sgd;
    row.tensor[GRADIENT] = table_tensor(&o[SGD_GRADIENT]);
    row.tensor[MASTER] = table_tensor(&o[SGD_MASTER]);
    row.tensor[MOMENTUM] = table_tensor(&o[SGD_MOMENTUM]);
    row.tensor[W] = table_tensor(&o[SGD_W]);
    row.read = MASTER;
    row.n = operand_elements(&o[SGD_W]);
    row.stream = c->attr.update.stream;
    if (dtype_is_scaled(o[SGD_MOMENTUM].dtype)) {
        row_of_blocks(&row, &o[SGD_MOMENTUM]);
        table_gather(q, sgd_all_scaled, shared, row, 1);
    } else {
        table_gather(q, sgd_all, shared, row, 4 * BLOCK_THREADS);
    }
}
