/*
 * dynconv: the dynamic convolution of Wu, Fan, Baevski, Dauphin and Auli, "Pay
 * less attention with lightweight and dynamic convolutions" (ICLR 2019), on
 * packed sentences.
 *   in x (T, C), logits (T, H * K), ends (N) int32
 *   out y (T, C)
 *
 * p = softmax of a row's K logits of a head, then dropout. With h the head of
 * channel c, which has C / H of them,
 *   y[t, c] = sum over k of p[t, h, k] * x[t + k - pad, c]
 * where rows outside of t's sentence are left out. pad is K - 1 if the
 * convolution is causal, else K / 2.
 */
#include "kernels/cuda/dynconv.h"

struct dynconv_weights {
    float p[DYNCONV_TAPS];
};

/* The weights of a row, by a warp. */
template <typename T>
static __device__ void row_weights(const dynconv_rows<T> &r, struct sentence s,
                                   int row, int head, float *p)
{
    struct dropout d = r.draws();

    soften(r.taps, r.logits_of(row, head), p);
    for (int k = warp_lane(); r.rule.rate > 0 && k < r.taps; k += WARP_LANES)
        p[k] *= r.factor(d, s, row, head, k);
}

template <typename T>
static __global__ void dynconv(dynconv_rows<T> r, const T *x, T *y)
{
    dynconv_weights &w = shared<dynconv_weights>();
    int row = (int)blockIdx.x, head = (int)blockIdx.y;
    struct sentence s = r.sentence(row);

    if (threadIdx.x < WARP_LANES)
        row_weights(r, s, row, head, w.p);
    __syncthreads();
    for (int i = (int)threadIdx.x; i < r.width; i += DYNCONV_THREADS) {
        size_t c = (size_t)(head * r.width + i);
        float sum = 0;

        for (int k = 0; k < r.taps; k++) {
            int at = row + k - r.pad;

            if (at >= s.begin && at < s.end)
                sum = fmaf(w.p[k], widen(x[(size_t)at * (size_t)r.channels + c]),
                           sum);
        }
        narrow(&y[(size_t)row * (size_t)r.channels + c], sum);
    }
}

void cuda_dynconv(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[DYNCONV_X];

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);
        dynconv_rows<T> r = dynconv_rows_of<T>(q, c, x, &o[DYNCONV_LOGITS],
                                               &o[DYNCONV_ENDS]);

        launch(q, dynconv_blocks(r), DYNCONV_THREADS, sizeof(dynconv_weights),
               dynconv<T>, r, data_of<T>(x), data_of<T>(&o[DYNCONV_Y]));
    });
}
