/*
 * Helpers of dynamic convolution (dynconv.cu) and its gradients. A block has
 * one head of one row; a warp makes the row's weights, which all threads then
 * read from shared memory while they take channels side by side.
 */
#ifndef MEMDIAL_CUDA_DYNCONV_H
#define MEMDIAL_CUDA_DYNCONV_H

#include "kernels/cuda/cuda.h"
#include "kernels/dropout.h"
#include "kernels/sentences.h"

enum { DYNCONV_TAPS = 256 /* the most */, DYNCONV_THREADS = 128 };

static __device__ inline float largest_of_warp(float x)
{
    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFF, x, mask));
    return x;
}

/* Softmax, by a warp. */
template <typename T>
static __device__ inline void soften(int taps, const T *logits, float *p)
{
    float max = -INFINITY, sum = 0;

    for (int k = warp_lane(); k < taps; k += WARP_LANES)
        max = fmaxf(max, widen(logits[k]));
    max = largest_of_warp(max);
    for (int k = warp_lane(); k < taps; k += WARP_LANES)
        sum += p[k] = expf(widen(logits[k]) - max);
    sum = warp_sum(sum);
    for (int k = warp_lane(); k < taps; k += WARP_LANES)
        p[k] /= sum;
}

/* The constants of a launch; T stores the tensors. */
template <typename T> struct dynconv_rows {
    int rows, channels, heads, taps, width, pad;
    const T *logits;
    const int32_t *ends;
    int sentences;
    int first;                   /* sentence, in the batch */
    const struct progress *progress;
    uint64_t seed;
    struct dropping rule;

    __device__ struct sentence sentence(int row) const
    {
        return sentence_of_row(ends, sentences, row);
    }

    __device__ const T *logits_of(int row, int head) const
    {
        return logits + ((size_t)row * (size_t)heads + (size_t)head)
                            * (size_t)taps;
    }

    __device__ struct dropout draws() const
    {
        return dropout_start(seed, progress->step, rule.stream, rule.rate);
    }

    /* The factor of dropout of a weight of a row of sentence s. */
    __device__ float factor(const struct dropout &d, struct sentence s,
                            int row, int head, int tap) const
    {
        int i = head * taps + tap;
        struct philox draw = dropout_draw(&d, first + s.number, row - s.begin,
                                          i / DROPOUT_GROUP, 0);

        return dropout_factor(&d, &draw, i % DROPOUT_GROUP);
    }
};

template <typename T>
static dynconv_rows<T> dynconv_rows_of(const struct queue *q,
                                       const struct call *c,
                                       const struct operand *x,
                                       const struct operand *logits,
                                       const struct operand *ends)
{
    dynconv_rows<T> r = {};

    r.rows = x->dim[0];
    r.channels = x->dim[1];
    r.heads = c->attr.dynconv.heads;
    r.taps = c->attr.dynconv.taps;
    r.width = r.channels / r.heads;
    r.pad = c->attr.dynconv.causal ? r.taps - 1 : r.taps / 2;
    r.logits = data_of<T>(logits);
    r.ends = data_of<int32_t>(ends);
    r.sentences = ends->dim[0];
    r.first = c->part->first.of[EXTENT_SAMPLES];
    r.progress = q->progress;
    r.seed = c->batch->seed;
    r.rule = c->attr.dynconv.dropout;
    return r;
}

/* Blocks, one for each head of each row. */
template <typename T> static dim3 dynconv_blocks(const dynconv_rows<T> &r)
{
    return dim3((unsigned)r.rows, (unsigned)r.heads);
}

#endif
