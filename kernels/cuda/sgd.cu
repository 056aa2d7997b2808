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

enum { GRADIENT, MASTER, MOMENTUM, W };

/* The arguments that all weights share. */
struct sgd_shared {
    const float *scale;          /* or NULL */
    const struct progress *progress;
    uint64_t seed;
    struct sgd sgd;
};

/* Updates elements i.. of a weight, n of at most four. */
template <typename T>
static __device__ void sgd_four(const sgd_shared &u, const table_row &r,
                                size_t i, int n, float unscale)
{
    struct philox random =
        philox(u.seed, (uint64_t)u.progress->step << 32 | i / 4, PHILOX_ROUND,
               r.stream);
    float *master = static_cast<float *>(r.data[MASTER]);
    T *momentum = static_cast<T *>(r.data[MOMENTUM]) + i;
    T *to = static_cast<T *>(r.data[W]) + i;
    float gradient[4] = {}, m[4] = {}, w[4] = {};
    pack<T, 4> of_m;

    load_four(gradient, static_cast<const T *>(r.data[GRADIENT]) + i, n);
    load_four(m, momentum, n);
    if (master)
        load_four(w, master + i, n);
    else
        load_four(w, to, n);
#pragma unroll
    for (int k = 0; k < 4; k++) {
        float g = fmaf(unscale, gradient[k], u.sgd.weight_decay * w[k]);
        float step;

        m[k] = fmaf(u.sgd.momentum, m[k], g);
        step = u.sgd.nesterov ? fmaf(u.sgd.momentum, m[k], g) : m[k];
        w[k] = fmaf(-u.progress->learning_rate, step, w[k]);
        store_random(&of_m.element[k], m[k], random.x[k] >> 16);
    }
    store_four(momentum, of_m, n);
    store_weights(to, master ? master + i : NULL, w, random, n);
}

/* One thread for the four elements that share a draw. */
static __global__ void sgd(const __grid_constant__ table t, sgd_shared u)
{
    const table_row &r = table_find(t);
    float unscale = u.scale ? 1 / u.scale[LOSS_SCALE_FACTOR] : 1;
    size_t i = 4 * table_thread(r);

    if (i >= r.n || (u.scale && u.scale[LOSS_SCALE_OVERFLOW] != 0))
        return;
    with_stored(r.dtype, [&](auto number) {
        sgd_four<decltype(number)>(u, r, i, four_at(i, r.n), unscale);
    });
}

static void sgd_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, 0, sgd, g->table,
           table_shared<sgd_shared>(g));
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
    row.data[GRADIENT] = o[SGD_GRADIENT].data;
    row.data[MASTER] = data_if_given<float>(&o[SGD_MASTER]);
    row.data[MOMENTUM] = o[SGD_MOMENTUM].data;
    row.data[W] = o[SGD_W].data;
    row.n = operand_elements(&o[SGD_W]);
    row.stream = c->attr.update.stream;
    row.dtype = o[SGD_W].dtype;
    table_gather(q, sgd_all, shared, row, 4 * BLOCK_THREADS);
}
