/*
 * Dynamic convolution and its gradients: cases, references and objectives.
 * Rows are the tokens of the source.
 */
#include <stdlib.h>

#include "kernels/dropout.h"
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_exact.h"
#include "tests/op_text.h"

#define TEXT(...) \
    .source = { __VA_ARGS__ }, \
    .sentences = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)

static const struct shape shapes[] = {
    { TEXT(1), .c = 1, .heads = 1, .taps = 1 },
    { TEXT(1, 5, 2), .c = 6, .heads = 2, .taps = 3 },
    { TEXT(3, 1, 6), .c = 4, .heads = 4, .taps = 2, .causal = true },
    { TEXT(7, 2, 4), .c = 33, .heads = 3, .taps = 4, .causal = true,
      .rate = 0.1f, .parts = 3 },
    { TEXT(1, 30, 8, 3), .c = 64, .heads = 4, .taps = 7, .rate = 0.3f,
      .parts = 2 },
    { TEXT(9, 12), .c = 20, .heads = 1, .taps = 6 },
    { TEXT(9, 12), .c = 20, .heads = 1, .taps = 5, .offset = 20 },
    { TEXT(40, 2, 17), .c = 40, .heads = 1, .taps = 31, .causal = true },
    { TEXT(13, 1, 66), .c = 192, .heads = 3, .taps = 3, .rate = 0.2f,
      .large = true },
    { TEXT(70, 9), .c = 136, .heads = 2, .taps = 15, .rate = 0.1f,
      .parts = 2, .large = true },
    { TEXT(3, 20), .c = 24, .heads = 3, .taps = 255, .rate = 0.5f,
      .parts = 2 },
    { TEXT(90, 25, 33), .c = 300, .heads = 2, .taps = 31, .rate = 0.1f,
      .large = true },
    { TEXT(150), .c = 16, .heads = 1, .taps = 100, .causal = true,
      .large = true }
};

static void describe(struct problem *p, int ends, int logits)
{
    const struct shape *s = p->shape;

    p->call.attr.dynconv.heads = s->heads;
    p->call.attr.dynconv.taps = s->taps;
    p->call.attr.dynconv.causal = s->causal;
    p->call.attr.dynconv.dropout = (struct dropping){ s->rate, 9 };
    shape_ends(p, ends);
    shape_text(p, logits, SIDE_SOURCE, s->heads * s->taps);
}

static void describe_dynconv(struct problem *p)
{
    describe(p, DYNCONV_ENDS, DYNCONV_LOGITS);
    shape_text(p, DYNCONV_X, SIDE_SOURCE, p->shape->c);
    shape_text(p, DYNCONV_Y, SIDE_SOURCE, p->shape->c);
}

static void describe_dynconv_dgrad(struct problem *p)
{
    describe(p, DYNCONV_DGRAD_ENDS, DYNCONV_DGRAD_LOGITS);
    shape_text(p, DYNCONV_DGRAD_DY, SIDE_SOURCE, p->shape->c);
    shape_text(p, DYNCONV_DGRAD_DX, SIDE_SOURCE, p->shape->c);
}

static void describe_dynconv_wgrad(struct problem *p)
{
    describe(p, DYNCONV_WGRAD_ENDS, DYNCONV_WGRAD_LOGITS);
    shape_text(p, DYNCONV_WGRAD_DY, SIDE_SOURCE, p->shape->c);
    shape_text(p, DYNCONV_WGRAD_X, SIDE_SOURCE, p->shape->c);
    p->call.operand[DYNCONV_WGRAD_DLOGITS]
        = p->call.operand[DYNCONV_WGRAD_LOGITS];
}

/* Logits that lie further apart than those of other tests, so that a softmax is
 * not nearly uniform. */
static void spread(struct problem *p, int logits)
{
    size_t n = operand_elements(&p->call.operand[logits]);

    for (size_t i = 0; i < n; i++)
        p->before[logits].value[i] *= 3;
}

static void prepare_dynconv(struct problem *p)
{
    prepare_ends(p, DYNCONV_ENDS, SIDE_SOURCE);
    spread(p, DYNCONV_LOGITS);
}

static void prepare_dynconv_dgrad(struct problem *p)
{
    prepare_ends(p, DYNCONV_DGRAD_ENDS, SIDE_SOURCE);
    spread(p, DYNCONV_DGRAD_LOGITS);
}

