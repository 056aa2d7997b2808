/*
 * squeeze: x in blocks of 8 or 4 bits, rounded stochastically
 * (kernels/squeeze.h).
 *   in x (..., C), stat (STAT_ROWS, C) of its batch norm, or empty
 *   out stored, of x's shape, DTYPE_8BIT or DTYPE_4BIT
 *
 * A block goes through the first-level cache: its numbers as floats, their
 * range, their codes.
 */
#include <math.h>

#include "kernels/squeeze.h"
#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec_philox.h"

/* Numbers whose bits vec_philox_row() draws. */
enum { DRAWN = WIDE_LANES * SQUEEZE_GROUP };

_Static_assert(BLOCK_NUMBERS % DRAWN == 0, "draws are of one block");

/* The constants of a call. */
struct squeezing {
    const struct operand *x;
    const float *stat;   /* or NULL */
    size_t elements;
    enum dtype to;
    uint64_t key;
    int first;           /* sample, in the batch */
};

/* One of two numbers in each lane, the first where the mask is all ones. */
static inline vf choose(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

/* A block of numbers; zeros follow the last one of the tensor. */
static const float *block_numbers(const struct squeezing *s, size_t block,
                                  float room[BLOCK_NUMBERS])
{
    size_t at = block * BLOCK_NUMBERS, n = s->elements - at;
    const float *x = stage_floats(s->x, at, size_min(n, BLOCK_NUMBERS), room);

    if (n >= BLOCK_NUMBERS)
        return x;
    if (x != room)
        memcpy(room, x, n * sizeof(*x));
    memset(room + n, 0, (BLOCK_NUMBERS - n) * sizeof(*room));
    return room;
}

static struct squeeze_head block_head(const float x[BLOCK_NUMBERS],
                                      enum dtype to)
{
    vf least = vf_set(INFINITY), greatest = -least, finite = vf_set(0);
    float low = INFINITY, high = -INFINITY;

    for (int i = 0; i < BLOCK_NUMBERS; i += VLEN) {
        vf v = vf_load(x + i), zero = vf_set(0);

        least = choose((v < least) & (v != zero), v, least);
        greatest = choose((v > greatest) & (v != zero), v, greatest);
        finite += v * 0;
    }
    for (int i = 0; i < VLEN; i++) {
        low = least[i] < low ? least[i] : low;
        high = greatest[i] > high ? greatest[i] : high;
    }
    return squeeze_head_of(low, high, vf_sum(finite), to);
}

/* Units of VLEN numbers, cut off after a chance is added that is drawn from 16
 * bits each. */
static inline vi vec_units(vf v, vh bits, struct squeeze_head head,
                           float scale, int most)
{
    vf chance = (__builtin_convertvector(__builtin_convertvector(bits, vi), vf)
                 + 0.5f) * 0x1p-16f;
    vf units = (v - head.least) * scale + chance;
    vf top = vf_set((float)(most - 1));

    return __builtin_convertvector(choose(units < top, units, top), vi);
}

/* The same, but that numbers stay on their side of a ReLU. Where one does not,
 * the next number beyond it does, if there is one: the greatest may be rounded
 * below the block's own. */
static inline vi vec_same_side(vf v, vi units, struct squeeze_head head,
                               int most, const float *scale,
                               const float *shift)
{
    vi top = (vi){ 0 } + (most - 1), over;
    vf number = __builtin_convertvector(units, vf) * head.unit + head.least;
    vf a = vf_load(scale), b = vf_load(shift);
    vi crossed = (a * v + b > 0) ^ (a * number + b > 0);

    units += crossed & ((number > v) - (number < v));
    units &= ~(units < 0);
    over = units > top;
    return (units & ~over) | (top & over);
}

/* The scale and the shift of each number of a block. */
struct sides {
    float scale[BLOCK_NUMBERS], shift[BLOCK_NUMBERS];
};

static void block_sides(const struct squeezing *s, size_t block,
                        struct sides *sides)
{
    size_t channels = (size_t)s->x->dim[s->x->rank - 1], n;
    size_t channel = block * BLOCK_NUMBERS % channels;

    for (size_t i = 0; i < BLOCK_NUMBERS; i += n) {
        const float *stat = s->stat + channel;

        n = size_min(BLOCK_NUMBERS - i, channels - channel);
        memcpy(sides->scale + i, stat + STAT_SCALE * channels,
               n * sizeof(*stat));
        memcpy(sides->shift + i, stat + STAT_SHIFT * channels,
               n * sizeof(*stat));
        channel = 0;
    }
}

/* The codes of VLEN numbers; sides may be NULL. */
static inline vb vec_codes(const float *x, vh bits, struct squeeze_head head,
                           float scale, int most, const struct sides *sides,
                           int i)
{
    vf v = vf_load(x + i);
    vi some = v != vf_set(0), units;

    v = choose(some, v, vf_set(head.least));
    units = vec_units(v, bits, head, scale, most);
    if (sides)
        units = vec_same_side(v, units, head, most, sides->scale + i,
                              sides->shift + i);
    return vi_to_bytes(some & (units + 1));
}

static void block_codes(const struct squeezing *s, size_t block,
                        const float x[BLOCK_NUMBERS], struct squeeze_head head,
                        uint8_t code[BLOCK_NUMBERS])
{
    float scale = squeeze_scale(head);
    int most = squeeze_most(s->to);
    struct sides sides;

    if (s->stat)
        block_sides(s, block, &sides);
    for (int i = 0; i < BLOCK_NUMBERS; i += DRAWN) {
        size_t group = (block * BLOCK_NUMBERS + (size_t)i) / SQUEEZE_GROUP;
        struct vec_philox counter = { { vwide_set((uint32_t)s->first),
                                        vwide_set(0),
                                        vwide_set((uint32_t)group),
                                        vwide_set(0) } };
        vwide bits[2];   /* 16 of each number */

        vec_philox_row(s->key, counter, 2, bits);
        for (int k = 0; k < DRAWN / VLEN; k++)
            *(vb *)(code + i + k * VLEN) =
                vec_codes(x, ((const vh *)bits)[k], head, scale, most,
                          s->stat ? &sides : NULL, i + k * VLEN);
    }
}

static void put_codes(enum dtype to, const uint8_t code[BLOCK_NUMBERS],
                      uint8_t *stored)
{
    if (to == DTYPE_8BIT)
        memcpy(stored, code, BLOCK_NUMBERS);
    else
        for (int i = 0; i < BLOCK_NUMBERS / 2; i++)
            stored[i] = (uint8_t)(code[2 * i] | code[2 * i + 1] << 4);
}

static void squeeze_block(const struct squeezing *s, size_t block,
                          uint8_t *stored)
{
    float room[BLOCK_NUMBERS];
    uint8_t code[BLOCK_NUMBERS];
    const float *x = block_numbers(s, block, room);
    struct squeeze_head head = block_head(x, s->to);

    block_codes(s, block, x, head, code);
    memcpy(stored, &head, sizeof(head));
    put_codes(s->to, code, stored + BLOCK_HEAD_BYTES);
}

void KERNEL(squeeze)(const struct call *c)
{
    const struct operand *x = &c->operand[SQUEEZE_X];
    const struct operand *stored = &c->operand[SQUEEZE_STORED];
    const struct operand *stat = &c->operand[SQUEEZE_STAT];
    struct squeezing s = {
        x, operand_given(stat) ? stat->data : NULL, operand_elements(x),
        stored->dtype,
        squeeze_key(c->batch->seed, c->batch->step, c->attr.squeeze.stream),
        c->part->first.of[EXTENT_SAMPLES]
    };
    size_t size = dtype_size(stored->dtype);
    size_t blocks = operand_bytes(stored) / size;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < blocks; i++)
        squeeze_block(&s, i, (uint8_t *)stored->data + i * size);
}
