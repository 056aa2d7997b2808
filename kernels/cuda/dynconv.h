/*
 * The parts that dynamic convolution (dynconv.cu) and its gradients share: the
 * weights, and the product of a band of them and the rows of a tensor.
 *
 * The product is that of forward, y = P x with P[t, t + k - pad] = p[t, k] for
 * the rows of one sentence, or with P transposed, which is the gradient by x. A
 * block of threads makes some rows of it for the channels of one head. First it
 * puts the weights that these need into shared memory, where they have been
 * through softmax and dropout. Then a thread makes BAND_HIGH rows of some
 * channels: an element that it loads serves all these rows, and a weight that
 * it reads all these channels.
 */
#ifndef MEMDIAL_CUDA_DYNCONV_H
#define MEMDIAL_CUDA_DYNCONV_H

#include "kernels/cuda/cuda.h"
#include "kernels/dropout.h"
#include "kernels/sentences.h"

/* Rows of a thread; rows of a block and threads side by side, at most; and the
 * weights that a block has room for. */
enum { BAND_HIGH = 4, BAND_ROWS = 128, BAND_ACROSS = 32, BAND_WEIGHTS = 8192 };

/* The softmax of n logits, by a warp. */
template <typename T> struct warp_softmax {
    const T *logit;
    float max, scale;

    __device__ warp_softmax(const T *logit_, int n) : logit(logit_)
    {
        float sum = 0;

        max = widen(logit[warp_lane() < n ? warp_lane() : 0]);
        for (int k = warp_lane(); k < n; k += WARP_LANES)
            if (widen(logit[k]) > max)
                max = widen(logit[k]);
        max = warp_max(max);
        for (int k = warp_lane(); k < n; k += WARP_LANES)
            sum += expf(widen(logit[k]) - max);
        scale = 1 / warp_sum(sum);
    }

    __device__ float operator()(int k) const
    {
        return expf(widen(logit[k]) - max) * scale;
    }
};

template <typename T> struct dynconv {
    const T *logits;             /* (rows, heads * taps) */
    const int32_t *ends;
    int sentences, first_sentence;
    int rows, channels, heads, taps, pad;
    const struct progress *progress;
    uint64_t seed;
    uint32_t stream;
    float rate;

    __device__ const T *logits_of(int t, int head) const
    {
        return logits + ((size_t)t * (size_t)heads + (size_t)head)
                            * (size_t)taps;
    }

    __device__ struct sentence sentence_of(int t) const
    {
        return sentence_of_row(ends, sentences, t);
    }

    __device__ struct dropout dropout() const
    {
        return dropout_start(seed, progress->step, stream, rate);
    }

    __device__ struct philox draw(const struct dropout &d,
                                  const struct sentence &s, int t,
                                  int group) const
    {
        return dropout_draw(&d, first_sentence + s.number, t - s.begin, group,
                            0);
    }
};

template <typename T>
static dynconv<T> dynconv_of(const struct queue *q, const struct call *c, int x,
                             int logits, int ends)
{
    const struct operand *o = c->operand;
    int taps = c->attr.dynconv.taps;
    dynconv<T> v = {};

    v.logits = data_of<T>(&o[logits]);
    v.ends = data_of<int32_t>(&o[ends]);
    v.sentences = o[ends].dim[0];
    v.first_sentence = c->part->first.of[EXTENT_SAMPLES];
    v.rows = o[x].dim[0];
    v.channels = o[x].dim[1];
    v.heads = c->attr.dynconv.heads;
    v.taps = taps;
    v.pad = c->attr.dynconv.causal ? taps - 1 : taps / 2;
    v.progress = q->progress;
    v.seed = c->batch->seed;
    v.stream = c->attr.dynconv.dropout.stream;
    v.rate = c->attr.dynconv.dropout.rate;
    return v;
}

struct band_shared {
    float w[BAND_WEIGHTS];
    int begin[BAND_ROWS], end[BAND_ROWS]; /* input rows that a row sums */
};

