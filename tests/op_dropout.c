/*
 * Dropout, which is its own gradient: cases, reference and objective.
 */
#include "kernels/dropout.h"
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_exact.h"
#include "tests/op_text.h"

static const struct shape dropout_shapes[] = {
    { .n = 1, .c = 1 },
    { .n = 5, .c = 19 },
    { SOURCE(2, 3), .c = 8 },
    { SOURCE(1), .c = 1, .rate = 0.5f },
    { SOURCE(1, 4, 2), .c = 3, .rate = 0.3f, .parts = 2 },
    { SOURCE(3, 1), .c = 12, .rate = 0.9f },
    { SOURCE(5, 1, 1, 2), .c = 16, .rate = 0.1f, .parts = 3 },
    { SOURCE(2, 7), .c = 33, .rate = 0.3f },
    { SOURCE(9, 4), .c = 128, .rate = 0.25f },
    { SOURCE(2, 3), .c = 267, .rate = 0.3f, .parts = 2 },
    { SOURCE(40, 1, 29), .c = 600, .rate = 0.2f, .large = true }
};

static void describe_dropout(struct problem *p)
{
    const struct shape *s = p->shape;

    p->call.attr.dropout = (struct dropping){ s->rate, 9 };
    if (s->sentences) {
        shape_ends(p, DROPOUT_ENDS);
        shape_text(p, DROPOUT_X, SIDE_SOURCE, s->c);
    } else {
        shape_map(p, DROPOUT_X);
    }
    p->call.operand[DROPOUT_Y] = p->call.operand[DROPOUT_X];
}

static void prepare_dropout(struct problem *p)
{
    prepare_ends(p, DROPOUT_ENDS, SIDE_SOURCE);
}

/* The factor of a channel of a row. */
static double factor(const struct call *c, const struct exact *ends, int row,
                     int channel)
{
    struct dropping rule = c->attr.dropout;
    struct dropout d = dropout_start(c->batch->seed, c->batch->step,
                                     rule.stream, rule.rate);
    int sentence = text_sentence(ends, row);
    struct philox draw = dropout_draw(
        &d, c->part->first.of[EXTENT_SAMPLES] + sentence,
        row - text_begin(ends, sentence), channel / DROPOUT_GROUP, 0);

    return (double)dropout_factor(&d, &draw, channel % DROPOUT_GROUP);
}

void reference_dropout(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[DROPOUT_X];
    int channels = x->dim[1];

    exact_start(c, t, DROPOUT_Y, DROPOUT_ADD);
    for (int i = 0; i < x->dim[0] * channels; i++) {
        double by = c->attr.dropout.rate > 0
                        ? factor(c, &t[DROPOUT_ENDS], i / channels,
                                 i % channels)
                        : 1;

        exact_add(&t[DROPOUT_Y], (size_t)i, t[DROPOUT_X].value[i] * by);
    }
}

/* x is the gradient of a dropout's result, and y that of its operand. */
static double objective_dropout(const struct problem *p, double *const v[])
{
    return objective_of(p, v, OP_dropout, (int[]){
        [DROPOUT_X] = DROPOUT_Y, [DROPOUT_ENDS] = DROPOUT_ENDS,
        [DROPOUT_ADD] = -1, [DROPOUT_Y] = DROPOUT_X
    }, DROPOUT_Y);
}

static const struct gradients gradients_dropout = {
    .objective = objective_dropout,
    .derivative = { { DROPOUT_Y, DROPOUT_Y } }, .derivatives = 1
};

const struct subject subject_dropout = {
    SHAPES(dropout_shapes),
    .describe = describe_dropout,
    .prepare = prepare_dropout,
    .add = DROPOUT_ADD,
    .gradients = &gradients_dropout
};