static void prepare_dynconv_wgrad(struct problem *p)
{
    prepare_ends(p, DYNCONV_WGRAD_ENDS, SIDE_SOURCE);
    spread(p, DYNCONV_WGRAD_LOGITS);
}

/* The tensors of one of the three operations, by their part in the forward
 * one. */
struct convolution {
    const struct call *call;
    const double *logits;
    const struct exact *ends;
    int rows, channels, heads, taps, pad;
    double *softmax, *factor; /* of row t, head h, tap k */
};

static size_t weight_at(const struct convolution *v, int t, int h, int k)
{
    return ((size_t)t * (size_t)v->heads + (size_t)h) * (size_t)v->taps
           + (size_t)k;
}

static void fill_softmax(struct convolution *v, int t, int h)
{
    const double *logit = v->logits + weight_at(v, t, h, 0);
    double *p = v->softmax + weight_at(v, t, h, 0), sum = 0;

    for (int k = 0; k < v->taps; k++)
        sum += exp(logit[k]);
    for (int k = 0; k < v->taps; k++)
        p[k] = exp(logit[k]) / sum;
}

static void fill_factors(struct convolution *v, int t, int h)
{
    const struct call *c = v->call;
    struct dropping rule = c->attr.dynconv.dropout;
    struct dropout d = dropout_start(c->batch->seed, c->batch->step,
                                     rule.stream, rule.rate);
    int sentence = text_sentence(v->ends, t);

    for (int k = 0; k < v->taps; k++) {
        int element = h * v->taps + k;
        struct philox draw = dropout_draw(
            &d, c->part->first.of[EXTENT_SAMPLES] + sentence,
            t - text_begin(v->ends, sentence), element / DROPOUT_GROUP, 0);

        v->factor[weight_at(v, t, h, k)]
            = (double)dropout_factor(&d, &draw, element % DROPOUT_GROUP);
    }
}

static struct convolution convolution_new(const struct call *c,
                                          const struct exact *t, int x,
                                          int logits, int ends)
{
    const struct operand *o = &c->operand[x];
    int taps = c->attr.dynconv.taps, heads = c->attr.dynconv.heads;
    size_t n = operand_elements(&c->operand[logits]);
    struct convolution v = {
        c, t[logits].value, &t[ends], o->dim[0], o->dim[1], heads, taps,
        c->attr.dynconv.causal ? taps - 1 : taps / 2,
        calloc(n, sizeof(double)), calloc(n, sizeof(double))
    };

    for (int i = 0; i < v.rows * heads; i++) {
        fill_softmax(&v, i / heads, i % heads);
        fill_factors(&v, i / heads, i % heads);
    }
    return v;
}

static void convolution_free(struct convolution *v)
{
    free(v->softmax);
    free(v->factor);
}

/* Calls f for every product of a weight and an element of x that an element of
 * y sums. */
static void each_product(const struct convolution *v, const struct exact *t,
                         void (*f)(const struct exact *t, size_t weight,
                                   double value, size_t x, size_t y))
{
    for (int row = 0; row < v->rows; row++) {
        int sentence = text_sentence(v->ends, row);

        for (int k = 0; k < v->taps; k++) {
            int from = row + k - v->pad;

            if (from < text_begin(v->ends, sentence)
                || from >= (int)v->ends->value[sentence])
                continue;
            for (int i = 0; i < v->channels; i++) {
                size_t at = weight_at(v, row,
                                      i / (v->channels / v->heads), k);

                f(t, at, v->softmax[at] * v->factor[at],
                  (size_t)(from * v->channels + i),
                  (size_t)(row * v->channels + i));
            }
        }
    }
}

static void add_to_y(const struct exact *t, size_t weight, double value,
                     size_t x, size_t y)
{
    (void)weight;
    exact_add(&t[DYNCONV_Y], y, value * t[DYNCONV_X].value[x]);
}

void reference_dynconv(const struct call *c, struct exact *t)
{
    struct convolution v = convolution_new(c, t, DYNCONV_X, DYNCONV_LOGITS,
                                           DYNCONV_ENDS);

    each_product(&v, t, add_to_y);
    convolution_free(&v);
}

static void add_to_dx(const struct exact *t, size_t weight, double value,
                      size_t x, size_t y)
{
    (void)weight;
    exact_add(&t[DYNCONV_DGRAD_DX], x, value * t[DYNCONV_DGRAD_DY].value[y]);
}

