/*
 * While the sums of a panel, 32 logits of each of some rows, are near, each row
 * of them becomes three figures: the maximum, the sum of the exponentials, and
 * the sum. Rows are worked on as many at a time as a vector has lanes, so that
 * a vector has a figure of each. Once a tile is done, the figures of its panels
 * are added to the row's, in order: nothing depends on the thread that made a
 * panel.
 *
 * Logits that are larger than all before them move the maximum, to which sums
 * are relative (Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", 2018). The label is the first maximum if its logit is the largest,
 * no panel before its own has one as large, and no logit before it in its own.
 */
#include "kernels/cpu/token_rows.h"

#include <assert.h>
#include <math.h>

#include "kernels/cpu/conv_transpose.h"
#include "kernels/cpu/vec_exp.h"

/* A vector of the sum of each of VLEN vectors; or of the maximum of each. The
 * halves of two vectors, interleaved, become one that has half of either. */
INLINE vf fold(vf v[VLEN], const bool maxima)
{
    UNROLL
    for (int n = VLEN / 2; n > 0; n /= 2)
        UNROLL
        for (int i = 0; i < n; i++) {
            vf low = __builtin_shufflevector(v[i], v[i + n], CONV_LOW);
            vf high = __builtin_shufflevector(v[i], v[i + n], CONV_HIGH);

            if (maxima)
                v[i] = vf_larger(low, high);
            else
                v[i] = low + high;
        }
    return v[0];
}

/* A figure of the rows from `row` on, of a panel of the tile. */
static float *figures_at(const struct token_pass *t, enum token_figure figure,
                         int panel, size_t row)
{
    return t->figures + (size_t)(figure * token_panels(t->w) + panel)
                            * token_lanes(t->x) + row;
}

/* Some rows of a panel's logits: at most VLEN, n of `width` in use. */
struct logits {
    float *at;
    int rows, n, width;
};

/* Row i; the last row stands for those after it. */
static inline float *logits_row(const struct logits *l, int i)
{
    return l->at + int_min(i, l->rows - 1) * l->width;
}

static void pad_logits(const struct logits *l, float with)
{
    for (int i = 0; i < l->rows; i++)
        for (int k = l->n; k < l->width; k++)
            logits_row(l, i)[k] = with;
}

INLINE vf sums_of_rows(const struct logits *l, const int width)
{
    vf part[VLEN];

    for (int i = 0; i < VLEN; i++) {
        part[i] = vf_load(logits_row(l, i));
        UNROLL
        for (int k = VLEN; k < width; k += VLEN)
            part[i] += vf_load(logits_row(l, i) + k);
    }
    return fold(part, false);
}

INLINE vf maxima_of_rows(const struct logits *l, const int width)
{
    vf part[VLEN];

    for (int i = 0; i < VLEN; i++) {
        part[i] = vf_load(logits_row(l, i));
        UNROLL
        for (int k = VLEN; k < width; k += VLEN)
            part[i] = vf_larger(part[i], vf_load(logits_row(l, i) + k));
    }
    return fold(part, true);
}

INLINE vf exponentials_of_rows(const struct logits *l, vf maxima,
                               const int width)
{
    float max[VLEN];
    vf part[VLEN];

    vf_store(max, maxima);
    for (int i = 0; i < VLEN; i++) {
        part[i] = vf_set(0);
        UNROLL
        for (int k = 0; k < width; k += VLEN)
            part[i] += vf_exp(vf_load(logits_row(l, i) + k) - vf_set(max[i]));
    }
    return fold(part, false);
}

static void put_figures(float *to, vf figures, int rows)
{
    float figure[VLEN];

    vf_store(figure, figures);
    memcpy(to, figure, (size_t)rows * sizeof(*to));
}

INLINE void add_figures(const struct token_pass *t, const struct logits *l,
                        int panel, size_t row, const int width)
{
    vf maxima;

    pad_logits(l, 0);
    put_figures(figures_at(t, TOKEN_TOTAL, panel, row),
                sums_of_rows(l, width), l->rows);
    pad_logits(l, -INFINITY);
    maxima = maxima_of_rows(l, width);
    put_figures(figures_at(t, TOKEN_MAX, panel, row), maxima, l->rows);
    put_figures(figures_at(t, TOKEN_SUM, panel, row),
                exponentials_of_rows(l, maxima, width), l->rows);
}

/* Notes the logit of the label, one of some in a panel. */
static void note_label(struct token_row *r, const float *logits, int label)
{
    r->of_label = logits[label];
    r->leads = true;
    for (int i = 0; i < label; i++)
        r->leads &= logits[i] < logits[label];
}

static void store_figures(const struct product *p, struct range rows,
                          int column, int n, float *sum, int step)
{
    const struct token_pass *t = p->own;
    int panel = column / CONV_PANEL;

    for (size_t row = rows.begin; row < rows.end; row++) {
        int label = t->labels[row] - t->first - column;

        if (label >= 0 && label < n)
            note_label(&t->rows[row], sum + (row - rows.begin) * (size_t)step,
                       label);
    }
    for (size_t row = rows.begin; row < rows.end; row += VLEN) {
        struct logits l = { sum, int_min((int)(rows.end - row), VLEN), n,
                            step };

        if (step == CONV_PANEL)
            add_figures(t, &l, panel, row, CONV_PANEL);
        else
            add_figures(t, &l, panel, row, CONV_NARROW_PANEL);
        sum += VLEN * step;
    }
}

