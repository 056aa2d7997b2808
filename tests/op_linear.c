/*
 * A linear layer and its gradients: cases, references and objectives.
 */
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"
#include "tests/op_product.h"

/* The last two shapes are larger than the parts into which a product is cut: by
 * depth, in pairs of bf16 too, and all of them. */
static const struct shape linear_shapes[] = {
    { .n = 1, .c = 1, .co = 1 },
    { .n = 1, .c = 128, .co = 10, .floats = true },
    { .n = 7, .c = 17, .co = 33 },
    { .n = 3, .c = 33, .co = 1, .bare = true },
    { .n = 16, .c = 16, .co = 16, .floats = true, .bare = true },
    { .n = 2, .c = 3, .co = 17 },
    { .n = 53, .c = 40, .co = 48, .bare = true },
    { .n = 61, .c = 49, .co = 64, .floats = true },
    { .n = 100, .c = 136, .co = 72 },
    { .n = 389, .c = 33, .co = 40, .large = true },
    { .n = 300, .c = 530, .co = 272, .large = true }
};

static void describe_linear_slots(struct problem *p, int x, int w, int y)
{
    const struct shape *s = p->shape;
    enum dtype rows = s->floats ? DTYPE_F32 : p->storage;

    p->call.attr.linear.tf32 = p->with_tf32;
    shape_operand(p, x, rows, 2, s->n, s->c);
    shape_operand(p, w, p->storage, 2, s->c, s->co);
    shape_operand(p, y, rows, 2, s->n, s->co);
}

static void describe_bias(struct problem *p, int slot)
{
    if (!p->shape->bare)
        shape_operand(p, slot, DTYPE_F32, 1, p->shape->co);
}

static void describe_linear(struct problem *p)
{
    describe_linear_slots(p, LINEAR_X, LINEAR_W, LINEAR_Y);
    describe_bias(p, LINEAR_B);
}

static void describe_linear_dgrad(struct problem *p)
{
    describe_linear_slots(p, LINEAR_DGRAD_DX, LINEAR_DGRAD_W,
                          LINEAR_DGRAD_DY);
}

static void describe_linear_wgrad(struct problem *p)
{
    describe_linear_slots(p, LINEAR_WGRAD_X, LINEAR_WGRAD_DW,
                          LINEAR_WGRAD_DY);
    describe_bias(p, LINEAR_WGRAD_DB);
}

static struct reach linear_extent(const struct call *c, int x, int w)
{
    const int *dx = c->operand[x].dim, *dw = c->operand[w].dim;

    return (struct reach){ dx[0], 1, 1, dw[0], 1, 1, dw[1], 1, 1, 1, 0 };
}

void reference_linear(const struct call *c, struct exact *t)
{
    struct reach e = linear_extent(c, LINEAR_X, LINEAR_W);

    for (int n = 0; n < e.n; n++)
        for (int o = 0; o < e.co; o++) {
            size_t at = (size_t)(n * e.co + o);

            exact_set(&t[LINEAR_Y], at, 0, 0);
            if (operand_given(&c->operand[LINEAR_B]))
                exact_add(&t[LINEAR_Y], at, t[LINEAR_B].value[o]);
        }
    convolve(&e, (const struct exact *[]){ &t[LINEAR_X], &t[LINEAR_W],
                                           &t[LINEAR_Y] }, PRODUCT_Y);
}

void reference_linear_dgrad(const struct call *c, struct exact *t)
{
    struct reach e = linear_extent(c, LINEAR_DGRAD_DX, LINEAR_DGRAD_W);

    exact_start(c, t, LINEAR_DGRAD_DX, LINEAR_DGRAD_ADD);
    convolve(&e, (const struct exact *[]){ &t[LINEAR_DGRAD_DX],
                                           &t[LINEAR_DGRAD_W],
                                           &t[LINEAR_DGRAD_DY] }, PRODUCT_X);
}

void reference_linear_wgrad(const struct call *c, struct exact *t)
{
    struct reach e = linear_extent(c, LINEAR_WGRAD_X, LINEAR_WGRAD_DW);

    exact_go_on(c, t, LINEAR_WGRAD_DW);
    convolve(&e, (const struct exact *[]){ &t[LINEAR_WGRAD_X],
                                           &t[LINEAR_WGRAD_DW],
                                           &t[LINEAR_WGRAD_DY] }, PRODUCT_W);
    if (!operand_given(&c->operand[LINEAR_WGRAD_DB]))
        return;
    exact_go_on(c, t, LINEAR_WGRAD_DB);
    for (int n = 0; n < e.n; n++)
        for (int o = 0; o < e.co; o++)
            exact_add(&t[LINEAR_WGRAD_DB], (size_t)o,
                      t[LINEAR_WGRAD_DY].value[n * e.co + o]);
}

static double objective_linear_dgrad(const struct problem *p,
                                     double *const v[])
{
    return objective_of(p, v, OP_linear, (int[]){
        [LINEAR_X] = LINEAR_DGRAD_DX, [LINEAR_W] = LINEAR_DGRAD_W,
        [LINEAR_B] = -1, [LINEAR_Y] = LINEAR_DGRAD_DY
    }, LINEAR_Y);
}

static double objective_linear_wgrad(const struct problem *p,
                                     double *const v[])
{
    return objective_of(p, v, OP_linear, (int[]){
        [LINEAR_X] = LINEAR_WGRAD_X, [LINEAR_W] = LINEAR_WGRAD_DW,
        [LINEAR_B] = LINEAR_WGRAD_DB, [LINEAR_Y] = LINEAR_WGRAD_DY
    }, LINEAR_Y);
}

static const struct gradients gradients_linear_dgrad = {
    .objective = objective_linear_dgrad,
    .derivative = { { LINEAR_DGRAD_DX, LINEAR_DGRAD_DX } },
    .derivatives = 1
};

static const struct gradients gradients_linear_wgrad = {
    .objective = objective_linear_wgrad,
    .derivative = { { LINEAR_WGRAD_DW, LINEAR_WGRAD_DW },
                    { LINEAR_WGRAD_DB, LINEAR_WGRAD_DB } },
    .derivatives = 2
};

const struct subject subject_linear = {
    SHAPES(linear_shapes),
    .describe = describe_linear
};

const struct subject subject_linear_dgrad = {
    SHAPES(linear_shapes),
    .describe = describe_linear_dgrad,
    .add = LINEAR_DGRAD_ADD,
    .gradients = &gradients_linear_dgrad
};

const struct subject subject_linear_wgrad = {
    SHAPES(linear_shapes),
    .describe = describe_linear_wgrad,
    .gradients = &gradients_linear_wgrad
};
