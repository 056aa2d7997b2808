/*
 * dynconv_wgrad: the gradient of a dynamic convolution (dynconv.cu) by the
 * logits of its weights.
 *   in dy (T, C), x (T, C), logits (T, H * K), ends (N) int32
 *   out dlogits (T, H * K)
 *
 * With s the softmax of a row's K logits of a head, and f the factors of
 * dropout,
 *   dp[k] = f[k] * sum over the head's channels c of dy[t, c] * x[t + k - pad, c]
 *   dlogits[k] = s[k] * (dp[k] - sum over j of s[j] * dp[j])
 * where dp is 0 for taps that meet a row outside of t's sentence. A warp takes
 * a tap, its lanes side by side over the channels.
 */
#include "kernels/cuda/dynconv.h"

struct wgrad_weights {
    float s[DYNCONV_TAPS], dp[DYNCONV_TAPS];
};

/* The gradient by the weight of a tap, by a warp. */
template <typename T>
static __device__ float weight_gradient(const dynconv_rows<T> &r,
                                        struct sentence s, int row, int head,
                                        int tap, const T *dy, const T *x)
{
    int at = row + tap - r.pad;
    size_t first = (size_t)(head * r.width), channels = (size_t)r.channels;
    float sum = 0;

    if (at < s.begin || at >= s.end)
        return 0;
    dy += (size_t)row * channels + first;
    x += (size_t)at * channels + first;
    for (int i = warp_lane(); i < r.width; i += WARP_LANES)
        sum = fmaf(widen(dy[i]), widen(x[i]), sum);
    sum = warp_sum(sum);
    return r.rule.rate > 0 ? sum * r.factor(r.draws(), s, row, head, tap)
                           : sum;
}

template <typename T>
static __global__ void dynconv_wgrad(dynconv_rows<T> r, const T *dy,
                                     const T *x, T *dlogits)
{
    wgrad_weights &w = shared<wgrad_weights>();
    int row = (int)blockIdx.x, head = (int)blockIdx.y;
    int warp = (int)threadIdx.x / WARP_LANES;
    struct sentence s = r.sentence(row);
    float mean = 0;

    if (warp == 0)
        soften(r.taps, r.logits_of(row, head), w.s);
    for (int k = warp; k < r.taps; k += DYNCONV_THREADS / WARP_LANES) {
        float dp = weight_gradient(r, s, row, head, k, dy, x);

        if (warp_lane() == 0)
            w.dp[k] = dp;
    }
    __syncthreads();
    for (int k = 0; k < r.taps; k++)
        mean = fmaf(w.s[k], w.dp[k], mean);
    dlogits += ((size_t)row * (size_t)r.heads + (size_t)head)
               * (size_t)r.taps;
    for (int k = (int)threadIdx.x; k < r.taps; k += DYNCONV_THREADS)
        narrow(&dlogits[k], w.s[k] * (w.dp[k] - mean));
}

void cuda_dynconv_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dy = &o[DYNCONV_WGRAD_DY];

    with_number(dy->dtype, [&](auto number) {
        using T = decltype(number);
        dynconv_rows<T> r = dynconv_rows_of<T>(q, c, dy,
                                               &o[DYNCONV_WGRAD_LOGITS],
                                               &o[DYNCONV_WGRAD_ENDS]);

        launch(q, dynconv_blocks(r), DYNCONV_THREADS, sizeof(wgrad_weights),
               dynconv_wgrad<T>, r, data_of<T>(dy),
               data_of<T>(&o[DYNCONV_WGRAD_X]),
               data_of<T>(&o[DYNCONV_WGRAD_DLOGITS]));
    });
}
