/*
 * The cut of dynamic convolutions into pieces, and their weights: softmax and
 * dropout of the logits.
 */
#include <math.h>
#include <string.h>

#include "kernels/cpu/conv_transpose.h"
#include "kernels/cpu/dynconv_core.h"
#include "kernels/cpu/vec_draw.h"
#include "kernels/cpu/vec_exp.h"

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

void KERNEL(dynconv_run)(const struct dynconv *d, size_t rest,
                         void (*piece)(const struct dynconv *,
                                       const struct dynconv_piece *, int head,
                                       float *window))
{
    const struct call *c = d->call;
    struct dropping rule = c->attr.dynconv.dropout;
    size_t window = dynconv_window(d), bytes = (window + rest) * sizeof(float);
    struct dynconv started = *d;

    if (d->drops)
        started.dropout = dropout_of_call(c, rule.stream, rule.rate);

#pragma omp parallel num_threads(c->threads)
    {
        float *scratch = scratch_part(c, bytes, this_thread());
        struct worker own = { &started, piece, scratch + dynconv_zeros(d) };

        memset(scratch, 0, window * sizeof(float));

        share_out(operand_rows(d->logits), c->threads, run_pieces, &own);
    }
}

/* Logits of VLEN rows, from a tap on: the lanes of row[k] are the rows', of tap
 * `tap` + k. Rows from `count` on are zeros. */
INLINE void turn_logits(const enum dtype dtype, const struct dynconv *d,
                        size_t at, int count, int tap, vf row[VLEN])
{
    size_t all = operand_elements(d->logits), line = (size_t)d->logits->dim[1];
    int lanes = d->taps - tap;

    at += (size_t)tap;
    UNROLL
    for (int i = 0; i < VLEN; i++, at += line) {
        row[i] = vf_set(0);
        if (i < count)
            row[i] = at + VLEN <= all
                         ? vf_load_as(dtype, d->logits->data, at)
                         : dynconv_load_some(dtype, d->logits->data, at,
                                             int_min(lanes, VLEN));
    }
    conv_transpose_square(row);
}

/* The weights of VLEN rows, the first of whose logits of a head is element
 * `at`. */
INLINE void softmax_rows(const enum dtype dtype, const struct dynconv *d,
                         size_t at, int count, float *w)
{
    vf max = vf_set(-INFINITY), sum = vf_set(0);
    size_t line = (size_t)d->line;

    for (int tap = 0; tap < d->taps; tap += VLEN) {
        vf row[VLEN];

        turn_logits(dtype, d, at, count, tap, row);
        UNROLL
        for (int k = 0; k < VLEN; k++)
            if (tap + k < d->taps) {
                max = vf_larger(row[k], max);
                vf_store(w + (size_t)(tap + k) * line, row[k]);
            }
    }
    for (int k = 0; k < d->taps; k++) {
        vf e = vf_exp(vf_load(w + (size_t)k * line) - max);

        vf_store(w + (size_t)k * line, e);
        sum += e;
    }
    sum = 1 / sum;
    for (int k = 0; k < d->taps; k++)
        vf_store(w + (size_t)k * line, vf_load(w + (size_t)k * line) * sum);
}

INLINE void softmax(const enum dtype dtype, const struct dynconv *d, int rows,
                    size_t at, float *w)
{
    for (int r = 0; r < rows; r += VLEN)
        softmax_rows(dtype, d, at + (size_t)r * (size_t)d->logits->dim[1],
                     rows - r, w + r);
}

void KERNEL(dynconv_softmax)(const struct dynconv *d, int begin, int end,
                             int head, float *w)
{
    size_t at = (size_t)begin * (size_t)d->logits->dim[1]
                + (size_t)(head * d->taps);

    DTYPE_SWITCH(d->logits->dtype, softmax, d, end - begin, at, w);
}

/* The same for VLEN rows from row t on. The draws of a head's first and last
 * elements may be other heads', too. */
static void drop_rows(const struct dynconv *d, const struct sentence *s, int t,
                      int head, float *w)
{
    int number = dropout_sentence(d->call, s->number);
    int first = head * d->taps, end = first + d->taps;

    for (int g = first / DROPOUT_GROUP; g * DROPOUT_GROUP < end; g++) {
        struct vec_draw draw = vec_dropout_draw(&d->dropout, number,
                                                t - s->begin, g, 0);

        UNROLL
        for (int i = 0; i < DROPOUT_GROUP; i++) {
            int k = g * DROPOUT_GROUP + i - first;
            float *to = w + k * d->line;

            if (k >= 0 && k < d->taps)
                vf_store(to, vf_load(to)
                             * vec_dropout_factor(&d->dropout, &draw, i));
        }
    }
}

void KERNEL(dynconv_drop)(const struct dynconv *d, const struct sentence *s,
                          int begin, int end, int head, float *w)
{
    for (int t = begin; t < end; t += VLEN)
        drop_rows(d, s, t, head, w + (t - begin));
}
