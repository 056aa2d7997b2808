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

enum { GRADIENT, MASTER, MEAN, ROOT, W };

/* The arguments that all weights share. */
struct adam_shared {
    const float *scale;          /* or NULL */
    const struct progress *progress;
    uint64_t seed;
    struct adam adam;
};

/* Factors that all elements of a step have in common. */
struct adam_factors {
    float unscale, keep, step;
};

/* Takes an element's moments and its weight a step further. */
static __device__ void adam_step(const struct adam &a, adam_factors f,
                                 float gradient, float &m, float &root,
                                 float &w)
{
    float g = f.unscale * gradient;

    m = fmaf(a.beta1, m, (1 - a.beta1) * g);
    root = sqrtf(fmaf(a.beta2 * root, root, (1 - a.beta2) * g * g));
    w = fmaf(f.keep, w, -f.step * m / (root + a.eps));
}

/* Updates elements i.. of a weight, n of at most four. T stores gradient and w,
 * M the moments. */
template <typename T, typename M>
static __device__ void adam_four(const adam_shared &u, const table_row &r,
                                 size_t i, int n, adam_factors f)
{
    uint64_t draw = (uint64_t)u.progress->step << 32 | i / 4;
    struct philox random = philox(u.seed, draw, PHILOX_ROUND, r.stream);
    struct philox more = philox(u.seed, draw, PHILOX_ROUND,
                                r.stream | ADAM_ROOT_STREAM);
    float *master = r.data<float>(MASTER);
    M *mean = r.data<M>(MEAN) + i, *roots = r.data<M>(ROOT) + i;
    T *to = r.data<T>(W) + i;
    float gradient[4] = {}, m[4] = {}, root[4] = {}, w[4] = {};
    pack<M, 4> of_m, of_root;

    load_four(gradient, r.data<T>(GRADIENT) + i, n);
    load_four(m, mean, n);
    load_four(root, roots, n);
    if (master)
        load_four(w, master + i, n);
    else
        load_four(w, to, n);
#pragma unroll
    for (int k = 0; k < 4; k++) {
        adam_step(u.adam, f, gradient[k], m[k], root[k], w[k]);
        store_random(&of_m.element[k], m[k], random.x[k] >> 16);
        store_random(&of_root.element[k], root[k], more.x[k]);
    }
    store_four(mean, of_m, n);
    store_four(roots, of_root, n);
    store_weights(to, master ? master + i : NULL, w, random, n);
}

static __device__ adam_factors adam_factors_of(const adam_shared &u)
{
    float rate = u.progress->learning_rate;

    return { u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1,
             1 - rate * u.adam.weight_decay,
             adam_rate(&u.adam, u.progress->step, rate) };
}

struct adam_memory {
    adam_factors factors;
    word_room room;
};

/* The factors, for whose powers one thread of a block works. */
static __device__ const adam_factors &block_factors(const adam_shared &u)
{
    adam_factors &f = shared<adam_memory>().factors;

    if (threadIdx.x == 0)
        f = adam_factors_of(u);
    __syncthreads();
    return f;
}

/* One thread for the four elements that share a draw. */
static __global__ void adam(const __grid_constant__ table t, adam_shared u)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    const adam_factors &f = block_factors(u);
    size_t i = 4 * table_thread(r);

    if (i >= r.n || (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0))
        return;
    with_stored(r.tensor[W].dtype, [&](auto number) {
        with_stored(r.tensor[MEAN].dtype, [&](auto moment) {
            adam_four<decltype(number), decltype(moment)>(
                u, r, i, four_at(i, r.n), f);
        });
    });
}

static void adam_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, sizeof(adam_memory), adam,
           g->table, table_shared<adam_shared>(g));
}

/* Updates a block of a weight whose moments are scaled. */
template <typename T>
static __device__ void adam_block(const adam_shared &u, const table_row &r,
                                  size_t block, adam_factors f,
                                  word_room &room)
{
    struct word_stream stream = { u.seed, u.progress, r.stream, 0 };
    struct word_stream other = { u.seed, u.progress,
                                 r.stream | ADAM_ROOT_STREAM, 0 };
    struct slots s = slots_of(row_blocks_of(r), block);
    struct numbers means(r, MEAN), roots(r, ROOT);
    const T *gradient = r.data<T>(GRADIENT);
    float *master = r.data<float>(MASTER);
    uint32_t random[BLOCK_SLOTS], more[BLOCK_SLOTS];
    float mean[BLOCK_SLOTS] = {}, root[BLOCK_SLOTS] = {};

    stream.words(s, random);
    other.words(s, more);
    for (int k = 0; k < BLOCK_SLOTS; k++) {
        if (s.at[k] != NOWHERE) {
            float w = load_weight(r.data<T>(W), master, s.at[k]);

            mean[k] = means.load(s.at[k], block);
            root[k] = roots.load(s.at[k], block);
            adam_step(u.adam, f, widen(gradient[s.at[k]]), mean[k], root[k],
                      w);
            store_weight(r.data<T>(W), master, s.at[k], w, random[k]);
        }
        random[k] >>= 16;
    }
    store_block(room, means, block, s, mean, random);
    store_block(room, roots, block, s, root, more);
}

static __global__ void adam_scaled(const __grid_constant__ table t,
                                   adam_shared u)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    const adam_factors &f = block_factors(u);

    if (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0)
        return;
    with_stored(r.tensor[W].dtype, [&](auto number) {
        adam_block<decltype(number)>(u, r, blockIdx.x - r.first, f,
                                     shared<adam_memory>().room);
    });
}

static void adam_all_scaled(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, sizeof(adam_memory), adam_scaled,
           g->table, table_shared<adam_shared>(g));
}

void cuda_adam(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    struct adam_shared shared;
    struct table_row row = {};

    memset(&shared, 0, sizeof(shared));
    shared.scale = data_if_given<float>(&o[ADAM_SCALE]);
    shared.progress = q->progress;
    shared.seed = c->batch->seed;
    shared.adam = c->attr.update.adam;
    row.tensor[GRADIENT] = table_tensor(&o[ADAM_GRADIENT]);
    row.tensor[MASTER] = table_tensor(&o[ADAM_MASTER]);
    row.tensor[MEAN] = table_tensor(&o[ADAM_MEAN]);
    row.tensor[ROOT] = table_tensor(&o[ADAM_ROOT]);
    row.tensor[W] = table_tensor(&o[ADAM_W]);
    row.read = MASTER;
    row.n = operand_elements(&o[ADAM_W]);
    row.stream = c->attr.update.stream;
    if (dtype_is_scaled(o[ADAM_MEAN].dtype)) {
        row_of_blocks(&row, &o[ADAM_MEAN]);
        table_gather(q, adam_all_scaled, shared, row, 1);
    } else {
        table_gather(q, adam_all, shared, row, 4 * BLOCK_THREADS);
    }
}
