/*
 * token_loss: cross-entropy of the softmax of the logits x w with smoothed
 * labels (fairseq's label_smoothed_cross_entropy), and its gradients with the
 * weight that a token has in the mean over the whole batch, times the loss
 * scale if there is one. Metrics are not scaled.
 *   in x (T, C), w (C, V), labels (T) int32, scale (LOSS_SCALE_COUNT) or empty
 *   update metrics (METRIC_COUNT) float64: sum of losses, number correct;
 *   dw (C, V)
 *   out dx (T, C)
 *
 * A first pass over the tiles of the vocabulary finds the figures of each
 * token's softmax (token_rows.h). A second one makes the logits of each tile
 * again. As they come from the product they become their gradients G; scratch
 * has room for those of one tile. Then dx += G w^T and dw += x^T G with the
 * tile's columns of w and dw. These sums of dw are whole, so dw is rounded
 * once.
 *
 * Those of dx are whole after the last tile only. Until then they are floats: a
 * dx of 16 bits holds their upper halves, and scratch the lower ones. The other
 * way, all tiles for some rows before the rows that follow, would make dx whole
 * at once. But then sums of dw, which is larger, would have to wait, or each
 * logit be made a third time.
 *
 * G is of floats. Where there are dot products of bf16, and x is of bf16, G is
 * rounded to bf16 too, as the gradient of any other layer's result is.
 *
 * scratch: a product's, the largest of the four; the rows' figures; G
 * (T, token_width()) in floats, in whose place the first pass has figures of
 * panels; lower halves (T, C), if needed.
 */
#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/token_rows.h"
#include "kernels/cpu/vec_exp.h"

/* The second pass: its tokens, and the gradients of the tile's logits. */
struct backward {
    struct token_pass pass;
    const struct operand *dw, *dx;
    struct token_weights weights; /* in the mean, times the loss scale */
    double of_token;              /* the sum of a token's weights, likewise */
    struct operand gradient;      /* (T, the tile's columns) */
    int gradient_step;
    uint16_t *low;                /* halves of dx, (T, C) */
};

static void store_gradient(const struct product *p, struct range rows,
                           int column, int n, float *sum, int step)
{
    const struct backward *b = p->own;
    const struct operand *to = &b->gradient;

    for (size_t row = rows.begin; row < rows.end; row++, sum += step) {
        const struct token_row *r = &b->pass.rows[row];
        int label = b->pass.labels[row] - b->pass.first - column;
        float factor = (float)(b->of_token / r->sum);
        float each = (float)b->weights.of_each;

        for (int i = 0; i < step; i += VLEN)
            vf_store(sum + i, vf_exp(vf_load(sum + i) - vf_set(r->max))
                              * factor - each);
        if (label >= 0 && label < n)
            sum[label] -= (float)b->weights.of_label;
        DTYPE_SWITCH(to->dtype, conv_store, to->data, NULL,
                     row * (size_t)b->gradient_step + (size_t)column, sum, n);
    }
}

static void make_gradient(struct backward *b)
{
    struct operand tile = token_tile(&b->pass, b->pass.w);
    struct product p = token_logits(&b->pass, &tile);

    b->gradient.dim[1] = tile.dim[1];
    p.c = &b->gradient;
    p.c_step = b->gradient_step;
    p.store = store_gradient;
    p.own = b;
    KERNEL(product_run)(&p);
}

/* Adds n floats whose halves are in two arrays to sums. */
static void add_halves(const uint16_t *low, const uint16_t *high, float *sum,
                       int n)
{
    int i = 0;

    for (; i + VLEN <= n; i += VLEN)
        vf_store(sum + i,
                 vf_load(sum + i) + vf_load_pairs(low + i, high + i));
    for (; i < n; i++)
        sum[i] += float_of_bits(low[i] | (uint32_t)high[i] << 16);
}

static void keep_halves(uint16_t *low, uint16_t *high, const float *sum, int n)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        uint32_t bits = float_bits(sum[i]);

        low[i] = (uint16_t)bits;
        high[i] = (uint16_t)(bits >> 16);
    }
}

/* Adds to dx, or begins it with the first tile. */
static void store_floats(const struct product *p, struct range rows,
                         int column, int n, float *sum, int step)
{
    const struct backward *b = p->own;
    float *dx = b->dx->data;

    for (size_t row = rows.begin; row < rows.end; row++, sum += step)
        conv_store(DTYPE_F32, dx, b->pass.first > 0 ? dx : NULL,
                   row * (size_t)p->columns + (size_t)column, sum, n);
}

/* The same in 16 bits, to which the last tile's sums are rounded. */
static void store_halves(const struct product *p, struct range rows,
                         int column, int n, float *sum, int step)
{
    const struct backward *b = p->own;
    bool last = b->pass.first + TOKEN_TILE >= b->pass.w->dim[1];

    for (size_t row = rows.begin; row < rows.end; row++, sum += step) {
        size_t at = row * (size_t)p->columns + (size_t)column;
        uint16_t *high = (uint16_t *)b->dx->data + at;

        if (b->pass.first > 0)
            add_halves(b->low + at, high, sum, n);
        if (last)
            KERNEL(stage_narrow)(b->dx->dtype, sum, high, (size_t)n);
        else
            keep_halves(b->low + at, high, sum, n);
    }
}