/* A block's rows of the product for one head. TURNED: of P transposed. */
template <typename T, bool TURNED> struct band {
    dynconv<T> v;
    int high, across;            /* rows of a block, and threads side by side */
    const T *in, *add;           /* add: NULL, or added to the output */
    T *out;

    /* Set by each block: */
    int head, first;             /* the first output row, */
    int in_first;                /* the first input row that it may meet, */
    int w_first, w_rows;         /* and the rows whose weights are needed */

    __device__ void start()
    {
        head = (int)blockIdx.y;
        first = (int)blockIdx.x * high;
        in_first = TURNED ? first + v.pad - (v.taps - 1) : first - v.pad;
        w_first = TURNED ? in_first : first;
        w_rows = TURNED ? high + v.taps - 1 : high;
    }

    /* The place of tap k of the j-th row of weights; -1 if it is not needed. An
     * output row's weights are place(row) apart from the first one's, and those
     * of an input row step() from those of the row before. */
    __device__ int place(int j, int k) const
    {
        int row = j + k - (v.taps - 1);

        if (!TURNED)
            return j * v.taps + k;
        return row >= 0 && row < high ? j * high + row : -1;
    }

    __device__ int row_step() const
    {
        return TURNED ? 1 : v.taps - 1;
    }

    __device__ int in_step() const
    {
        return TURNED ? high : 1;
    }

    __device__ void fill(band_shared &s) const
    {
        int warp = (int)threadIdx.x / WARP_LANES;

        for (int j = warp; j < w_rows; j += BLOCK_WARPS) {
            int t = w_first + j;

            if (t < 0 || t >= v.rows)
                continue;
            warp_softmax<T> p(v.logits_of(t, head), v.taps);

            for (int k = warp_lane(); k < v.taps; k += WARP_LANES)
                if (place(j, k) >= 0)
                    s.w[place(j, k)] = p(k);
        }
    }

    /* Applies the factors of a draw's group to a row of weights. */
    __device__ void drop_group(band_shared &s, const struct dropout &d, int j,
                               int group) const
    {
        int t = w_first + j, k = group * DROPOUT_GROUP - head * v.taps;

        if (t < 0 || t >= v.rows)
            return;
        struct philox draw = v.draw(d, v.sentence_of(t), t, group);

        for (int i = 0; i < DROPOUT_GROUP; i++, k++)
            if (k >= 0 && k < v.taps && place(j, k) >= 0)
                s.w[place(j, k)] *= dropout_factor(&d, &draw, i);
    }

    __device__ void drop(band_shared &s) const
    {
        struct dropout d = v.dropout();
        int begin = head * v.taps / DROPOUT_GROUP;
        int groups = ((head + 1) * v.taps - 1) / DROPOUT_GROUP + 1 - begin;

        for (int i = (int)threadIdx.x; i < w_rows * groups; i += BLOCK_THREADS)
            drop_group(s, d, i / groups, begin + i % groups);
    }

    __device__ void find_ends(band_shared &s) const
    {
        for (int r = (int)threadIdx.x; r < high; r += BLOCK_THREADS) {
            int row = first + r, begin = 0, end = 0;

            if (row < v.rows) {
                struct sentence in = v.sentence_of(row);

                begin = in_first + r > in.begin ? in_first + r : in.begin;
                end = in_first + r + v.taps;
                end = end < in.end ? end : in.end;
            }
            s.begin[r] = begin;
            s.end[r] = end;
        }
    }

    /* BAND_HIGH rows from row r of the block on, W channels from column on. */
    template <int W>
    __device__ void sum(const band_shared &s, int r, int column) const
    {
        float acc[BAND_HIGH][W] = {};
        int begin[BAND_HIGH], end[BAND_HIGH], low = v.rows, high_ = 0;

#pragma unroll
        for (int i = 0; i < BAND_HIGH; i++) {
            begin[i] = s.begin[r + i];
            end[i] = s.end[r + i];
            if (end[i] > begin[i]) {
                low = begin[i] < low ? begin[i] : low;
                high_ = end[i] > high_ ? end[i] : high_;
            }
        }
        for (int row = low; row < high_; row++) {
            const float *w = s.w + (row - in_first) * in_step()
                             + r * row_step();
            float x[W];

            load(x, in + (size_t)row * (size_t)v.channels + column);
#pragma unroll
            for (int i = 0; i < BAND_HIGH; i++)
                if (row >= begin[i] && row < end[i])
#pragma unroll
                    for (int k = 0; k < W; k++)
                        acc[i][k] = fmaf(w[i * row_step()], x[k], acc[i][k]);
        }
        for (int i = 0; i < BAND_HIGH && first + r + i < v.rows; i++)
            put<W>(acc[i], (size_t)(first + r + i) * (size_t)v.channels
                               + (size_t)column);
    }

    template <int W>
    __device__ void put(float (&value)[W], size_t at) const
    {
        float more[W] = {};

        if (add)
            load(more, add + at);
#pragma unroll
        for (int k = 0; k < W; k++)
            value[k] += more[k];
        store(out + at, value);
    }
};

/* W divides a head's channels. */
template <typename T, bool TURNED, int W>
static __global__ void sum_band(band<T, TURNED> b)
{
    wait_for_earlier();

    band_shared &s = shared<band_shared>();
    int width = b.v.channels / b.v.heads;
    int r = (int)threadIdx.x / b.across * BAND_HIGH;

    b.start();
    b.fill(s);
    b.find_ends(s);
    __syncthreads();
    if (b.v.rate > 0)
        b.drop(s);
    __syncthreads();
    if (r >= b.high)
        return;
    for (int i = (int)threadIdx.x % b.across * W; i < width; i += b.across * W)
        b.template sum<W>(s, r, b.head * width + i);
}

/* Rows of a block, so that its threads have them and its weights find room. */
static inline int band_high(int across, int taps, bool turned)
{
    int high = BLOCK_THREADS / across * BAND_HIGH;

    high = high < BAND_ROWS ? high : (int)BAND_ROWS;
    while ((turned ? (high + taps - 1) * high : high * taps) > BAND_WEIGHTS)
        high -= BAND_HIGH;
    return high;
}

template <typename T, bool TURNED>
static void band_launch(struct queue *q, band<T, TURNED> b)
{
    int width = b.v.channels / b.v.heads;

    with_width<T>(width, [&](auto constant) {
        constexpr int W = decltype(constant)::value;
        int columns = width / W;

        b.across = columns < BAND_ACROSS ? columns : (int)BAND_ACROSS;
        b.high = band_high(b.across, b.v.taps, TURNED);
        launch(q, dim3((unsigned)((b.v.rows + b.high - 1) / b.high),
                       (unsigned)b.v.heads),
               BLOCK_THREADS, sizeof(band_shared), sum_band<T, TURNED, W>, b);
    });
}

#endif
