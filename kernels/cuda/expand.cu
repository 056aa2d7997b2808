/*
 * expand: the numbers of a tensor that squeeze has stored (kernels/squeeze.h).
 *   in stored, DTYPE_8BIT or DTYPE_4BIT
 *   out x, of stored's shape, floats of any type
 *
 * A thread takes a group of numbers, whose codes are one word.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/squeeze.h"

/* The codes of a group of a block, the first one lowest. */
static __device__ inline uint64_t load_codes(const char *block, int group,
                                             enum dtype from)
{
    const char *codes = block + BLOCK_HEAD_BYTES;

    if (from == DTYPE_8BIT)
        return reinterpret_cast<const uint64_t *>(codes)[group];
    return reinterpret_cast<const uint32_t *>(codes)[group];
}

template <typename T>
static __global__ void expand_groups(size_t elements, enum dtype from,
                                     const char *stored, T *x)
{
    wait_for_earlier();

    constexpr int GROUPS = BLOCK_NUMBERS / SQUEEZE_GROUP;
    size_t size = from == DTYPE_8BIT ? BLOCK_8BIT_BYTES : BLOCK_4BIT_BYTES;
    int bits = from == DTYPE_8BIT ? 8 : 4, mask = (1 << bits) - 1;

    for (size_t i = thread_index(); i * SQUEEZE_GROUP < elements;
         i += grid_threads()) {
        const char *block = stored + i / GROUPS * size;
        struct squeeze_head head =
            *reinterpret_cast<const struct squeeze_head *>(block);
        uint64_t codes = load_codes(block, (int)(i % GROUPS), from);

#pragma unroll
        for (size_t k = 0; k < SQUEEZE_GROUP; k++) {
            size_t at = i * SQUEEZE_GROUP + k;

            if (at < elements)
                narrow(&x[at], squeeze_number(
                                   head, (int)(codes >> bits * k) & mask));
        }
    }
}

void cuda_expand(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[EXPAND_X];
    const struct operand *stored = &c->operand[EXPAND_STORED];
    size_t n = operand_elements(x);

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks_for(tiles_of(n, SQUEEZE_GROUP)), BLOCK_THREADS, 0,
               expand_groups<T>, n, stored->dtype, data_of<char>(stored),
               data_of<T>(x));
    });
}
