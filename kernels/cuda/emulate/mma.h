/*
 * The matrix instructions of kernels/cuda/mma.h, on the CPU: every lane takes
 * its part of the fragments from the place that the instructions' documentation
 * gives.
 */
#ifndef MEMDIAL_EMULATE_MMA_H
#define MEMDIAL_EMULATE_MMA_H

namespace emulate {

struct fragments {
    uint32_t a[4], b[2];
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

/* One of the two 16-bit numbers of a pair. */
static inline uint32_t half_of(uint32_t pair, unsigned which)
{
    return pair >> (16 * (which % 2)) & 0xFFFF;
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
    emulate::fragments mine = { { a[0], a[1], a[2], a[3] }, { b[0], b[1] } };
    const emulate::exchange_slot *slots
        = emulate::exchange("multiply_add", &mine, sizeof(mine));

    for (unsigned i = 0; i < 4; i++) {
        unsigned row = emulate::sum_row(i), column = emulate::sum_column(i);

        for (unsigned k = 0; k < 16; k++) {
            unsigned t = k % 8 / 2, deep = k / 8;
            uint32_t x = emulate::of_lane(slots, row % 8 * 4 + t)
                             .a[row / 8 + 2 * deep];
            uint32_t y = emulate::of_lane(slots, column * 4 + t).b[deep];

            sum[i] += emulate::number(type, emulate::half_of(x, k))
                      * emulate::number(type, emulate::half_of(y, k));
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
    emulate::fragments mine = { { a[0], a[1], a[2], a[3] }, { b[0], b[1] } };
    const emulate::exchange_slot *slots
        = emulate::exchange("multiply_add_tf32", &mine, sizeof(mine));

    for (unsigned i = 0; i < 4; i++) {
        unsigned row = emulate::sum_row(i), column = emulate::sum_column(i);

        for (unsigned k = 0; k < 8; k++)
            sum[i] += __uint_as_float(
                          emulate::of_lane(slots, row % 8 * 4 + k % 4)
                              .a[row / 8 + k / 4 * 2])
                      * __uint_as_float(
                            emulate::of_lane(slots, column * 4 + k % 4)
                                .b[k / 4]);
    }
}

#endif
