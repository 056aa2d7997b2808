/*
 * The parts that dynamic convolution (dynconv.c) and its gradients share: their
 * weights, their cut into work, and the product of a band of weights and the
 * rows of a tensor.
 *
 * Threads share rows, not sentences, so that a long sentence is not the work of
 * one of them. A thread takes pieces: at most DYNCONV_ROWS rows of one
 * sentence. For each head it computes the weights that a piece needs, a window
 * that stays in the caches, and then goes through the head's channels. No value
 * of another sentence, be it a NaN, gets into a result.
 */
#ifndef MEMDIAL_DYNCONV_CORE_H
#define MEMDIAL_DYNCONV_CORE_H

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dropout_row.h"
#include "kernels/cpu/vec.h"
#include "kernels/sentences.h"

/* The most rows of a piece, those that are summed together, and those ahead
 * that memory is asked for. */
enum { DYNCONV_ROWS = 64, DYNCONV_HIGHEST = 6, DYNCONV_AHEAD = 64,
       DYNCONV_LARGE = 1 << 20 };

/* Lanes of the longest vector: weights, and gradients by them, have room for
 * whole ones. */
enum { DYNCONV_LANES = 16 };

struct dynconv {
    const struct call *call;
    const struct operand *logits; /* (T, H * K) */
    const int32_t *ends;
    int sentences;
    int heads, taps;
    int width;           /* channels of a head */
    int pad;             /* the tap that meets a row itself */
    int line;            /* floats of a tap's weights, of one head */
    bool drops;
    struct dropout dropout;
};

struct dynconv_piece {
    struct sentence sentence;
    int begin, end;      /* rows */
};

/* Weights of a head are (taps, line): a row in each lane, so that softmax and
 * dropout take as many rows at once as a vector has. Lines of zeros lie before
 * and after them, for the products of a block that its rows have no taps for.
 */
static inline size_t dynconv_zeros(const struct dynconv *d)
{
    return (size_t)((DYNCONV_HIGHEST - 1) * d->line);
}

/* Floats of a window of weights and its zeros. */
static inline size_t dynconv_window(const struct dynconv *d)
{
    return (size_t)(d->taps * d->line) + 2 * dynconv_zeros(d);
}

/* rows: the most that weights are wanted of at once. */
static inline struct dynconv dynconv_of(const struct call *c, int x, int logits,
                                        int ends, int rows)
{
    int taps = c->attr.dynconv.taps, heads = c->attr.dynconv.heads;
    struct dropping rule = c->attr.dynconv.dropout;

    return (struct dynconv){
        .call = c,
        .logits = &c->operand[logits],
        .ends = c->operand[ends].data,
        .sentences = c->operand[ends].dim[0],
        .heads = heads,
        .taps = taps,
        .width = c->operand[x].dim[1] / heads,
        .pad = c->attr.dynconv.causal ? taps - 1 : taps / 2,
        .line = (int)round_up((size_t)rows, DYNCONV_LANES),
        .drops = rule.rate > 0
    };
}

#ifdef __AVX512F__
/* The first lanes of a vector. */
static inline __mmask16 dynconv_mask(int lanes)
{
    return (__mmask16)((1u << lanes) - 1);
}

INLINE vf dynconv_load_some(const enum dtype dtype, const void *from, size_t at,
                            int lanes)
{
    uint16_t some[VLEN];

    if (dtype == DTYPE_F32)
        return (vf)_mm512_maskz_loadu_ps(dynconv_mask(lanes),
                                         (const float *)from + at);
    _mm256_storeu_si256((__m256i *)some,
                        _mm256_maskz_loadu_epi16(dynconv_mask(lanes),
                                                 (const uint16_t *)from + at));
    return vf_load_as(dtype, some, 0);
}

