/*
 * Convolution and its gradients: cases, references and objectives.
 */
#include "tests/op_batch_norm.h"
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"
#include "tests/op_product.h"

#define TO(kh_, kw_, co_) .kh = kh_, .kw = kw_, .co = co_

static const struct shape conv_shapes[] = {
    { MAP(1, 1, 1, 1), TO(1, 1, 1), .stride = 1 },
    { MAP(1, 1, 1, 3), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(1, 5, 7, 3), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(2, 8, 8, 16), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(3, 7, 5, 17), TO(3, 3, 33), .stride = 1, .pad = 1 },
    { MAP(1, 8, 8, 33), TO(3, 3, 1), .stride = 1, .pad = 1 },
    { MAP(1, 8, 8, 1), TO(3, 3, 17), .stride = 1, .pad = 1 },
    { MAP(2, 8, 8, 16), TO(3, 3, 33), .stride = 2, .pad = 1 },
    { MAP(1, 5, 7, 33), TO(3, 3, 17), .stride = 2, .pad = 1 },
    { MAP(2, 1, 8, 16), TO(3, 3, 16), .stride = 2, .pad = 1 },
    { MAP(2, 7, 8, 17), TO(1, 1, 16), .stride = 1 },
    { MAP(2, 8, 7, 16), TO(1, 1, 32), .stride = 2 },
    { MAP(2, 9, 8, 70), TO(1, 1, 80), .stride = 2 },
    { MAP(2, 9, 8, 48), TO(3, 3, 80), .stride = 2, .pad = 1 },
    { MAP(5, 1, 1, 16), TO(1, 1, 3), .stride = 1 },
    { MAP(1, 7, 7, 3), TO(3, 3, 5), .stride = 1 },
    { MAP(1, 8, 7, 3), TO(5, 5, 16), .stride = 1, .pad = 2 },
    { MAP(1, 7, 8, 3), TO(1, 3, 16), .stride = 3, .pad = 1 },
    { MAP(2, 6, 6, 4), TO(2, 2, 4), .stride = 2 },
    { MAP(2, 9, 9, 5), TO(3, 3, 3), .stride = 1, .pad = 1 },
    { MAP(2, 16, 16, 64), TO(3, 3, 80), .stride = 1, .pad = 1, .large = true },
    { MAP(3, 17, 16, 48), TO(3, 3, 64), .stride = 2, .pad = 1, .large = true },
    { MAP(1, 4, 4, 300), TO(3, 3, 136), .stride = 1, .pad = 1, .large = true },
    /* Three parts, by the device's product for few rows. */
    { MAP(9, 16, 9, 3), TO(3, 3, 16), .stride = 1, .pad = 1, .large = true },
    /* Images as wide as the device's tiles with a halo hold, and wider ones;
     * more than one tile of channels, and lines that do not fill a tile. */
    { MAP(2, 3, 32, 64), TO(3, 3, 32), .stride = 1, .pad = 1, .large = true },
    { MAP(1, 4, 33, 32), TO(3, 3, 64), .stride = 1, .pad = 1, .large = true },
    { MAP(3, 7, 9, 96), TO(3, 3, 32), .stride = 1, .pad = 1, .large = true },
    /* By squares on a few threads, by taps on more: winograd.h. */
    { MAP(8, 16, 16, 16), TO(3, 3, 16), .stride = 1, .pad = 1, .large = true },
    { MAP(4, 10, 18, 48), TO(3, 3, 80), .stride = 1, .pad = 1, .large = true },
    { MAP(12, 8, 8, 96), TO(3, 3, 96), .stride = 1, .pad = 1, .large = true },
    { MAP(64, 4, 4, 32), TO(3, 3, 32), .stride = 1, .pad = 1, .large = true },
    /* Two panels for each of two threads. */
    { MAP(4, 10, 18, 32), TO(3, 3, 128), .stride = 1, .pad = 1, .large = true }
};

static void describe_conv_slots(struct problem *p, int x, int w, int y)
{
    const struct shape *s = p->shape;

    p->call.attr.conv.stride = s->stride;
    p->call.attr.conv.pad = s->pad;
    p->call.attr.conv.tf32 = p->with_tf32;
    shape_operand(p, x, p->storage, 4, s->n, s->h, s->w, s->c);
    shape_operand(p, w, p->storage, 4, s->kh, s->kw, s->c, s->co);
    shape_operand(p, y, p->storage, 4, s->n,
                  (s->h + 2 * s->pad - s->kh) / s->stride + 1,
                  (s->w + 2 * s->pad - s->kw) / s->stride + 1, s->co);
}

static void describe_conv(struct problem *p)
{
    describe_conv_slots(p, CONV_X, CONV_W, CONV_Y);
    shape_sums(p, CONV_SUMS, CONV_Y);
}

static void describe_conv_dgrad(struct problem *p)
{
    describe_conv_slots(p, CONV_DGRAD_DX, CONV_DGRAD_W, CONV_DGRAD_DY);
    shape_sums(p, CONV_DGRAD_SUMS, CONV_DGRAD_DX);
    if (p->tile_rows) {
        shape_map(p, CONV_DGRAD_X);
        shape_operand(p, CONV_DGRAD_STAT, DTYPE_F32, 2, STAT_ROWS,
                      p->shape->c);
    }
}

