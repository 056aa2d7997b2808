/*
 * relu and its gradient: cases, references and objective.
 */
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

static const struct shape relu_shapes[] = {
    { .n = 1, .c = 1 },
    { .n = 1, .c = 1, .overflow = true },
    { .n = 5, .c = 7 },
    { .n = 12, .c = 16, .overflow = true },
    { .n = 3, .h = 4, .w = 5, .c = 33 },
    { .n = 9, .c = 64 },
    { .n = 70, .c = 1024, .large = true }
};

static void describe_relu(struct problem *p)
{
    shape_map(p, RELU_X);
    shape_map(p, RELU_Y);
}

static void describe_relu_grad(struct problem *p)
{
    shape_map(p, RELU_GRAD_DY);
    shape_map(p, RELU_GRAD_Y);
    shape_map(p, RELU_GRAD_DX);
}

/* A NaN, and zeros of both signs between others. */
static void prepare_relu(struct problem *p)
{
    double *x = p->before[RELU_X].value;
    size_t n = operand_elements(&p->call.operand[RELU_X]);

    for (size_t i = 1; i < n; i += 4)
        x[i] = copysign(0, x[i]);
    if (p->shape->overflow)
        x[n - 1] = NAN;
}

/* A relu's result. */
static void prepare_relu_grad(struct problem *p)
{
    double *y = p->before[RELU_GRAD_Y].value;
    size_t n = operand_elements(&p->call.operand[RELU_GRAD_Y]);

    for (size_t i = 0; i < n; i++)
        y[i] = y[i] < 0.02 ? 0 : y[i];
}

void reference_relu(const struct call *c, struct exact *t)
{
    for (size_t i = 0; i < operand_elements(&c->operand[RELU_X]); i++) {
        double x = t[RELU_X].value[i];

        exact_set(&t[RELU_Y], i, x < 0 ? 0 : x, 0);
    }
}

void reference_relu_grad(const struct call *c, struct exact *t)
{
    exact_start(c, t, RELU_GRAD_DX, RELU_GRAD_ADD);
    for (size_t i = 0; i < operand_elements(&c->operand[RELU_GRAD_DY]); i++)
        if (t[RELU_GRAD_Y].value[i] > 0)
            exact_add(&t[RELU_GRAD_DX], i, t[RELU_GRAD_DY].value[i]);
}

/* The operand is y, or -1 where that is 0, moved by v[dx]. */
static double objective_relu_grad(const struct problem *p, double *const v[])
{
    const double *y = v[RELU_GRAD_Y];
    double sum = 0;

    for (size_t i = 0; i < operand_elements(&p->call.operand[RELU_GRAD_Y]);
         i++)
        sum += v[RELU_GRAD_DY][i]
               * fmax((y[i] > 0 ? y[i] : -1) + v[RELU_GRAD_DX][i], 0);
    return sum;
}

static const struct gradients gradients_relu_grad = {
    .objective = objective_relu_grad,
    .derivative = { { RELU_GRAD_DX, RELU_GRAD_DX } }, .derivatives = 1
};

const struct subject subject_relu = {
    SHAPES(relu_shapes),
    .describe = describe_relu,
    .prepare = prepare_relu
};

const struct subject subject_relu_grad = {
    SHAPES(relu_shapes),
    .describe = describe_relu_grad,
    .prepare = prepare_relu_grad,
    .add = RELU_GRAD_ADD,
    .gradients = &gradients_relu_grad
};