INLINE void dynconv_store_some(const enum dtype dtype, void *to, size_t at,
                               int lanes, vf v)
{
    uint16_t some[VLEN];

    if (dtype == DTYPE_F32) {
        _mm512_mask_storeu_ps((float *)to + at, dynconv_mask(lanes), (__m512)v);
        return;
    }
    vf_store_as(dtype, some, 0, v);
    _mm256_mask_storeu_epi16((uint16_t *)to + at, dynconv_mask(lanes),
                             _mm256_loadu_si256((const __m256i *)some));
}
#else
INLINE vf dynconv_load_some(const enum dtype dtype, const void *from, size_t at,
                            int lanes)
{
    float some[VLEN] = { 0 };

    for (int i = 0; i < lanes; i++)
        some[i] = float_load(from, at + (size_t)i, dtype);
    return vf_load(some);
}

INLINE void dynconv_store_some(const enum dtype dtype, void *to, size_t at,
                               int lanes, vf v)
{
    for (int i = 0; i < lanes; i++)
        float_store(to, at + (size_t)i, dtype, v[i]);
}
#endif

/* VLEN elements from element `at` on; or, if `lanes` is not 0, only that many,
 * and then zeros. */
INLINE vf dynconv_load(const enum dtype dtype, const struct operand *o,
                       size_t at, int lanes)
{
    return lanes ? dynconv_load_some(dtype, o->data, at, lanes)
                 : vf_load_as(dtype, o->data, at);
}

/* The same way back. */
INLINE void dynconv_store(const enum dtype dtype, const struct operand *o,
                          size_t at, int lanes, vf v)
{
    if (lanes)
        dynconv_store_some(dtype, o->data, at, lanes, v);
    else
        vf_store_as(dtype, o->data, at, v);
}

/*
 * Asks for memory that will be wanted: some bytes, from byte `at` on, of rows
 * that come DYNCONV_AHEAD rows after a piece and are as many. A piece goes
 * through the channels of its rows in strips, an order in which memory is slow.
 * Whichever part it is at, it asks for the part with the same share of these
 * bytes before it, so that they are asked for in the order of their addresses.
 * A small tensor is likely to be in a cache.
 */
INLINE void dynconv_ask(const struct operand *o, const struct dynconv_piece *p,
                        size_t at, size_t bytes, const bool write)
{
    size_t line = (size_t)o->dim[1] * dtype_size(o->dtype);
    size_t from = (size_t)(p->begin + DYNCONV_AHEAD) * line + at;
    size_t all = (size_t)o->dim[0] * line, end = size_min(from + bytes, all);

    if (all < DYNCONV_LARGE)
        return;
    for (from &= ~(size_t)(CPU_ALIGNMENT - 1); from < end;
         from += CPU_ALIGNMENT) {
        const char *byte = (const char *)o->data + from;

        if (write)
            __builtin_prefetch(byte, 1, 2);
        else
            __builtin_prefetch(byte, 0, 2);
    }
}

/* Runs `piece` for every piece and head, all threads sharing the rows, each
 * with a window. Its elements that are not weights are 0. `rest`: floats of
 * scratch that follow it. */
void KERNEL(dynconv_run)(const struct dynconv *, size_t rest,
                         void (*piece)(const struct dynconv *,
                                       const struct dynconv_piece *, int head,
                                       float *window));

/* The softmax of a head's logits over all taps, for rows of a sentence from
 * `begin` on: w (taps, line). Rows up to a whole vector get any numbers. */
void KERNEL(dynconv_softmax)(const struct dynconv *, int begin, int end,
                             int head, float *w);

/* Multiplies the head's weights of these rows of a sentence, or the gradients
 * by them, by the factors of dropout. */
void KERNEL(dynconv_drop)(const struct dynconv *, const struct sentence *,
                          int begin, int end, int head, float *w);

/*
 * Output rows of a piece that are sums of input rows of its sentence, weighted:
 *     out[t] = sum over k of w[at(t, k)] * in[t + first + k],  0 <= k < taps
 * for the channels of a head, with the input's rows outside of the sentence
 * left out.
 *     at(t, k) = w + (t - begin) * by_row + k * by_tap
 */
struct dynconv_band {
    const struct operand *in, *out;
    const struct operand *add; /* to the output; or of rank 0 */
    int first;
    const float *w;
    ptrdiff_t at, by_row, by_tap;
};

void KERNEL(dynconv_band)(const struct dynconv *, const struct dynconv_band *,
                          const struct dynconv_piece *, int head);

#endif
