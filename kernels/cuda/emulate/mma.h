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

/* The two numbers of each pair of 16 bits, the lower one first. */
template <typename T, unsigned N>
static inline void widen_pairs(T type, const uint32_t (&pairs)[N], float *to)
{
    for (unsigned i = 0; i < 2 * N; i++)
        to[i] = number(type, pairs[i / 2] >> (16 * (i % 2)) & 0xFFFF);
}

/* Adds the products of the fragments that a warp's lanes gave. A register has
 * WIDE numbers. A lane's sums are two columns of two rows. */
template <unsigned WIDE>
static inline void add_products(float (&sum)[4], const exchange_slot *slots)
{
    unsigned row = lane() / 4, column = lane() % 4 * 2;
    float upper[2] = { sum[0], sum[1] }, lower[2] = { sum[2], sum[3] };

    for (unsigned k = 0; k < 8; k++) {
        const float *a = of_lane(slots, row * 4 + k % 4).a + k / 4 * 2 * WIDE;

        for (unsigned i = 0; i < WIDE; i++)
            for (unsigned c = 0; c < 2; c++) {
                float b = of_lane(slots, (column + c) * 4 + k % 4)
                              .b[k / 4 * WIDE + i];

                upper[c] += a[i] * b;
                lower[c] += a[WIDE + i] * b;
            }
    }
    for (unsigned c = 0; c < 2; c++) {
        sum[c] = upper[c];
        sum[2 + c] = lower[c];
    }
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

    emulate::widen_pairs(type, a, mine.a);
    emulate::widen_pairs(type, b, mine.b);
    emulate::add_products<2>(
        sum, emulate::exchange("multiply_add", &mine, sizeof(mine)));
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

    for (unsigned i = 0; i < 4; i++)
        mine.a[i] = __uint_as_float(a[i]);
    for (unsigned i = 0; i < 2; i++)
        mine.b[i] = __uint_as_float(b[i]);
    emulate::add_products<1>(
        sum, emulate::exchange("multiply_add_tf32", &mine, sizeof(mine)));
}

#endif
