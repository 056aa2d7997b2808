/*
 * Blocks of moments (kernels/scaled.h) by blocks of threads. A thread has up to
 * BLOCK_SLOTS elements of the block that it works on, in registers. Types are
 * not of templates here but values: all threads of a block take the same way,
 * and memory takes the time. Operations on such tensors gather their calls in
 * tables, whose units are the blocks of moments: one for each block of threads.
 */
#ifndef MEMDIAL_CUDA_SCALED_H
#define MEMDIAL_CUDA_SCALED_H

#include "kernels/cuda/table.h"
#include "kernels/philox.h"
#include "kernels/scaled.h"

enum { BLOCK_SLOTS = SCALED_MOST / BLOCK_THREADS };

/* The blocks of a row's tensors. */
static __device__ inline struct scaled_blocks row_blocks_of(const table_row &r)
{
    return { r.n, r.elements, r.before };
}

/* A tensor of floats, of 16-bit numbers, or of 8-bit codes with scales. */
struct numbers {
    enum dtype dtype;
    void *data;                  /* NULL: not given */
    float *scale;                /* of each block, if it is scaled */

    __device__ numbers(const table_row &r, int tensor)
        : dtype(r.tensor[tensor].dtype), data(r.tensor[tensor].data),
          scale(r.data<float>(tensor) + scaled_after(r.elements))
    {
    }

    __device__ bool scaled() const
    {
        return dtype == DTYPE_I8 || dtype == DTYPE_U8;
    }

    __device__ float load(size_t i, size_t block) const
    {
        return scaled() ? scale[block] * scaled_number(dtype, data, i)
                        : float_load(data, i, dtype);
    }

    /* Stores a number that is not scaled. */
    __device__ void round(size_t i, float x, uint32_t random) const
    {
        if (dtype == DTYPE_BF16)
            ((uint16_t *)data)[i] = bf16_store_random(x, random & 0xFFFF);
        else if (dtype == DTYPE_F16)
            ((uint16_t *)data)[i] = f16_store_random(x, random & 0xFFFF);
        else
            ((float *)data)[i] = x;
    }
};

/* The elements of a thread: slot k is none where at[k] is NOWHERE. */
enum : size_t { NOWHERE = SIZE_MAX };

struct slots {
    size_t at[BLOCK_SLOTS];
};

static __device__ inline struct slots slots_of(const struct scaled_blocks &b,
                                               size_t block)
{
    size_t begin = scaled_begin(&b, block), end = scaled_begin(&b, block + 1);
    struct slots s;

    for (size_t k = 0; k < BLOCK_SLOTS; k++) {
        s.at[k] = begin + threadIdx.x + k * BLOCK_THREADS;
        if (s.at[k] >= end)
            s.at[k] = NOWHERE;
    }
    return s;
}

struct word_room {
    uint32_t of_warp[BLOCK_WARPS];
};

/* The largest word of a block of threads, in all of them. */
static __device__ inline uint32_t block_most(word_room &room, uint32_t word)
{
    uint32_t most = word;

    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2) {
        uint32_t other = __shfl_xor_sync(0xFFFFFFFF, most, mask);

        most = other > most ? other : most;
    }
    __syncthreads();
    if (warp_lane() == 0)
        room.of_warp[threadIdx.x / WARP_LANES] = most;
    __syncthreads();
    for (int i = 0; i < BLOCK_WARPS; i++)
        most = room.of_warp[i] > most ? room.of_warp[i] : most;
    return most;
}

/* The bits of the largest magnitude of a block's numbers. */
static __device__ inline uint32_t magnitude_most(word_room &room,
                                                 const struct slots &s,
                                                 const float x[BLOCK_SLOTS])
{
    uint32_t most = 0;

    for (int k = 0; k < BLOCK_SLOTS; k++) {
        uint32_t bits = s.at[k] == NOWHERE ? 0
                                           : float_bits(x[k]) & 0x7FFFFFFF;

        most = bits > most ? bits : most;
    }
    return block_most(room, most);
}

/* Stores a block, rounded by the lower halves of random words. All threads of
 * a block call it. */
static __device__ inline void store_block(word_room &room,
                                          const struct numbers &to,
                                          size_t block, const struct slots &s,
                                          const float x[BLOCK_SLOTS],
                                          const uint32_t random[BLOCK_SLOTS])
{
    uint32_t most = to.scaled() ? magnitude_most(room, s, x) : 0;
    float inverse = scaled_inverse(to.dtype, most);

    if (to.scaled() && threadIdx.x == 0)
        to.scale[block] = scaled_scale(to.dtype, most);
    for (int k = 0; k < BLOCK_SLOTS; k++) {
        float unit = (float)(random[k] & 0xFFFF) * 0x1p-16f;

        if (s.at[k] == NOWHERE)
            continue;
        if (to.scaled())
            ((uint8_t *)to.data)[s.at[k]] =
                (uint8_t)scaled_code(to.dtype, x[k], inverse, unit);
        else
            to.round(s.at[k], x[k], random[k]);
    }
}

/* A stream of random words, one for each element; `part` is 0 for none. */
struct word_stream {
    uint64_t seed;
    const struct progress *progress;
    uint32_t stream, part;

    __device__ uint32_t word(size_t i) const
    {
        struct philox p = philox(seed,
                                 (uint64_t)progress->step << 32 | i / 4,
                                 PHILOX_ROUND | part << 8, stream);

        return p.x[i % 4];
    }

    __device__ void words(const struct slots &s,
                          uint32_t to[BLOCK_SLOTS]) const
    {
        for (int k = 0; k < BLOCK_SLOTS; k++)
            to[k] = s.at[k] == NOWHERE ? 0 : word(s.at[k]);
    }
};

/* Gives a row the blocks of a tensor, which is in a pool if all are. */
static inline void row_of_blocks(struct table_row *row,
                                 const struct operand *o)
{
    struct scaled_blocks b = scaled_blocks_of(o);

    row->n = b.count;
    row->elements = b.elements;
    row->before = b.before;
}

#endif
