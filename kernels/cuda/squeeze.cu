/*
 * squeeze: x in blocks of 8 or 4 bits, rounded stochastically
 * (kernels/squeeze.h).
 *   in x (..., C), stat (STAT_ROWS, C) of its batch norm, or empty
 *   out stored, of x's shape, DTYPE_8BIT or DTYPE_4BIT
 *
 * A warp takes a block, and a lane of it the numbers that share a draw.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/squeeze.h"

static_assert(BLOCK_NUMBERS == WARP_LANES * SQUEEZE_GROUP,
              "a warp has a block");

/* The constants of a launch. */
struct squeezing {
    size_t elements, blocks;
    const float *stat;           /* or NULL */
    size_t channels;
    enum dtype to;
    uint64_t seed;
    uint32_t stream;
    int first;                   /* sample, in the batch */
    const struct progress *progress;
};

/* Zeros follow the last number of the tensor. */
template <typename T>
static __device__ inline void load_group(const squeezing &s, const T *x,
                                         size_t at, float (&v)[SQUEEZE_GROUP])
{
#pragma unroll
    for (size_t i = 0; i < SQUEEZE_GROUP; i++)
        v[i] = at + i < s.elements ? widen(x[at + i]) : 0;
}

/* What begins the block of a warp, in every lane of it. */
static __device__ inline struct squeeze_head
warp_head(const float (&v)[SQUEEZE_GROUP], enum dtype to)
{
    float least = INFINITY, greatest = -INFINITY, finite = 0;

#pragma unroll
    for (int i = 0; i < SQUEEZE_GROUP; i++) {
        least = v[i] < least && v[i] != 0 ? v[i] : least;
        greatest = v[i] > greatest && v[i] != 0 ? v[i] : greatest;
        finite += v[i] * 0;
    }
    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2) {
        float low = __shfl_xor_sync(0xFFFFFFFF, least, mask);
        float high = __shfl_xor_sync(0xFFFFFFFF, greatest, mask);

        least = low < least ? low : least;
        greatest = high > greatest ? high : greatest;
    }
    return squeeze_head_of(least, greatest, warp_sum(finite), to);
}

/* A number in units, cut off after the chance is added. */
static __device__ inline int units_of(float v, struct squeeze_head head,
                                      float scale, float chance, int most)
{
    float units = fmaf(v - head.least, scale, chance), top = (float)(most - 1);

    return (int)(units < top ? units : top);
}

/* The same, but that number i stays on its side of a ReLU. Where it does not,
 * the next number beyond it does, if there is one: the greatest may be rounded
 * below the block's own. */
static __device__ inline int same_side(const squeezing &s, size_t i, float v,
                                       int units, int most,
                                       struct squeeze_head head)
{
    const float *stat = s.stat + i % s.channels;
    float a = stat[STAT_SCALE * s.channels], b = stat[STAT_SHIFT * s.channels];
    float number = fmaf((float)units, head.unit, head.least);

    if ((fmaf(a, v, b) > 0) == (fmaf(a, number, b) > 0))
        return units;
    units += (number < v) - (number > v);
    return units < 0 ? 0 : units < most ? units : most - 1;
}

/* The codes of a lane's group, the first one lowest. */
static __device__ inline uint64_t group_codes(
    const squeezing &s, size_t group, const float (&v)[SQUEEZE_GROUP],
    struct squeeze_head head)
{
    uint64_t key = squeeze_key(s.seed, s.progress->step, s.stream), codes = 0;
    struct philox draw = squeeze_draw(key, s.first, (uint32_t)group);
    float scale = squeeze_scale(head);
    int most = squeeze_most(s.to), bits = s.to == DTYPE_8BIT ? 8 : 4;

#pragma unroll
    for (int i = 0; i < SQUEEZE_GROUP; i++) {
        int units = units_of(v[i], head, scale,
                             squeeze_chance(squeeze_bits(&draw, i)), most);

        if (s.stat)
            units = same_side(s, group * SQUEEZE_GROUP + (size_t)i, v[i],
                              units, most, head);
        codes |= (uint64_t)(v[i] == 0 ? 0 : units + 1) << bits * i;
    }
    return codes;
}

template <typename T>
static __global__ void squeeze_blocks(squeezing s, const T *x, char *stored)
{
    wait_for_earlier();

    size_t size = s.to == DTYPE_8BIT ? BLOCK_8BIT_BYTES : BLOCK_4BIT_BYTES;
    size_t lane = (size_t)warp_lane();

    for (size_t b = warp_index(); b < s.blocks;
         b += grid_threads() / WARP_LANES) {
        size_t group = b * WARP_LANES + lane;
        char *block = stored + b * size, *to = block + BLOCK_HEAD_BYTES;
        float v[SQUEEZE_GROUP];
        struct squeeze_head head;
        uint64_t codes;

        load_group(s, x, group * SQUEEZE_GROUP, v);
        head = warp_head(v, s.to);
        codes = group_codes(s, group, v, head);
        if (lane == 0)
            *reinterpret_cast<struct squeeze_head *>(block) = head;
        if (s.to == DTYPE_8BIT)
            reinterpret_cast<uint64_t *>(to)[lane] = codes;
        else
            reinterpret_cast<uint32_t *>(to)[lane] = (uint32_t)codes;
    }
}

void cuda_squeeze(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[SQUEEZE_X];
    const struct operand *stored = &c->operand[SQUEEZE_STORED];
    squeezing s = {};

    s.elements = operand_elements(x);
    s.blocks = operand_bytes(stored) / dtype_size(stored->dtype);
    s.stat = data_if_given<float>(&c->operand[SQUEEZE_STAT]);
    s.channels = (size_t)channels_of(x);
    s.to = stored->dtype;
    s.seed = c->batch->seed;
    s.stream = c->attr.squeeze.stream;
    s.first = c->part->first.of[EXTENT_SAMPLES];
    s.progress = q->progress;
    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks_for(s.blocks * WARP_LANES), BLOCK_THREADS, 0,
               squeeze_blocks<T>, s, data_of<T>(x), data_of<char>(stored));
    });
}
