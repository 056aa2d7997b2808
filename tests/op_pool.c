/*
 * Average pooling and its gradient: cases, references and objective.
 */
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

static const struct shape pool_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17) },
    { MAP(2, 8, 1, 33) }
};

static void describe_avg_pool(struct problem *p)
{
    shape_map(p, AVG_POOL_X);
    shape_operand(p, AVG_POOL_Y, DTYPE_F32, 2, p->shape->n, p->shape->c);
}

static void describe_avg_pool_grad(struct problem *p)
{
    shape_operand(p, AVG_POOL_GRAD_DY, DTYPE_F32, 2, p->shape->n,
                  p->shape->c);
    shape_map(p, AVG_POOL_GRAD_DX);
}

/* The element of (N, C) that element i of (N, H, W, C) belongs to. */
static size_t pooled(const struct operand *x, size_t i)
{
    size_t channels = (size_t)x->dim[3];

    return i / (channels * (size_t)x->dim[1] * (size_t)x->dim[2]) * channels
           + i % channels;
}

void reference_avg_pool(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[AVG_POOL_X];
    double positions = x->dim[1] * x->dim[2];

    for (size_t i = 0; i < operand_elements(&c->operand[AVG_POOL_Y]); i++)
        exact_set(&t[AVG_POOL_Y], i, 0, 0);
    for (size_t i = 0; i < operand_elements(x); i++)
        exact_add_with(&t[AVG_POOL_Y], pooled(x, i),
                       t[AVG_POOL_X].value[i] / positions,
                       t[AVG_POOL_X].magnitude[i] / positions);
}

void reference_avg_pool_grad(const struct call *c, struct exact *t)
{
    const struct operand *dx = &c->operand[AVG_POOL_GRAD_DX];
    double positions = dx->dim[1] * dx->dim[2];

    exact_start(c, t, AVG_POOL_GRAD_DX, AVG_POOL_GRAD_ADD);
    for (size_t i = 0; i < operand_elements(dx); i++)
        exact_add(&t[AVG_POOL_GRAD_DX], i,
                  t[AVG_POOL_GRAD_DY].value[pooled(dx, i)] / positions);
}

static double objective_avg_pool_grad(const struct problem *p,
                                      double *const v[])
{
    return objective_of(p, v, OP_avg_pool, (int[]){
        [AVG_POOL_X] = AVG_POOL_GRAD_DX, [AVG_POOL_Y] = AVG_POOL_GRAD_DY
    }, AVG_POOL_Y);
}

static const struct gradients gradients_avg_pool_grad = {
    .objective = objective_avg_pool_grad,
    .derivative = { { AVG_POOL_GRAD_DX, AVG_POOL_GRAD_DX } },
    .derivatives = 1
};

const struct subject subject_avg_pool = {
    SHAPES(pool_shapes),
    .describe = describe_avg_pool
};

const struct subject subject_avg_pool_grad = {
    SHAPES(pool_shapes),
    .describe = describe_avg_pool_grad,
    .add = AVG_POOL_GRAD_ADD,
    .gradients = &gradients_avg_pool_grad
};
