/*
 * zero: fills with zero bytes.
 *   out x, any shape and dtype
 */
#include "kernels/cuda/table.h"

/* Bytes that a thread fills. */
enum { AT_ONCE = sizeof(uint4) };

/* Rows count bytes. */
static __global__ void zero(const __grid_constant__ table t)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    size_t at = table_thread(r) * AT_ONCE;
    char *to = r.data<char>(0) + at;

    if (at + AT_ONCE <= r.n)
        *reinterpret_cast<uint4 *>(to) = {};
    else
        for (; at < r.n; at++)
            *to++ = 0;
}

static void zero_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, 0, zero, g->table);
}

void cuda_zero(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[ZERO_X];
    static const int nothing = 0;
    struct table_row row = {};

    row.tensor[0] = table_tensor(x);
    row.n = operand_elements(x) * dtype_size(x->dtype);
    table_gather(q, zero_all, nothing, row, AT_ONCE * BLOCK_THREADS);
}
