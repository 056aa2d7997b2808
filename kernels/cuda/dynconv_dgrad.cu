/*
 * dynconv_dgrad: the gradient of a dynamic convolution (dynconv.cu) by its
 * input.
 *   in dy (T, C), logits (T, H * K), ends (N) int32, add (T, C) or empty
 *   out dx (T, C), may take over add
 *
 *   dx[s, c] = sum over k of p[t, h, k] * dy[t, c], t = s - k + pad, + add
 *
 * where rows t outside of s's sentence are left out. Each weight is another
 * row's, so a thread finds the softmax of that row for itself.
 */
#include "kernels/cuda/dynconv.h"

struct dgrad_weights {
    float p[DYNCONV_TAPS];       /* of tap k, in the row that it leads to */
};

/* The weight of a tap of a row, by one thread. */
template <typename T>
static __device__ float weight_of(const dynconv_rows<T> &r, struct sentence s,
                                  int row, int head, int tap)
{
    const T *logits = r.logits_of(row, head);
    float max = -INFINITY, sum = 0, p;

    for (int k = 0; k < r.taps; k++)
        max = fmaxf(max, widen(logits[k]));
    for (int k = 0; k < r.taps; k++)
        sum += expf(widen(logits[k]) - max);
    p = expf(widen(logits[tap]) - max) / sum;
    if (r.rule.rate > 0)
        p *= r.factor(r.draws(), s, row, head, tap);
    return p;
}

/* add may be NULL. */
template <typename T>
static __global__ void dynconv_dgrad(dynconv_rows<T> r, const T *dy,
                                     const T *add, T *dx)
{
    dgrad_weights &w = shared<dgrad_weights>();
    int row = (int)blockIdx.x, head = (int)blockIdx.y;
    struct sentence s = r.sentence(row);

    for (int k = (int)threadIdx.x; k < r.taps; k += DYNCONV_THREADS) {
        int from = row - k + r.pad;

        w.p[k] = from >= s.begin && from < s.end
                     ? weight_of(r, s, from, head, k) : 0;
    }
    __syncthreads();
    for (int i = (int)threadIdx.x; i < r.width; i += DYNCONV_THREADS) {
        size_t c = (size_t)(head * r.width + i);
        size_t to = (size_t)row * (size_t)r.channels + c;
        float sum = add ? widen(add[to]) : 0;

        for (int k = 0; k < r.taps; k++) {
            int from = row - k + r.pad;

            if (from >= s.begin && from < s.end)
                sum = fmaf(w.p[k],
                           widen(dy[(size_t)from * (size_t)r.channels + c]),
                           sum);
        }
        narrow(&dx[to], sum);
    }
}

void cuda_dynconv_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dy = &o[DYNCONV_DGRAD_DY];

    with_number(dy->dtype, [&](auto number) {
        using T = decltype(number);
        dynconv_rows<T> r = dynconv_rows_of<T>(q, c, dy,
                                               &o[DYNCONV_DGRAD_LOGITS],
                                               &o[DYNCONV_DGRAD_ENDS]);

        launch(q, dynconv_blocks(r), DYNCONV_THREADS, sizeof(dgrad_weights),
               dynconv_dgrad<T>, r, data_of<T>(dy),
               data_if_given<T>(&o[DYNCONV_DGRAD_ADD]),
               data_of<T>(&o[DYNCONV_DGRAD_DX]));
    });
}
