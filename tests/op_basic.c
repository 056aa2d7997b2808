/*
 * Loading, zeroing and reporting: cases and references.
 */
#include "tests/op_cases.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

static const struct shape any_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .nesterov = true },
    { MAP(2, 8, 8, 16), .parts = 3, .dtype = DTYPE_F64 },
    { MAP(3, 3, 17, 33), .nesterov = true, .dtype = DTYPE_I32 }
};

static void describe_load(struct problem *p)
{
    shape_map(p, LOAD_STREAM_0);
    shape_operand(p, LOAD_STREAM_1, DTYPE_I32, 1, p->shape->n);
}

static void describe_zero(struct problem *p)
{
    shape_map(p, ZERO_X);
    if (p->storage == DTYPE_F32)
        p->call.operand[ZERO_X].dtype = p->shape->dtype;
}

static void describe_report(struct problem *p)
{
    shape_operand(p, REPORT_METRICS, DTYPE_F64, 1, METRIC_COUNT);
    shape_operand(p, REPORT_TRANSLATIONS, DTYPE_I32, 2, p->shape->n, 9);
}

/* The data that the test's loader gives. */
void reference_load(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[LOAD_STREAM_0];
    size_t n = (size_t)x->dim[0], each = operand_elements(x) / n;

    for (size_t i = 0; i < n; i++) {
        int index = c->part->first.of[EXTENT_SAMPLES] + (int)i;

        for (size_t j = 0; j < each; j++)
            exact_set(&t[LOAD_STREAM_0], i * each + j,
                      index * 1000 + (int)(j % 1000), 0);
        exact_set(&t[LOAD_STREAM_1], i, index + 7, 0);
    }
}

void reference_zero(const struct call *c, struct exact *t)
{
    for (size_t i = 0; i < operand_elements(&c->operand[ZERO_X]); i++)
        exact_set(&t[ZERO_X], i, 0, 0);
}

void reference_report(const struct call *c, struct exact *t)
{
    (void)c;
    (void)t;
}

const struct subject subject_load = {
    SHAPES(any_shapes),
    .describe = describe_load
};

const struct subject subject_zero = {
    SHAPES(any_shapes),
    .describe = describe_zero
};

const struct subject subject_report = {
    SHAPES(any_shapes),
    .describe = describe_report
};
