/*
 * The cut of dynamic convolutions into pieces, and their weights: softmax and
 * dropout of the logits.
 */
#include <math.h>
#include <string.h>

#include "kernels/cpu/dynconv_core.h"
#include "kernels/cpu/vec_across.h"
#include "kernels/cpu/vec_dropout.h"

struct worker {
    const struct dynconv *d;
    void (*piece)(const struct dynconv *, const struct dynconv_piece *,
                  int head, float *window);
    float *window;
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
            w->piece(d, &piece, head, w->window);
        row = piece.end;
        if (row == s.end && row < end)
            s = sentence_at(d->ends, s.number + 1);
    }
}

void KERNEL(dynconv_run)(const struct dynconv *d, size_t window, size_t rest,
                         void (*piece)(const struct dynconv *,
                                       const struct dynconv_piece *, int head,
                                       float *window))
{
    const struct call *c = d->call;
    size_t bytes = (window + rest) * sizeof(float);

#pragma omp parallel num_threads(c->threads)
    {
        float *scratch = scratch_part(c, bytes, this_thread());
        struct worker own = { d, piece, scratch + DYNCONV_LANES };

        memset(scratch, 0, window * sizeof(float));

        share_out(operand_rows(d->logits), c->threads, run_pieces, &own);
    }
}

/* How the rows of logits of a head become weights. */
struct logits {
    const struct operand *of;
    size_t count, row;   /* of all, and of a row with all heads */
    int taps, stride;
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

/* Some rows, of one or two vectors. */
INLINE void softmax_rows(const enum dtype dtype, const int rows,
                         const int vectors, const struct logits *l, size_t at,
                         float *w)
{
    vf e[DYNCONV_TOGETHER][2], max[DYNCONV_TOGETHER], scale[DYNCONV_TOGETHER];
    int last = vectors - 1;

    UNROLL
    for (int r = 0; r < rows; r++) {
        size_t end = at + (size_t)r * l->row + (size_t)(last * VLEN);

        max[r] = e[r][last] = load_last(dtype, l, end, l->taps - last * VLEN);
        if (last) {
            e[r][0] = vf_load_as(dtype, l->of->data, end - VLEN);
            max[r] = vf_larger(e[r][0], max[r]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        max[r] = vf_max_across(max[r]);
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int i = 0; i < vectors; i++)
            e[r][i] = vf_exp(e[r][i] - max[r]);
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        vf sum = e[r][last];

        if (last)
            sum += e[r][0];
        scale[r] = vf_sum_across(sum);
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        scale[r] = vf_set(1 / scale[r][0]);
        UNROLL
        for (int i = 0; i < vectors; i++)
            vf_store(w + r * l->stride + i * VLEN, e[r][i] * scale[r]);
    }
}

/* A row of many vectors. */
INLINE void softmax_row(const enum dtype dtype, const struct logits *l,
                        size_t at, float *w)
{
    int last = (l->taps - 1) / VLEN * VLEN;
    vf max = load_last(dtype, l, at + (size_t)last, l->taps - last);
    vf sum = { 0 };

    vf_store(w + last, max);
    for (int i = 0; i < last; i += VLEN) {
        vf v = vf_load_as(dtype, l->of->data, at + (size_t)i);

        vf_store(w + i, v);
        max = vf_larger(v, max);
    }
    max = vf_max_across(max);
    for (int i = 0; i <= last; i += VLEN) {
        vf e = vf_exp(vf_load(w + i) - max);

        vf_store(w + i, e);
        sum += e;
    }
    sum = vf_set(1 / vf_sum_across(sum)[0]);
    for (int i = 0; i <= last; i += VLEN)
        vf_store(w + i, vf_load(w + i) * sum);
}

INLINE void softmax(const enum dtype dtype, const struct logits *l, int rows,
                    size_t at, float *w)
{
#define SOFTMAX(together, vectors) \
    for (; rows >= together; rows -= together) { \
        softmax_rows(dtype, together, vectors, l, at, w); \
        at += together * l->row; \
        w += together * l->stride; \
    }
    if (l->taps <= VLEN) {
        SOFTMAX(DYNCONV_TOGETHER, 1)
        SOFTMAX(1, 1)
    } else if (l->taps <= 2 * VLEN) {
        SOFTMAX(DYNCONV_TOGETHER / 2, 2)
        SOFTMAX(1, 2)
    }
#undef SOFTMAX
    for (; rows > 0; rows--, at += l->row, w += l->stride)
        softmax_row(dtype, l, at, w);
}

void KERNEL(dynconv_softmax)(const struct dynconv *d, int begin, int end,
                             int head, float *w)
{
    size_t row = (size_t)(d->heads * d->taps);
    struct logits l = {
        .of = d->logits, .count = operand_elements(d->logits), .row = row,
        .taps = d->taps, .stride = d->stride,
        .last = dynconv_lanes(0, (d->taps - 1) % VLEN + 1)
    };

    DTYPE_SWITCH(d->logits->dtype, softmax, &l, end - begin,
                 (size_t)begin * row + (size_t)(head * d->taps), w);
}

/* Draws of dropout that are made before their factors are used. */
enum { DRAWS = 128 };

/* Writes the factors of `rows` rows from a position on, of `groups` groups each
 * from a first one on; they are made in whole vectors, and zeros
 * follow. */
static inline void draw_factors(const struct dropout *d, int sentence, int rows,
                                int position, int groups, int group,
                                float factor[])
{
    vi number = dynconv_numbers(), row, rest;

    row = __builtin_convertvector(
        (__builtin_convertvector(number, vf) + 0.5f) / (float)groups, vi);
    rest = number - row * groups;
    for (int i = 0; i < rows * groups; i += VEC_DRAWS) {
        vi over;

        vec_factors(d, sentence, (vu)(row + position), (vu)(rest + group), 0,
                    factor + i * DROPOUT_GROUP);
        row += VEC_DRAWS / groups;
        rest += VEC_DRAWS % groups;
        over = rest >= groups;
        row -= over;
        rest -= over & groups;
    }
    memset(factor + round_up((size_t)(rows * groups), VEC_DRAWS)
                        * DROPOUT_GROUP,
           0, DYNCONV_LANES * sizeof(*factor));
}

void KERNEL(dynconv_drop)(const struct dynconv *d, const struct sentence *s,
                          int begin, int end, int head, float *w)
{
    int number = dropout_sentence(d->call, s->number), stride = d->stride;
    int first = head * d->taps, skip = first % DROPOUT_GROUP, taps = d->taps;
    int groups = (skip + taps + DROPOUT_GROUP - 1) / DROPOUT_GROUP;
    float factors[DRAWS * DROPOUT_GROUP + DYNCONV_LANES];

    while (begin < end) {
        int rows = int_min(end - begin, DRAWS / groups);
        const float *factor = factors + skip;

        draw_factors(&d->dropout, number, rows, begin - s->begin, groups,
                     first / DROPOUT_GROUP, factors);
        for (int t = 0; t < rows; t++) {
            for (int k = 0; k < taps; k += VLEN)
                vf_store(w + k, vf_load(w + k) * vf_load(factor + k));
            w += stride;
            factor += groups * DROPOUT_GROUP;
        }
        begin += rows;
    }
}
