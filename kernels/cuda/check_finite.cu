/*
 * check_finite: marks the loss scale if a gradient is not finite.
 *   in gradient, any shape
 *   update scale (LOSS_SCALE_COUNT)
 */
#include <cfloat>

#include "kernels/cuda/table.h"

template <typename T>
static __device__ bool all_finite(const T *gradient, int n)
{
    float v[4] = {};
    bool finite = true;

    load_four(v, gradient, n);
#pragma unroll
    for (int k = 0; k < 4; k++)
        finite &= fabsf(v[k]) <= FLT_MAX;
    return finite;
}

/* One thread for four elements. All threads that write, write the same. */
static __global__ void check_finite(const __grid_constant__ table t,
                                    float *scale)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    size_t i = 4 * table_thread(r);

    if (i >= r.n)
        return;
    with_stored(r.tensor[0].dtype, [&](auto number) {
        if (!all_finite(r.data<decltype(number)>(0) + i, four_at(i, r.n)))
            scale[LOSS_SCALE_OVERFLOW] = 1;
    });
}

static void check_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, 0, check_finite, g->table,
           table_shared<float *>(g));
}

void cuda_check_finite(struct queue *q, const struct call *c)
{
    const struct operand *gradient = &c->operand[CHECK_FINITE_GRADIENT];
    float *scale = data_of<float>(&c->operand[CHECK_FINITE_SCALE]);
    struct table_row row = {};

    row.tensor[0] = table_tensor(gradient);
    row.read = 1;
    row.n = operand_elements(gradient);
    table_gather(q, check_all, scale, row, 4 * BLOCK_THREADS);
}
