/*
 * dynconv_wgrad: the gradient of a dynamic convolution (dynconv.cu) by the
 * logits of its weights.
 *   in dy (T, C), x (T, C), logits (T, H * K), ends (N) int32
 *   out dlogits (T, H * K)
 *
 * With s the softmax of a row's K logits of a head, and f the factors of
 * dropout,
 *   dp[k] = f[k] * sum over c of dy[t, c] * x[t + k - pad, c]
 *   dlogits[k] = s[k] * (dp[k] - sum over j of s[j] * dp[j])
 * where c goes through the head's channels, and dp is 0 for taps that meet a
 * row outside of t's sentence.
 *
 * A warp makes four rows of one head, eight taps at a time. Its lanes share the
 * channels; each has a sum for every row and tap. A row of x serves all rows.
 * Then the lanes exchange halves of their sums, quarters, and so on, until each
 * has the whole sum of one row and tap.
 */
#include "kernels/cuda/dynconv.h"

enum { QUAD = 4, TAPS = WARP_LANES / QUAD, MOST_TAPS = 256 };

struct wgrad_shared {
    float dp[BLOCK_WARPS][QUAD][MOST_TAPS];
};

template <typename T> struct wgrad {
    dynconv<T> v;
    const T *dy, *x;
    T *dlogits;
};

/* Lanes that are HALF apart give each other the half of their sums that the
 * other keeps, and add up. */
template <int HALF>
static __device__ inline void exchange(float (&sum)[WARP_LANES])
{
    bool upper = warp_lane() & HALF;

#pragma unroll
    for (int i = 0; i < HALF; i++) {
        float keep = upper ? sum[i + HALF] : sum[i];
        float give = upper ? sum[i] : sum[i + HALF];

        sum[i] = keep + __shfl_xor_sync(0xFFFFFFFF, give, HALF);
    }
}

/* Of the sums over all lanes, the one whose number is the lane's. */
static __device__ inline float sum_of_lane(float (&sum)[WARP_LANES])
{
    exchange<16>(sum);
    exchange<8>(sum);
    exchange<4>(sum);
    exchange<2>(sum);
    exchange<1>(sum);
    return sum[0];
}

