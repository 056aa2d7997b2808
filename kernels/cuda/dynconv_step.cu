/*
 * dynconv_step: one row of a causal dynamic convolution (dynconv.cu) for each
 * hypothesis of a beam search.
 *   in x (T, C), T hypotheses; logits (T, H * K); parents (steps, T) int32, the
 *   hypothesis of the step before that each one of a step went on from; step
 *   (1) int32
 *   update ring (K, T, C): the x of the last K steps, of step s at s modulo K
 *   out y (T, C), may take over x
 *
 * p = softmax of a row's K logits of a head. With h the head of channel c, and
 * x[s] the row of step s,
 *   y[c] = sum over k of p[h, k] * x[step + k - (K - 1), c]
 * where steps before the first are left out. Hypotheses change places in a beam
 * search, but their rows in the ring do not: the sum follows parents back from
 * row to row.
 *
 * A block has a head of a row. First a thread follows parents, while a warp
 * makes the weights; then threads take channels.
 */
#include "kernels/cuda/dynconv.h"

enum { STEP_TAPS = 256, STEP_THREADS = 128 };

struct step_sizes {
    int rows, channels, heads, taps;
};

struct step_shared {
    uint32_t rows[STEP_TAPS]; /* of the ring, that taps meet */
    float weights[STEP_TAPS];
};

static __device__ void meet(const step_sizes &s, int step,
                            const int32_t *parents, int row, uint32_t *rows)
{
    for (int k = s.taps - 1; k >= 0 && step >= 0; k--, step--) {
        rows[k] = (uint32_t)(step % s.taps) * (uint32_t)s.rows + (uint32_t)row;
        if (step > 0)
            row = parents[(size_t)(step - 1) * (size_t)s.rows + (size_t)row];
    }
}

/* By a warp. */
template <typename T>
static __device__ void step_weights(int taps, const T *logits, float *p)
{
    warp_softmax<T> softmax(logits, taps);

    for (int k = warp_lane(); k < taps; k += WARP_LANES)
        p[k] = softmax(k);
}

template <typename T>
static __global__ void dynconv_step(step_sizes s, const int32_t *at,
                                    const T *x, const T *logits,
                                    const int32_t *parents, T *ring, T *y)
{
    wait_for_earlier();

    step_shared &m = shared<step_shared>();
    int step = *at, row = (int)blockIdx.x, head = (int)blockIdx.y;
    int first = step < s.taps ? s.taps - 1 - step : 0;
    int width = s.channels / s.heads;
    size_t channels = (size_t)s.channels, begin = (size_t)row * channels;
    size_t here = ((size_t)(step % s.taps) * (size_t)s.rows + (size_t)row)
                  * channels;

    if (threadIdx.x == WARP_LANES)
        meet(s, step, parents, row, m.rows);
    if (threadIdx.x < WARP_LANES)
        step_weights(s.taps,
                     logits + ((size_t)row * (size_t)s.heads + (size_t)head)
                                  * (size_t)s.taps,
                     m.weights);
    __syncthreads();
    for (int i = (int)threadIdx.x; i < width; i += STEP_THREADS) {
        size_t c = (size_t)(head * width + i);
        float sum = 0;

        ring[here + c] = x[begin + c];
        for (int k = first; k < s.taps; k++)
            sum += m.weights[k] * widen(ring[(size_t)m.rows[k] * channels
                                             + c]);
        narrow(&y[begin + c], sum);
    }
}

void cuda_dynconv_step(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[DYNCONV_STEP_X];
    step_sizes s = { x->dim[0], x->dim[1], c->attr.dynconv.heads,
                     c->attr.dynconv.taps };
    dim3 grid((unsigned)s.rows, (unsigned)s.heads);

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, grid, STEP_THREADS, sizeof(step_shared), dynconv_step<T>, s,
               data_of<int32_t>(&o[DYNCONV_STEP_STEP]), data_of<T>(x),
               data_of<T>(&o[DYNCONV_STEP_LOGITS]),
               data_of<int32_t>(&o[DYNCONV_STEP_PARENTS]),
               data_of<T>(&o[DYNCONV_STEP_RING]),
               data_of<T>(&o[DYNCONV_STEP_Y]));
    });
}
