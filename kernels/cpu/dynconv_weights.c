/*
 * The cut of dynamic convolutions into pieces, and their weights: softmax and
 * dropout of the logits.
 */
#include <math.h>

#include "kernels/cpu/dynconv_core.h"
#include "kernels/cpu/vec_dropout.h"
#include "kernels/cpu/vec_exp.h"

struct worker {
    const struct dynconv *d;
    void (*piece)(const struct dynconv *, const struct dynconv_piece *,
                  int head, float *scratch);
    float *scratch;
};

static void run_pieces(const void *own, int share, struct range rows)
{
    const struct worker *w = own;
    const struct dynconv *d = w->d;
    int row = (int)rows.begin, end = (int)rows.end;
    struct sentence s;

    (void)share;
    if (row == end)
        return;
    s = sentence_of_row(d->ends, d->sentences, row);
    while (row < end) {
        struct dynconv_piece piece = { s, row, int_min(s.end, end) };

        piece.end = int_min(piece.end, row + DYNCONV_ROWS);
        for (int head = 0; row < piece.end && head < d->heads; head++)
            w->piece(d, &piece, head, w->scratch);
        row = piece.end;
        if (row == s.end && row < end)
            s = sentence_at(d->ends, s.number + 1);
    }
}

void KERNEL(dynconv_run)(const struct dynconv *d, size_t scratch,
                         void (*piece)(const struct dynconv *,
                                       const struct dynconv_piece *, int head,
                                       float *scratch))
{
    const struct call *c = d->call;

#pragma omp parallel num_threads(c->threads)
    {
        struct worker own = { d, piece,
                              scratch_part(c, scratch, this_thread()) };

        share_out(operand_rows(d->logits), c->threads, run_pieces, &own);
    }
}

/* Lanes, exchanged across a distance that halves. */
#ifdef __AVX512F__
#define ACROSS_8 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7
#define ACROSS_4 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11
#define ACROSS_2 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13
#define ACROSS_1 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14
#elif defined(__AVX2__)
#define ACROSS_4 4, 5, 6, 7, 0, 1, 2, 3
#define ACROSS_2 2, 3, 0, 1, 6, 7, 4, 5
#define ACROSS_1 1, 0, 3, 2, 5, 4, 7, 6
#else
#define ACROSS_2 2, 3, 0, 1
#define ACROSS_1 1, 0, 3, 2
#endif

#define ACROSS(v, lanes) __builtin_shufflevector(v, v, lanes)

/* The largest of all lanes, in each of them. */
INLINE vf max_across(vf v)
{
#ifdef ACROSS_8
    v = vf_larger(v, ACROSS(v, ACROSS_8));
#endif
#ifdef ACROSS_4
    v = vf_larger(v, ACROSS(v, ACROSS_4));
#endif
    v = vf_larger(v, ACROSS(v, ACROSS_2));
    return vf_larger(v, ACROSS(v, ACROSS_1));
}

/* The sum of all lanes, in each of them. */
INLINE vf sum_across(vf v)
{
#ifdef ACROSS_8
    v += ACROSS(v, ACROSS_8);
#endif
#ifdef ACROSS_4
    v += ACROSS(v, ACROSS_4);
#endif
    v += ACROSS(v, ACROSS_2);
    return v + ACROSS(v, ACROSS_1);
}

/* How the rows of logits of a head become weights. */
struct logits {
    const struct operand *of;
    size_t count;        /* of all */
    int taps;
    vi last;             /* the lanes of a row's last vector that have logits */
};

/* A row's logits in its last vector, then those of -infinity. */
INLINE vf load_last(const enum dtype dtype, const struct logits *l, size_t at,
                    int lanes)
{
    vf v = at + VLEN <= l->count ? vf_load_as(dtype, l->of->data, at)
                                 : dynconv_load(dtype, l->of, at, lanes);

    return (vf)((l->last & (vi)v) | (~l->last & (vi)vf_set(-INFINITY)));
}

