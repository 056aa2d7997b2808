/*
 * Tensors in 8 or 4 bits, for values that are kept a long time and read once.
 * Numbers that follow each other form a block of BLOCK_NUMBERS: two floats, its
 * least number and the unit, then a code for each number; of 4 bits, two to a
 * byte, the lower half first. So the errors of a block are those of its own
 * range (Chen, Zheng, Yao et al., "ActNN: reducing training memory footprint
 * via 2-bit activation compressed training", 2021).
 *
 * Code 0 is the number 0, and codes from 1 on are least, least + unit, ..., up
 * to the greatest number. A number between two of them becomes either, by
 * chance, so that its mean is the number (stochastic rounding). Zeros have a
 * code of their own because a ReLU's gradient depends on them: what it made
 * zero stays zero, and nothing else becomes it.
 *
 * Nor does the input of a batch norm change its side of the ReLU behind it, if
 * the stat is given: of the two numbers it becomes the one on its own side. The
 * gradient depends on the side, and a change is a far greater error than a
 * unit.
 *
 * The chance of a number is a function of the seed, the step, the stream of the
 * attributes, the first sample of the part and the element: so a value that is
 * made again becomes the same codes.
 *
 * If a number of a block is not finite, neither is the unit, and all its
 * numbers but zeros expand to NaN: a run that diverges shows it.
 */
#ifndef MEMDIAL_SQUEEZE_H
#define MEMDIAL_SQUEEZE_H

#include "kernels/half.h"
#include "kernels/philox.h"

/* Numbers that share a draw of Philox, 16 bits each. */
enum { SQUEEZE_GROUP = 8 };

/* The code of the greatest number. */
PORTABLE int squeeze_most(enum dtype dtype)
{
    return dtype == DTYPE_8BIT ? 255 : 15;
}

/* What begins a block. */
struct squeeze_head {
    float least, unit;
};

/* Of a block's numbers other than 0: the least and the greatest, and a zero, or
 * a NaN if one of them is not finite. A block of zeros has the least above the
 * greatest. */
PORTABLE struct squeeze_head squeeze_head_of(float least, float greatest,
                                             float finite, enum dtype dtype)
{
    struct squeeze_head head = { 0, 0 };

    if (least <= greatest) {
        head.least = least;
        head.unit = (greatest - least) / (float)(squeeze_most(dtype) - 1);
    }
    head.unit += finite;
    return head;
}

/* Units in a number; 0 where all numbers are equal, or as good as that. */
PORTABLE float squeeze_scale(struct squeeze_head head)
{
    return head.unit >= 0x1p-126f ? 1 / head.unit : 0;
}

/* Added to a number in units, before its fraction is cut off. */
PORTABLE float squeeze_chance(uint32_t bits)
{
    return ((float)(int32_t)bits + 0.5f) * 0x1p-16f;
}

/* The key of a value's draws in a step. */
PORTABLE uint64_t squeeze_key(uint64_t seed, int64_t step, uint32_t stream)
{
    struct philox key = philox(seed, (uint64_t)step, PHILOX_SQUEEZE, stream);

    return key.x[0] | (uint64_t)key.x[1] << 32;
}

/* The draw for the numbers of a group, of the part whose first sample is number
 * `first` of the batch. */
PORTABLE struct philox squeeze_draw(uint64_t key, int first, uint32_t group)
{
    return philox(key, (uint64_t)first, group, 0);
}

PORTABLE uint32_t squeeze_bits(const struct philox *draw, int i)
{
    return draw->x[i / 2] >> 16 * (i % 2) & 0xFFFF;
}

/* The number that a code stands for. */
PORTABLE float squeeze_number(struct squeeze_head head, int code)
{
    return code == 0 ? 0 : head.least + (float)(code - 1) * head.unit;
}

/* Number i of a tensor. */
PORTABLE float squeeze_load(const void *blocks, size_t i, enum dtype dtype)
{
    int bits = dtype == DTYPE_8BIT ? 8 : 4, k = (int)(i % BLOCK_NUMBERS);
    size_t size = dtype == DTYPE_8BIT ? BLOCK_8BIT_BYTES : BLOCK_4BIT_BYTES;
    const uint8_t *block = (const uint8_t *)blocks + i / BLOCK_NUMBERS * size;
    int byte = block[BLOCK_HEAD_BYTES + k * bits / 8];
    struct squeeze_head head;

    memcpy(&head, block, sizeof(head));
    return squeeze_number(head, byte >> k * bits % 8 & ((1 << bits) - 1));
}

#endif
