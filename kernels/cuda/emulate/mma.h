/*
 * The matrix instructions of kernels/cuda/mma.h, on the CPU: every lane gives
 * its part of the fragments as floats, and takes those that it needs from the
 * place that the instructions' documentation gives.
 */
#ifndef MEMDIAL_EMULATE_MMA_H
#define MEMDIAL_EMULATE_MMA_H

namespace emulate {

struct fragments {
    float a[8], b[4];
};

static inline const fragments &of_lane(const exchange_slot *slots,
                                       unsigned from)
{
    return *reinterpret_cast<const fragments *>(slots[from]);
}

static inline float number(fp16, uint32_t bits)
{
    return f16_load((uint16_t)bits);
}

static inline float number(bf16, uint32_t bits)
{
    return bf16_load((uint16_t)bits);
}

/* Row and column of element i of a lane's sums. */
static inline unsigned sum_row(unsigned i)
{
    return lane() / 4 + (i < 2 ? 0 : 8);
}

static inline unsigned sum_column(unsigned i)
{
    return lane() % 4 * 2 + i % 2;
}

/* The two numbers of each pair of 16 bits, the lower one first. */
template <typename T, unsigned N>
static inline void widen_pairs(T type, const uint32_t (&pairs)[N], float *to)
{
    for (unsigned i = 0; i < 2 * N; i++)
        to[i] = number(type, pairs[i / 2] >> (16 * (i % 2)) & 0xFFFF);
}

} // namespace emulate

template <bool TRANSPOSED>
static inline void load_matrices(uint32_t (&r)[4], const void *row)
{
    const emulate::exchange_slot *slots
        = emulate::exchange("load_matrices", &row, sizeof(row));
    unsigned g = emulate::lane() / 4, t = emulate::lane() % 4;

    for (unsigned matrix = 0; matrix < 4; matrix++) {
        uint16_t pair[2];

        for (unsigned i = 0; i < 2; i++) {
            unsigned at_row = TRANSPOSED ? 2 * t + i : g;
            const uint16_t *from;

            memcpy(&from, slots[8 * matrix + at_row], sizeof(from));
            pair[i] = from[TRANSPOSED ? g : 2 * t + i];
        }
        r[matrix] = pair[0] | (uint32_t)pair[1] << 16;
    }
}

template <typename T>
static inline void multiply_add(T type, float (&sum)[4],
                                const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    emulate::fragments mine;
    const emulate::exchange_slot *slots;

    emulate::widen_pairs(type, a, mine.a);
    emulate::widen_pairs(type, b, mine.b);
    slots = emulate::exchange("multiply_add", &mine, sizeof(mine));

    for (unsigned i = 0; i < 4; i++) {
        unsigned row = emulate::sum_row(i), column = emulate::sum_column(i);

        for (unsigned k = 0; k < 16; k++) {
            unsigned t = k % 8 / 2, deep = k / 8;

            sum[i] += emulate::of_lane(slots, row % 8 * 4 + t)
                          .a[2 * (row / 8 + 2 * deep) + k % 2]
                      * emulate::of_lane(slots, column * 4 + t)
                            .b[2 * deep + k % 2];
        }
    }
}

/* Rounds to nearest, ties away from zero. */
static inline uint32_t to_tf32(float x)
{
    return (__float_as_uint(x) + 0x1000) & ~0x1FFFu;
}

static inline void multiply_add_tf32(float (&sum)[4], const uint32_t (&a)[4],
                                     const uint32_t (&b)[2])
{
    emulate::fragments mine = {};
    const emulate::exchange_slot *slots;

    for (unsigned i = 0; i < 4; i++)
        mine.a[i] = __uint_as_float(a[i]);
    for (unsigned i = 0; i < 2; i++)
        mine.b[i] = __uint_as_float(b[i]);
    slots = emulate::exchange("multiply_add_tf32", &mine, sizeof(mine));

    for (unsigned i = 0; i < 4; i++) {
        unsigned row = emulate::sum_row(i), column = emulate::sum_column(i);

        for (unsigned k = 0; k < 8; k++)
            sum[i] += emulate::of_lane(slots, row % 8 * 4 + k % 4)
                          .a[row / 8 + k / 4 * 2]
                      * emulate::of_lane(slots, column * 4 + k % 4).b[k / 4];
    }
}

#endif
