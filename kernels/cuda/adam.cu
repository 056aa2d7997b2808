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
    float *master = static_cast<float *>(r.data[MASTER]);
    M *mean = static_cast<M *>(r.data[MEAN]) + i;
    M *roots = static_cast<M *>(r.data[ROOT]) + i;
    T *to = static_cast<T *>(r.data[W]) + i;
    float gradient[4] = {}, m[4] = {}, root[4] = {}, w[4] = {};
    pack<M, 4> of_m, of_root;

    load_four(gradient, static_cast<const T *>(r.data[GRADIENT]) + i, n);
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
};

/* One thread for the four elements that share a draw; one of a block takes the
 * powers for all. */
static __global__ void adam(const __grid_constant__ table t, adam_shared u)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    adam_factors &f = shared<adam_memory>().factors;
    size_t i = 4 * table_thread(r);

    if (threadIdx.x == 0)
        f = adam_factors_of(u);
    __syncthreads();
    if (i >= r.n || (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0))
        return;
    with_stored(r.dtype, [&](auto number) {
        with_stored(r.moments, [&](auto moment) {
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

/* Moments that are scaled, and their blocks. */
struct scaled_moments {
    struct numbers mean, root;
    struct scaled_blocks blocks;
    struct word_stream stream, more;
};

template <typename T>
static __global__ void adam_scaled(adam_shared u, table_row r,
                                   scaled_moments by)
{
    wait_for_earlier();

    adam_factors f = adam_factors_of(u);
    const T *gradient = static_cast<const T *>(r.data[GRADIENT]);
    float *master = static_cast<float *>(r.data[MASTER]);
    T *w = static_cast<T *>(r.data[W]);

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
                float next = load_weight(w, master, s.at[k]);

                mean[k] = by.mean.load(s.at[k], i);
                root[k] = by.root.load(s.at[k], i);
                adam_step(u.adam, f, widen(gradient[s.at[k]]), mean[k],
                          root[k], next);
                store_weight(w, master, s.at[k], next, random[k]);
            }
            random[k] >>= 16;
        }
        store_block(by.mean, i, s, mean, random);
        store_block(by.root, i, s, root, more);
    }
}

static void adam_by_blocks(struct queue *q, const struct operand *mean,
                           const struct operand *root,
                           const adam_shared &shared, const table_row &row)
{
    scaled_moments by = {};

    by.mean = numbers(mean);
    by.root = numbers(root);
    by.blocks = scaled_blocks_of(mean);
    by.stream = { shared.seed, shared.progress, row.stream, 0 };
    by.more = { shared.seed, shared.progress, row.stream | ADAM_ROOT_STREAM,
                0 };
    with_number(row.dtype, [&](auto number) {
        launch(q, grid_for(by.blocks.count), BLOCK_THREADS, sizeof(word_room),
               adam_scaled<decltype(number)>, shared, row, by);
    });
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
    row.data[GRADIENT] = o[ADAM_GRADIENT].data;
    row.data[MASTER] = data_if_given<float>(&o[ADAM_MASTER]);
    row.data[MEAN] = o[ADAM_MEAN].data;
    row.data[ROOT] = o[ADAM_ROOT].data;
    row.data[W] = o[ADAM_W].data;
    row.n = operand_elements(&o[ADAM_W]);
    row.stream = c->attr.update.stream;
    row.dtype = o[ADAM_W].dtype;
    row.moments = o[ADAM_MEAN].dtype;
    if (dtype_is_scaled(row.moments))
        adam_by_blocks(q, &o[ADAM_MEAN], &o[ADAM_ROOT], shared, row);
    else
        table_gather(q, adam_all, shared, row, 4 * BLOCK_THREADS);
}