/* Whether the label of a row, in the tile, has the first logit that is as large
 * as the largest. */
static bool is_first(const struct token_pass *t, size_t row, float largest)
{
    int label = t->labels[row] - t->first;

    if (label < 0 || label >= TOKEN_TILE)
        return false;
    for (int i = 0; i < label / CONV_PANEL; i++)
        if (*figures_at(t, TOKEN_MAX, i, row) == largest)
            return false;
    return t->rows[row].leads && t->rows[row].of_label == largest;
}

/* Moves the maxima of rows from `row` on to those of a tile that are larger;
 * returns them. */
static vf move_maxima(const struct token_pass *t, size_t row, int rows, vf tile)
{
    float largest[VLEN], max[VLEN] = { 0 };

    vf_store(largest, tile);
    for (int i = 0; i < rows; i++) {
        struct token_row *r = &t->rows[row + (size_t)i];

        if (largest[i] > r->max) {
            r->hit = is_first(t, row + (size_t)i, largest[i]);
            r->sum *= exp((double)(r->max - largest[i]));
            r->max = largest[i];
        }
        max[i] = r->max;
    }
    return vf_load(max);
}

/* Adds the figures of some panels of at most VLEN rows. */
static void add_panels(const struct token_pass *t, size_t row, int rows,
                       int panels)
{
    vf high = vf_load(figures_at(t, TOKEN_MAX, 0, row));
    vf sum = vf_set(0), total = vf_set(0);
    float sums[VLEN], totals[VLEN];

    for (int i = 1; i < panels; i++)
        high = vf_larger(high, vf_load(figures_at(t, TOKEN_MAX, i, row)));
    high = move_maxima(t, row, rows, high);
    for (int i = 0; i < panels; i++) {
        sum += vf_load(figures_at(t, TOKEN_SUM, i, row))
               * vf_exp(vf_load(figures_at(t, TOKEN_MAX, i, row)) - high);
        total += vf_load(figures_at(t, TOKEN_TOTAL, i, row));
    }
    vf_store(sums, sum);
    vf_store(totals, total);
    for (int i = 0; i < rows; i++) {
        t->rows[row + (size_t)i].sum += (double)sums[i];
        t->rows[row + (size_t)i].total += (double)totals[i];
    }
}

/* Adds the figures of a tile of some columns. */
static void add_tile(const struct token_pass *t, int columns)
{
    int tokens = t->x->dim[0];
    int panels = (columns + CONV_PANEL - 1) / CONV_PANEL;

#pragma omp parallel for num_threads(t->call->threads) schedule(static)
    for (int row = 0; row < tokens; row += VLEN)
        add_panels(t, (size_t)row, int_min(tokens - row, VLEN), panels);
}

size_t KERNEL(token_logits_scratch)(const struct token_pass *t)
{
    struct token_pass last = *t;
    struct operand tile = token_tile(t, t->w), rest;
    struct product whole = token_logits(t, &tile), narrow;

    last.first = (t->w->dim[1] - 1) / TOKEN_TILE * TOKEN_TILE;
    rest = token_tile(&last, t->w);
    narrow = token_logits(&last, &rest);
    return round_up(size_max(KERNEL(product_scratch)(&whole),
                             KERNEL(product_scratch)(&narrow)),
                    CPU_ALIGNMENT);
}

void KERNEL(token_rows)(struct token_pass *t)
{
    for (int i = 0; i < t->x->dim[0]; i++) {
        assert(t->labels[i] >= 0 && t->labels[i] < t->w->dim[1]);
        t->rows[i] = (struct token_row){ .max = -INFINITY };
    }
    for (t->first = 0; t->first < t->w->dim[1]; t->first += TOKEN_TILE) {
        struct operand tile = token_tile(t, t->w);
        struct product p = token_logits(t, &tile);

        p.store = store_figures;
        p.own = t;
        KERNEL(product_run)(&p);
        add_tile(t, tile.dim[1]);
    }
}

static double loss_of(const struct token_row *r, int words,
                      struct token_weights weights)
{
    double log_sum = log(r->sum) + (double)r->max;

    return weights.of_label * (log_sum - (double)r->of_label)
           + weights.of_each * (words * log_sum - r->total);
}

void KERNEL(token_rows_add)(const struct token_pass *t,
                            struct token_weights weights, double *metrics)
{
    double loss = 0, hits = 0;

    for (int i = 0; i < t->x->dim[0]; i++) {
        loss += loss_of(&t->rows[i], t->w->dim[1], weights);
        hits += t->rows[i].hit;
    }
    metrics[METRIC_LOSS] += loss;
    metrics[METRIC_HITS] += hits;
}