/* vectors: of a row of weights. A few are constant, and stay in registers. */
INLINE void softmax_row(const enum dtype dtype, const int vectors,
                        const struct logits *l, size_t at, float *w)
{
    int last = (vectors - 1) * VLEN;
    vf max = load_last(dtype, l, at + (size_t)last, l->taps - last), sum = { 0 };

    vf_store(w + last, max);
    UNROLL
    for (int i = 0; i < last; i += VLEN) {
        vf v = vf_load_as(dtype, l->of->data, at + (size_t)i);

        vf_store(w + i, v);
        max = vf_larger(v, max);
    }
    max = max_across(max);
    UNROLL
    for (int i = 0; i <= last; i += VLEN) {
        vf e = vf_exp(vf_load(w + i) - max);

        vf_store(w + i, e);
        sum += e;
    }
    sum = vf_set(1 / sum_across(sum)[0]);
    UNROLL
    for (int i = 0; i <= last; i += VLEN)
        vf_store(w + i, vf_load(w + i) * sum);
}

INLINE void softmax_rows(const enum dtype dtype, const struct dynconv *d,
                         int begin, int end, int head, float *w)
{
    size_t row = (size_t)(d->heads * d->taps);
    size_t at = (size_t)begin * row + (size_t)(head * d->taps);
    int vectors = (d->taps + VLEN - 1) / VLEN, stride = d->stride;
    struct logits l = {
        d->logits, operand_elements(d->logits), d->taps,
        dynconv_lanes(0, d->taps - (vectors - 1) * VLEN)
    };

#define ROWS(vectors) \
    for (int t = begin; t < end; t++, at += row, w += stride) \
        softmax_row(dtype, vectors, &l, at, w)
    if (vectors == 1)
        ROWS(1);
    else if (vectors == 2)
        ROWS(2);
    else
        ROWS(vectors);
#undef ROWS
}

void KERNEL(dynconv_softmax)(const struct dynconv *d, int begin, int end,
                             int head, float *w)
{
    DTYPE_SWITCH(d->logits->dtype, softmax_rows, d, begin, end, head, w);
}

/* Draws of dropout that are made together; the last ones are not all needed. */
enum { DRAWS = 128 };

struct draws {
    uint32_t position[DRAWS], group[DRAWS];
    float factor[DRAWS * DROPOUT_GROUP + DYNCONV_LANES];
};

static inline void set_draws(struct draws *draws, int rows, int groups,
                             int position, int group)
{
    for (int i = 0, t = 0; t < rows; t++)
        for (int g = 0; g < groups; g++, i++) {
            draws->position[i] = (uint32_t)(position + t);
            draws->group[i] = (uint32_t)(group + g);
        }
}

void KERNEL(dynconv_drop)(const struct dynconv *d, const struct sentence *s,
                          int begin, int end, int head, float *w)
{
    int number = dropout_sentence(d->call, s->number), stride = d->stride;
    int first = head * d->taps, skip = first % DROPOUT_GROUP, taps = d->taps;
    int groups = (skip + taps + DROPOUT_GROUP - 1) / DROPOUT_GROUP;
    struct draws draws = { 0 };

    while (begin < end) {
        int rows = int_min(end - begin, DRAWS / groups);
        const float *factor = draws.factor + skip;

        set_draws(&draws, rows, groups, begin - s->begin,
                  first / DROPOUT_GROUP);
        for (int i = 0; i < rows * groups; i += VEC_DRAWS)
            vec_factors(&d->dropout, number, draws.position + i,
                        draws.group + i, 0, draws.factor + i * DROPOUT_GROUP);
        for (int t = 0; t < rows; t++) {
            for (int k = 0; k < taps; k += VLEN)
                vf_store(w + k, vf_load(w + k) * vf_load(factor + k));
            w += stride;
            factor += groups * DROPOUT_GROUP;
        }
        begin += rows;
    }
}