static struct product product_for_x(const struct backward *b,
                                    const struct operand *tile)
{
    return (struct product){
        .call = b->pass.call, .a = &b->gradient, .a_step = b->gradient_step,
        .b = tile, .b_step = b->pass.w->dim[1], .b_turned = true, .c = b->dx,
        .rows = b->dx->dim[0], .depth = tile->dim[1],
        .columns = b->dx->dim[1],
        .store = b->dx->dtype == DTYPE_F32 ? store_floats : store_halves,
        .own = b
    };
}

static void store_weights(const struct product *p, struct range rows,
                          int column, int n, float *sum, int step)
{
    void *dw = p->c->data;

    for (size_t row = rows.begin; row < rows.end; row++, sum += step)
        DTYPE_SWITCH(p->c->dtype, conv_store, dw, dw,
                     row * (size_t)p->c_step + (size_t)column, sum, n);
}

static struct product product_for_w(const struct backward *b,
                                    const struct operand *tile)
{
    return (struct product){
        .call = b->pass.call, .a = b->pass.x, .a_turned = true,
        .b = &b->gradient, .b_step = b->gradient_step, .c = tile,
        .c_step = b->dw->dim[1], .rows = b->dw->dim[0],
        .depth = b->dx->dim[0], .columns = tile->dim[1],
        .store = store_weights
    };
}

static void add_gradients(struct backward *b)
{
    struct operand w = token_tile(&b->pass, b->pass.w);
    struct operand dw = token_tile(&b->pass, b->dw);
    struct product for_x = product_for_x(b, &w);
    struct product for_w = product_for_w(b, &dw);

    KERNEL(product_run)(&for_x);
    KERNEL(product_run)(&for_w);
}

/* Without the memory that it works in. */
static struct backward backward_of(const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[TOKEN_LOSS_X];
    int width = token_width(&o[TOKEN_LOSS_W]);
    bool pairs = VF_DOTS && x->dtype == DTYPE_BF16;

    return (struct backward){
        .pass = { .call = c, .x = x, .w = &o[TOKEN_LOSS_W],
                  .labels = o[TOKEN_LOSS_LABELS].data },
        .dw = &o[TOKEN_LOSS_DW], .dx = &o[TOKEN_LOSS_DX],
        .gradient = { .dtype = pairs ? DTYPE_BF16 : DTYPE_F32, .rank = 2,
                      .dim = { x->dim[0], width } },
        .gradient_step = pairs ? 2 * width : width
    };
}

/* Sizes of the parts of scratch, bytes. */
struct loss_sizes {
    size_t product, rows, gradient, low;
};

/* Of a product with a tile's gradients: for the first tile, or the last. */
static size_t gradients_scratch(struct backward b, int first)
{
    struct operand w, dw;
    struct product for_x, for_w;

    b.pass.first = first;
    w = token_tile(&b.pass, b.pass.w);
    dw = token_tile(&b.pass, b.dw);
    for_x = product_for_x(&b, &w);
    for_w = product_for_w(&b, &dw);
    return size_max(KERNEL(product_scratch)(&for_x),
                    KERNEL(product_scratch)(&for_w));
}

static struct loss_sizes scratch_sizes(const struct call *c)
{
    struct backward b = backward_of(c);
    int words = b.pass.w->dim[1];
    int last = (words - 1) / TOKEN_TILE * TOKEN_TILE;
    size_t gradients = size_max(gradients_scratch(b, 0),
                                gradients_scratch(b, last));
    bool halves = b.dx->dtype != DTYPE_F32 && words > TOKEN_TILE;

    return (struct loss_sizes){
        round_up(size_max(KERNEL(token_logits_scratch)(&b.pass), gradients),
                 CPU_ALIGNMENT),
        token_rows_bytes(b.pass.x),
        size_max((size_t)(b.pass.x->dim[0] * token_width(b.pass.w))
                     * sizeof(float),
                 token_figures_bytes(b.pass.x, b.pass.w)),
        halves ? operand_bytes(b.dx) : 0
    };
}

size_t KERNEL(token_loss_scratch)(const struct call *c)
{
    struct loss_sizes sizes = scratch_sizes(c);

    return sizes.product + sizes.rows + sizes.gradient + sizes.low;
}

/* Gives parts of scratch to the two passes. */
static void lay_out(struct backward *b)
{
    struct loss_sizes sizes = scratch_sizes(b->pass.call);
    char *at = (char *)b->pass.call->scratch + sizes.product;

    b->pass.rows = (void *)at;
    at += sizes.rows;
    b->pass.figures = (void *)at;
    b->gradient.data = at;
    b->low = (void *)(at + sizes.gradient);
}

void KERNEL(token_loss)(const struct call *c)
{
    const struct operand *o = c->operand, *scale = &o[TOKEN_LOSS_SCALE];
    struct backward b = backward_of(c);
    int words = b.pass.w->dim[1];
    double factor = operand_given(scale)
                    ? (double)((const float *)scale->data)[LOSS_SCALE_FACTOR]
                    : 1;
    struct token_weights weights =
        token_weights((double)c->attr.token_loss.smoothing, words);

    lay_out(&b);
    b.of_token = factor / c->batch->terms;
    b.weights = (struct token_weights){ weights.of_label * b.of_token,
                                        weights.of_each * b.of_token };
    KERNEL(token_rows)(&b.pass);
    KERNEL(token_rows_add)(&b.pass, weights, o[TOKEN_LOSS_METRICS].data);
    for (b.pass.first = 0; b.pass.first < words;
         b.pass.first += TOKEN_TILE) {
        make_gradient(&b);
        add_gradients(&b);
    }
}
