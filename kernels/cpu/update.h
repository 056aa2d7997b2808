/*
 * Helpers of the operations that update weights and moments: blocks of flat
 * tensors as floats, and numbers in 16 or 8 bits that are rounded
 * stochastically. A block is that of the moments' scales (kernels/scaled.h).
 */
#ifndef MEMDIAL_CPU_UPDATE_H
#define MEMDIAL_CPU_UPDATE_H

#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec_philox.h"
#include "kernels/scaled.h"

struct update_block {
    size_t number, begin, count;
};

static inline struct update_block update_block(const struct scaled_blocks *b,
                                               size_t i)
{
    size_t begin = scaled_begin(b, i);

    return (struct update_block){ i, begin, scaled_begin(b, i + 1) - begin };
}

/* Room for a block, and for words from a multiple of 4 on, in whole vectors. */
enum { UPDATE_FLOATS = SCALED_MOST,
       UPDATE_WORDS = SCALED_MOST + 4 * WIDE_LANES };

/* A stream of random words. */
struct update_stream {
    uint64_t seed;
    uint32_t step, stream;
    uint32_t part;       /* 0: of none */
};

/* A word for each element of a block: a function of the stream and the
 * element. */
static inline const uint32_t *update_random(struct update_stream s,
                                            struct update_block b,
                                            uint32_t room[UPDATE_WORDS])
{
    struct vec_philox counters = {
        { vwide_set(b.begin / 4), vwide_set(s.step),
          vwide_set(PHILOX_ROUND | s.part << 8), vwide_set(s.stream) }
    };
    size_t before = b.begin % 4;

    for (size_t i = 0; i < before + b.count; i += 4 * WIDE_LANES) {
        vec_philox_row(s.seed, counters, 0, (vwide *)(room + i));
        counters.x[0] += WIDE_LANES;
    }
    return room + before;
}

/* The words of an update of whole batches. */
static inline struct update_stream update_stream(const struct call *c,
                                                 uint32_t stream)
{
    return (struct update_stream){ c->batch->seed, (uint32_t)c->batch->step,
                                   stream, 0 };
}

/* The scale of a block of a scaled tensor. */
static inline float *update_scale(const struct operand *o,
                                  struct update_block b)
{
    struct scaled_blocks blocks = scaled_blocks_of(o);

    return (float *)o->data + scaled_at(&blocks) + b.number;
}

INLINE void update_decode(const enum dtype dtype, const struct operand *o,
                          struct update_block b, float *to)
{
    float scale = *update_scale(o, b);

#pragma omp simd
    for (size_t i = 0; i < b.count; i++)
        to[i] = scale * scaled_number(dtype, o->data, b.begin + i);
}

/* A block as floats: where it lies, or in `room`. */
static inline float *update_load(const struct operand *o,
                                 struct update_block b,
                                 float room[UPDATE_FLOATS])
{
    if (o->dtype == DTYPE_F32)
        return (float *)o->data + b.begin;
    if (o->dtype == DTYPE_I8)
        update_decode(DTYPE_I8, o, b, room);
    else if (o->dtype == DTYPE_U8)
        update_decode(DTYPE_U8, o, b, room);
    else
        KERNEL(stage_widen)(o->dtype, (uint16_t *)o->data + b.begin, room,
                            b.count);
    return room;
}

/* The bits of the largest magnitude. */
static inline uint32_t update_most(const float *x, size_t n)
{
    uint32_t most = 0;

#pragma omp simd reduction(max : most)
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = float_bits(x[i]) & ~0x80000000u;

        most = bits > most ? bits : most;
    }
    return most;
}

INLINE void update_encode(const enum dtype dtype, const struct operand *o,
                          struct update_block b, const float *from,
                          const uint32_t *words, int shift)
{
    uint8_t *codes = (uint8_t *)o->data + b.begin;
    uint32_t most = update_most(from, b.count);
    float inverse = scaled_inverse(dtype, most);

    *update_scale(o, b) = scaled_scale(dtype, most);
#pragma omp simd
    for (size_t i = 0; i < b.count; i++) {
        float unit = (float)(int)(words[i] >> shift & 0xFFFF) * 0x1p-16f;

        codes[i] = (uint8_t)scaled_code(dtype, from[i], inverse, unit);
    }
}

INLINE void update_round(const enum dtype dtype, const struct operand *o,
                         struct update_block b, const float *from,
                         const uint32_t *words, int shift)
{
    uint16_t *to = (uint16_t *)o->data + b.begin;

    for (size_t i = 0; i < b.count; i++) {
        uint32_t random = words[i] >> shift & 0xFFFF;

        to[i] = dtype == DTYPE_BF16 ? bf16_store_random(from[i], random)
                                    : f16_store_random(from[i], random);
    }
}

/* Stores a block of what update_load() gave, rounded by 16 bits of each word.
 */
static inline void update_store(const struct operand *o, struct update_block b,
                                const float *from, const uint32_t *words,
                                int shift)
{
    switch (o->dtype) {
    case DTYPE_I8:
        update_encode(DTYPE_I8, o, b, from, words, shift);
        break;
    case DTYPE_U8:
        update_encode(DTYPE_U8, o, b, from, words, shift);
        break;
    case DTYPE_BF16:
        update_round(DTYPE_BF16, o, b, from, words, shift);
        break;
    case DTYPE_F16:
        update_round(DTYPE_F16, o, b, from, words, shift);
        break;
    default: /* floats are changed where they lie */
        break;
    }
}

/* Whether storing a block takes random words. */
static inline bool update_rounds(const struct operand *o)
{
    return o->dtype != DTYPE_F32;
}

/* The tensor as a single row, if it is given. */
static inline struct operand update_flat(const struct operand *o)
{
    struct operand flat = *o;

    flat.rank = operand_given(o);
    flat.dim[0] = (int)operand_elements(o);
    return flat;
}

#endif
