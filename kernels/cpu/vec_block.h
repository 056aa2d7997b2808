/*
 * Numbers that are stored in blocks of 8 or 4 bits (kernels/squeeze.h), VLEN at
 * once.
 */
#ifndef MEMDIAL_VEC_BLOCK_H
#define MEMDIAL_VEC_BLOCK_H

#include "kernels/cpu/vec.h"
#include "kernels/squeeze.h"

typedef uint8_t vec_bytes
    __attribute__((vector_size(VLEN / 2), aligned(1), may_alias));
typedef uint16_t vec_pairs
    __attribute__((vector_size(VLEN), aligned(1), may_alias));

/* Each byte as two, its lower half first. */
static inline vb vec_halves(const uint8_t *codes)
{
    vec_pairs both = __builtin_convertvector(*(const vec_bytes *)codes,
                                             vec_pairs);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (vb)((both & 15) | (both & 0xF0) << 4);
#else
    return (vb)((both & 15) << 8 | both >> 4);
#endif
}

/* Numbers from number i on, a multiple of VLEN. */
static inline vf vec_block_load(const enum dtype from, const void *blocks,
                                size_t i)
{
    const uint8_t *block = (const uint8_t *)blocks
                           + i / BLOCK_NUMBERS * dtype_size(from);
    const uint8_t *codes = block + BLOCK_HEAD_BYTES;
    struct squeeze_head head;
    vi code;
    vf v;

    i %= BLOCK_NUMBERS;
    memcpy(&head, block, sizeof(head));
    code = vi_of_bytes(from == DTYPE_8BIT ? *(const vb *)(codes + i)
                                          : vec_halves(codes + i / 2));
    v = __builtin_convertvector(code - 1, vf) * head.unit + head.least;
    return (vf)((code != 0) & (vi)v);
}

#endif