static void describe_conv_wgrad(struct problem *p)
{
    describe_conv_slots(p, CONV_WGRAD_X, CONV_WGRAD_DW, CONV_WGRAD_DY);
}

static void prepare_conv_dgrad(struct problem *p)
{
    if (p->tile_rows)
        prepare_stat(p, CONV_DGRAD_X, CONV_DGRAD_STAT);
}

static struct reach conv_extent(const struct call *c, int x, int w, int y)
{
    const int *dx = c->operand[x].dim, *dw = c->operand[w].dim;
    const int *dy = c->operand[y].dim;

    return (struct reach){
        .n = dx[0], .h = dx[1], .w = dx[2], .ci = dx[3],
        .kh = dw[0], .kw = dw[1], .co = dw[3], .ho = dy[1], .wo = dy[2],
        .stride = c->attr.conv.stride, .pad = c->attr.conv.pad
    };
}

void reference_conv(const struct call *c, struct exact *t)
{
    struct reach e = conv_extent(c, CONV_X, CONV_W, CONV_Y);
    const struct operand *y = &c->operand[CONV_Y];

    exact_start(c, t, CONV_Y, CONV_ADD);
    convolve(&e, (const struct exact *[]){ &t[CONV_X], &t[CONV_W],
                                           &t[CONV_Y] }, PRODUCT_Y);
    if (operand_given(&c->operand[CONV_SUMS]))
        moments_reference(&t[CONV_Y], operand_rows(y), y->dim[3],
                          tile_rows_of(&c->operand[CONV_SUMS]),
                          &t[CONV_SUMS]);
}

void reference_conv_dgrad(const struct call *c, struct exact *t)
{
    struct reach e = conv_extent(c, CONV_DGRAD_DX, CONV_DGRAD_W,
                                  CONV_DGRAD_DY);
    const struct operand *dx = &c->operand[CONV_DGRAD_DX];

    exact_start(c, t, CONV_DGRAD_DX, CONV_DGRAD_ADD);
    convolve(&e, (const struct exact *[]){ &t[CONV_DGRAD_DX],
                                           &t[CONV_DGRAD_W],
                                           &t[CONV_DGRAD_DY] }, PRODUCT_X);
    if (operand_given(&c->operand[CONV_DGRAD_SUMS]))
        gradient_sums_reference(&t[CONV_DGRAD_DX], t[CONV_DGRAD_X].value,
                                t[CONV_DGRAD_STAT].value, operand_rows(dx),
                                dx->dim[3],
                                tile_rows_of(&c->operand[CONV_DGRAD_SUMS]),
                                &t[CONV_DGRAD_SUMS]);
}

void reference_conv_wgrad(const struct call *c, struct exact *t)
{
    struct reach e = conv_extent(c, CONV_WGRAD_X, CONV_WGRAD_DW,
                                  CONV_WGRAD_DY);

    exact_go_on(c, t, CONV_WGRAD_DW);
    convolve(&e, (const struct exact *[]){ &t[CONV_WGRAD_X],
                                           &t[CONV_WGRAD_DW],
                                           &t[CONV_WGRAD_DY] }, PRODUCT_W);
}

static double objective_conv_dgrad(const struct problem *p, double *const v[])
{
    return objective_of(p, v, OP_conv, (int[]){
        [CONV_X] = CONV_DGRAD_DX, [CONV_W] = CONV_DGRAD_W, [CONV_ADD] = -1,
        [CONV_Y] = CONV_DGRAD_DY
    }, CONV_Y);
}

static double objective_conv_wgrad(const struct problem *p, double *const v[])
{
    return objective_of(p, v, OP_conv, (int[]){
        [CONV_X] = CONV_WGRAD_X, [CONV_W] = CONV_WGRAD_DW, [CONV_ADD] = -1,
        [CONV_Y] = CONV_WGRAD_DY
    }, CONV_Y);
}

static const struct gradients gradients_conv_dgrad = {
    .objective = objective_conv_dgrad,
    .derivative = { { CONV_DGRAD_DX, CONV_DGRAD_DX } }, .derivatives = 1
};

static const struct gradients gradients_conv_wgrad = {
    .objective = objective_conv_wgrad,
    .derivative = { { CONV_WGRAD_DW, CONV_WGRAD_DW } }, .derivatives = 1
};

const struct subject subject_conv = {
    SHAPES(conv_shapes),
    .describe = describe_conv,
    .add = CONV_ADD,
    .sums = CONV_SUMS
};

const struct subject subject_conv_dgrad = {
    SHAPES(conv_shapes),
    .describe = describe_conv_dgrad,
    .prepare = prepare_conv_dgrad,
    .add = CONV_DGRAD_ADD,
    .sums = CONV_DGRAD_SUMS,
    .gradients = &gradients_conv_dgrad
};

const struct subject subject_conv_wgrad = {
    SHAPES(conv_shapes),
    .describe = describe_conv_wgrad,
    .gradients = &gradients_conv_wgrad
};