void reference_dynconv_dgrad(const struct call *c, struct exact *t)
{
    struct convolution v = convolution_new(
        c, t, DYNCONV_DGRAD_DY, DYNCONV_DGRAD_LOGITS, DYNCONV_DGRAD_ENDS);

    exact_start(c, t, DYNCONV_DGRAD_DX, DYNCONV_DGRAD_ADD);
    each_product(&v, t, add_to_dx);
    convolution_free(&v);
}

/* The gradient by a weight, before it goes through dropout and softmax. */
static void add_to_dweight(const struct exact *t, size_t weight, double value,
                           size_t x, size_t y)
{
    (void)value;
    exact_add(&t[DYNCONV_WGRAD_DLOGITS], weight,
              t[DYNCONV_WGRAD_DY].value[y] * t[DYNCONV_WGRAD_X].value[x]);
}

/* Turns the gradients by the weights of a row and head into those by logits. */
static void turn_to_dlogits(const struct convolution *v, const struct exact *d,
                            int t, int h)
{
    size_t at = weight_at(v, t, h, 0);
    const double *s = v->softmax + at;
    double sum = 0, magnitude = 0;

    for (int k = 0; k < v->taps; k++) {
        d->value[at + (size_t)k] *= v->factor[at + (size_t)k];
        d->magnitude[at + (size_t)k] *= v->factor[at + (size_t)k];
        sum += s[k] * d->value[at + (size_t)k];
        magnitude += s[k] * d->magnitude[at + (size_t)k];
    }
    for (int k = 0; k < v->taps; k++)
        exact_set(d, at + (size_t)k, s[k] * (d->value[at + (size_t)k] - sum),
                  s[k] * (d->magnitude[at + (size_t)k] + magnitude));
}

void reference_dynconv_wgrad(const struct call *c, struct exact *t)
{
    const struct exact *d = &t[DYNCONV_WGRAD_DLOGITS];
    struct convolution v = convolution_new(
        c, t, DYNCONV_WGRAD_X, DYNCONV_WGRAD_LOGITS, DYNCONV_WGRAD_ENDS);

    each_product(&v, t, add_to_dweight);
    for (int i = 0; i < v.rows * v.heads; i++)
        turn_to_dlogits(&v, d, i / v.heads, i % v.heads);
    convolution_free(&v);
}

static double objective_dynconv_dgrad(const struct problem *p,
                                      double *const v[])
{
    return objective_of(p, v, OP_dynconv, (int[]){
        [DYNCONV_X] = DYNCONV_DGRAD_DX,
        [DYNCONV_LOGITS] = DYNCONV_DGRAD_LOGITS,
        [DYNCONV_ENDS] = DYNCONV_DGRAD_ENDS, [DYNCONV_Y] = DYNCONV_DGRAD_DY
    }, DYNCONV_Y);
}

static double objective_dynconv_wgrad(const struct problem *p,
                                      double *const v[])
{
    return objective_of(p, v, OP_dynconv, (int[]){
        [DYNCONV_X] = DYNCONV_WGRAD_X,
        [DYNCONV_LOGITS] = DYNCONV_WGRAD_LOGITS,
        [DYNCONV_ENDS] = DYNCONV_WGRAD_ENDS, [DYNCONV_Y] = DYNCONV_WGRAD_DY
    }, DYNCONV_Y);
}

const struct subject subject_dynconv = {
    SHAPES(shapes),
    .describe = describe_dynconv,
    .prepare = prepare_dynconv
};

const struct subject subject_dynconv_dgrad = {
    SHAPES(shapes),
    .describe = describe_dynconv_dgrad,
    .prepare = prepare_dynconv_dgrad,
    .add = DYNCONV_DGRAD_ADD,
    .gradients = &(const struct gradients){
        .objective = objective_dynconv_dgrad,
        .derivative = { { DYNCONV_DGRAD_DX, DYNCONV_DGRAD_DX } },
        .derivatives = 1
    }
};

const struct subject subject_dynconv_wgrad = {
    SHAPES(shapes),
    .describe = describe_dynconv_wgrad,
    .prepare = prepare_dynconv_wgrad,
    .gradients = &(const struct gradients){
        .objective = objective_dynconv_wgrad,
        .derivative = { { DYNCONV_WGRAD_DLOGITS, DYNCONV_WGRAD_LOGITS } },
        .derivatives = 1
    }
};