/* A warp's rows of a head, from row t on. */
template <typename T, int W> struct row_quad {
    wgrad<T> g;
    int t, head, width;
    int begin[QUAD], end[QUAD];  /* taps that meet rows of the sentence */
    int low, high;               /* rows of x that are met */

    __device__ row_quad(const wgrad<T> &g_, int t_, int head_)
        : g(g_), t(t_), head(head_), width(g_.v.channels / g_.v.heads),
          low(g_.v.rows), high(0)
    {
#pragma unroll
        for (int r = 0; r < QUAD; r++) {
            begin[r] = end[r] = 0;
            if (t + r < g.v.rows)
                meet(r, g.v.sentence_of(t + r));
        }
    }

    __device__ void meet(int r, const struct sentence &s)
    {
        int first = t + r - g.v.pad, last = first + g.v.taps;

        first = first > s.begin ? first : s.begin;
        last = last < s.end ? last : s.end;
        begin[r] = first - (t + r - g.v.pad);
        end[r] = last - (t + r - g.v.pad);
        low = first < low ? first : low;
        high = last > high ? last : high;
    }

    __device__ size_t index(int row, int i) const
    {
        return (size_t)row * (size_t)g.v.channels
               + (size_t)(head * width + i);
    }

    /* Adds W of the head's channels, from channel i on, to the lane's sums of
     * taps from `tap` on. */
    __device__ void add_channels(int tap, int i,
                                 float (&sum)[WARP_LANES]) const
    {
        float dy[QUAD][W] = {};

#pragma unroll
        for (int r = 0; r < QUAD; r++)
            if (t + r < g.v.rows)
                load(dy[r], g.dy + index(t + r, i));
#pragma unroll
        for (int j = 0; j < TAPS + QUAD - 1; j++) {
            int row = t - g.v.pad + tap + j;
            float x[W];

            if (row < low || row >= high)
                continue;
            load(x, g.x + index(row, i));
#pragma unroll
            for (int r = 0; r < QUAD; r++)
                if (j >= r && j - r < TAPS)
#pragma unroll
                    for (int k = 0; k < W; k++)
                        sum[r * TAPS + j - r] = fmaf(dy[r][k], x[k],
                                                     sum[r * TAPS + j - r]);
        }
    }

    /* Writes the gradients by the weights, before dropout. */
    __device__ void weights(float (&dp)[QUAD][MOST_TAPS]) const
    {
        for (int tap = 0; tap < g.v.taps; tap += TAPS) {
            int k = tap + warp_lane() % TAPS;
            float sum[WARP_LANES] = {}, all;

            for (int i = warp_lane() * W; i < width; i += WARP_LANES * W)
                add_channels(tap, i, sum);
            all = sum_of_lane(sum);
#pragma unroll
            for (int r = 0; r < QUAD; r++)
                if (warp_lane() / TAPS == r)
                    dp[r][k] = k >= begin[r] && k < end[r] ? all : 0;
        }
        __syncwarp();
    }

    /* Applies the lane's factors of dropout. */
    __device__ void drop(int r, float (&dp)[MOST_TAPS]) const
    {
        struct dropout d = g.v.dropout();
        struct sentence s = g.v.sentence_of(t + r);

        for (int k = warp_lane(); k < g.v.taps; k += WARP_LANES) {
            int element = head * g.v.taps + k;
            struct philox draw = g.v.draw(d, s, t + r,
                                          element / DROPOUT_GROUP);

            dp[k] *= dropout_factor(&d, &draw, element % DROPOUT_GROUP);
        }
    }

    __device__ void turn(int r, float (&dp)[MOST_TAPS]) const
    {
        const T *logits = g.v.logits_of(t + r, head);
        warp_softmax<T> s(logits, g.v.taps);
        T *to = g.dlogits + (logits - g.v.logits);
        float sum = 0;

        for (int k = warp_lane(); k < g.v.taps; k += WARP_LANES)
            sum = fmaf(s(k), dp[k], sum);
        sum = warp_sum(sum);
        for (int k = warp_lane(); k < g.v.taps; k += WARP_LANES)
            narrow(&to[k], s(k) * (dp[k] - sum));
    }
};

/* W divides a head's channels. */
template <typename T, int W>
static __global__ void __launch_bounds__(BLOCK_THREADS)
sum_products(wgrad<T> g)
{
    wait_for_earlier();

    wgrad_shared &s = shared<wgrad_shared>();
    size_t index = warp_index();
    int t = (int)(index / (size_t)g.v.heads) * QUAD;
    float (&dp)[QUAD][MOST_TAPS] = s.dp[threadIdx.x / WARP_LANES];

    if (t >= g.v.rows)
        return;
    row_quad<T, W> rows(g, t, (int)(index % (size_t)g.v.heads));

    rows.weights(dp);
    for (int r = 0; r < QUAD && t + r < g.v.rows; r++) {
        if (g.v.rate > 0)
            rows.drop(r, dp[r]);
        rows.turn(r, dp[r]);
    }
}

void cuda_dynconv_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[DYNCONV_WGRAD_X];

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);
        wgrad<T> g = {};
        size_t warps;

        g.v = dynconv_of<T>(q, c, DYNCONV_WGRAD_X, DYNCONV_WGRAD_LOGITS,
                            DYNCONV_WGRAD_ENDS);
        g.dy = data_of<T>(&o[DYNCONV_WGRAD_DY]);
        g.x = data_of<T>(x);
        g.dlogits = data_of<T>(&o[DYNCONV_WGRAD_DLOGITS]);
        warps = (size_t)(g.v.rows + QUAD - 1) / QUAD * (size_t)g.v.heads;
        with_width<T>(g.v.channels / g.v.heads, [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, (unsigned)((warps + BLOCK_WARPS - 1) / BLOCK_WARPS),
                   BLOCK_THREADS, sizeof(wgrad_shared), sum_products<T, W>, g);
        });
    });
}
