/*
 * Blocks of moments (kernels/scaled.h) by blocks of threads. A thread has up to
 * BLOCK_SLOTS elements of the block that it works on, in registers. Types are
 * not of templates here but values: all threads of a kernel take the same way,
 * and memory takes the time.
 */
#ifndef MEMDIAL_CUDA_SCALED_H
#define MEMDIAL_CUDA_SCALED_H

#include "kernels/cuda/cuda.h"
#include "kernels/philox.h"
#include "kernels/scaled.h"

enum { BLOCK_SLOTS = SCALED_MOST / BLOCK_THREADS };

/* A tensor of floats, of 16-bit numbers, or of 8-bit codes with scales. */
struct numbers {
    enum dtype dtype;
    void *data;
    float *scale;                /* of each block, if it is scaled */

    numbers() = default;

    explicit numbers(const struct operand *o)
        : dtype(o->dtype), data(o->data), scale(NULL)
    {
        struct scaled_blocks b;

        if (!dtype_is_scaled(o->dtype))
            return;
        b = scaled_blocks_of(o);
        scale = data_of<float>(o) + scaled_at(&b);
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
    uint32_t word[BLOCK_THREADS];
};

/* The largest word of a block of threads, in all of them. */
static __device__ inline uint32_t block_most(uint32_t word)
{
    word_room &room = shared<word_room>();
    uint32_t most;

    __syncthreads();
    room.word[threadIdx.x] = word;
    __syncthreads();
    for (unsigned half = BLOCK_THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half
            && room.word[threadIdx.x + half] > room.word[threadIdx.x])
            room.word[threadIdx.x] = room.word[threadIdx.x + half];
        __syncthreads();
    }
    most = room.word[0];
    __syncthreads();
    return most;
}

/* The bits of the largest magnitude of a block's numbers. */
static __device__ inline uint32_t magnitude_most(const struct slots &s,
                                                 const float x[BLOCK_SLOTS])
{
    uint32_t most = 0;

    for (int k = 0; k < BLOCK_SLOTS; k++) {
        uint32_t bits = s.at[k] == NOWHERE ? 0
                                           : float_bits(x[k]) & 0x7FFFFFFF;

        most = bits > most ? bits : most;
    }
    return block_most(most);
}

/* Stores a block, rounded by the lower halves of random words. All threads of
 * a block call it. */
static __device__ inline void store_block(const struct numbers &to,
                                          size_t block, const struct slots &s,
                                          const float x[BLOCK_SLOTS],
                                          const uint32_t random[BLOCK_SLOTS])
{
    uint32_t most = to.scaled() ? magnitude_most(s, x) : 0;
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

/* Blocks of threads for blocks of moments. */
static inline unsigned grid_for(size_t blocks)
{
    return blocks < MAX_BLOCKS ? (unsigned)blocks : (unsigned)MAX_BLOCKS;
}

#endif
