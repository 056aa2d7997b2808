/*
 * Cases of token_loss and token_loss_eval.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

/* Vocabularies below, equal to and above a tile; tokens below and above the
 * groups and the steps of a product. */
static const struct shape loss_shapes[] = {
    { .n = 1, .c = 1, .co = 1, .smoothing = 0.1f },
    { .n = 1, .c = 3, .co = 2, .smoothing = 0.1f },
    { .n = 7, .c = 17, .co = 33, .parts = 3 },
    { .n = 13, .c = 8, .co = 16, .smoothing = 0.1f, .scaled = true },
    { .n = 50, .c = 6, .co = 90, .coarse = true, .smoothing = 0.1f },
    { .n = 9, .c = 16, .co = 512, .coarse = true },
    { .n = 2, .c = 3, .co = 1024, .smoothing = 0.1f },
    { .n = 3, .c = 5, .co = 1059, .parts = 2, .coarse = true, .scaled = true,
      .smoothing = 0.1f },
    { .n = 2, .c = 9, .co = 540, .offset = 30, .smoothing = 0.1f },
    { .n = 600, .c = 8, .co = 40, .parts = 2, .large = true },
    { .n = 53, .c = 40, .co = 1304, .smoothing = 0.1f, .large = true },
    { .n = 389, .c = 17, .co = 529, .coarse = true, .large = true },
    { .n = 60, .c = 536, .co = 600, .smoothing = 0.1f, .large = true }
};

static void shape_tokens(struct problem *p, int x, int w, int labels,
                         int metrics)
{
    const struct shape *s = p->shape;

    p->call.attr.token_loss.tf32 = p->with_tf32;
    p->call.attr.token_loss.smoothing = s->smoothing;
    shape_operand(p, x, p->storage, 2, s->n, s->c);
    shape_operand(p, w, p->storage, 2, s->c, s->co);
    shape_operand(p, labels, DTYPE_I32, 1, s->n);
    shape_operand(p, metrics, DTYPE_F64, 1, METRIC_COUNT);
}

static void describe_token_loss(struct problem *p)
{
    shape_tokens(p, TOKEN_LOSS_X, TOKEN_LOSS_W, TOKEN_LOSS_LABELS,
                 TOKEN_LOSS_METRICS);
    describe_scale(p, TOKEN_LOSS_SCALE);
    p->call.operand[TOKEN_LOSS_DX] = p->call.operand[TOKEN_LOSS_X];
    p->call.operand[TOKEN_LOSS_DW] = p->call.operand[TOKEN_LOSS_W];
}

static void describe_token_loss_eval(struct problem *p)
{
    shape_tokens(p, TOKEN_LOSS_EVAL_X, TOKEN_LOSS_EVAL_W,
                 TOKEN_LOSS_EVAL_LABELS, TOKEN_LOSS_EVAL_METRICS);
}

/* Where numbers are to be coarse, makes them so few that many logits are equal,
 * and exact. */
static void prepare_coarse(struct problem *p, int slot)
{
    size_t n = operand_elements(&p->call.operand[slot]);
    double *value = p->before[slot].value;

    for (size_t i = 0; p->shape->coarse && i < n; i++)
        value[i] = round(value[i] * 2) / 2;
}

/* Has each third token's label be a word with the largest logit, the first one
 * or the last. */
static void prepare_labels(struct problem *p, int x, int w, int labels)
{
    int words = p->shape->co, depth = p->shape->c;

    prepare_classes(p, labels, words);
    for (int i = 0; i < p->shape->n; i += 3) {
        double most = -INFINITY;

        for (int k = 0; k < words; k++) {
            double logit = 0;

            for (int j = 0; j < depth; j++)
                logit += p->before[x].value[i * depth + j]
                         * p->before[w].value[j * words + k];
            if (logit > most || (i % 2 && logit == most)) {
                most = logit;
                p->before[labels].value[i] = k;
            }
        }
    }
}

static void prepare_token_loss(struct problem *p)
{
    prepare_coarse(p, TOKEN_LOSS_X);
    prepare_coarse(p, TOKEN_LOSS_W);
    prepare_labels(p, TOKEN_LOSS_X, TOKEN_LOSS_W, TOKEN_LOSS_LABELS);
    prepare_scale(p, TOKEN_LOSS_SCALE);
}

static void prepare_token_loss_eval(struct problem *p)
{
    prepare_coarse(p, TOKEN_LOSS_EVAL_X);
    prepare_coarse(p, TOKEN_LOSS_EVAL_W);
    prepare_labels(p, TOKEN_LOSS_EVAL_X, TOKEN_LOSS_EVAL_W,
                   TOKEN_LOSS_EVAL_LABELS);
}

/* The logits of a token, and what follows from them. */
struct token {
    int label, words;
    double eps;
    double *logit, *size;        /* [words]; magnitudes */
    double log_sum, sum_size;    /* of the exponentials; its magnitude */
    int best;
};

/* The logits are row `row` of x (T, C) times w (C, V). */
static struct token token_new(const struct exact *x, const struct exact *w,
                              int depth, int words, int row)
{
    struct token t = { .words = words, .logit = calloc(words, sizeof(double)),
                       .size = calloc(words, sizeof(double)) };
    double sum = 0;

    for (int k = 0; k < words; k++)
        for (int j = 0; j < depth; j++) {
            double term = x->value[row * depth + j] * w->value[j * words + k];

            t.logit[k] += term;
            t.size[k] += fabs(term);
        }
    for (int k = 0; k < words; k++)
        if (t.logit[k] > t.logit[t.best])
            t.best = k;
    for (int k = 0; k < words; k++)
        sum += exp(t.logit[k] - t.logit[t.best]);
    t.log_sum = log(sum) + t.logit[t.best];
    for (int k = 0; k < words; k++)
        t.sum_size += exp(t.logit[k] - t.log_sum) * (1 + t.size[k]);
    return t;
}

static void token_free(struct token *t)
{
    free(t->logit);
    free(t->size);
}

/* The weight of -log p of a word in the loss. */
static double weight_of(const struct token *t, int word)
{
    double each = t->words > 1 ? t->eps / (t->words - 1) : 0;

    if (t->words == 1)
        return 1;
    return word == t->label ? 1 - t->eps : each;
}

static void add_loss(const struct token *t, const struct exact *metrics)
{
    for (int k = 0; k < t->words; k++)
        exact_add_with(metrics, METRIC_LOSS,
                       weight_of(t, k) * (t->log_sum - t->logit[k]),
                       weight_of(t, k) * (1 + fabs(t->log_sum) + t->sum_size
                                          + t->size[k]));
    metrics->value[METRIC_HITS] += t->best == t->label;
}

/* The derivative of the loss by a logit. */
static double slope_of(const struct token *t, int word, double *magnitude)
{
    double p = exp(t->logit[word] - t->log_sum);
    double far = fabs(t->logit[t->best] - t->logit[word]);

    *magnitude = p * (1 + far + t->size[word] + t->sum_size)
                 + 2 * weight_of(t, word);
    return p - weight_of(t, word);
}

static double factor_of(const struct call *c, const struct exact *t)
{
    return (operand_given(&c->operand[TOKEN_LOSS_SCALE])
                ? t[TOKEN_LOSS_SCALE].value[LOSS_SCALE_FACTOR] : 1)
           / c->batch->terms;
}

/* Adds the derivatives by row `row` of x, and by w. */
static void add_slopes(const struct token *token, const struct exact *t,
                       int depth, int row, double factor)
{
    for (int k = 0; k < token->words; k++) {
        double size, slope = factor * slope_of(token, k, &size);

        for (int j = 0; j < depth; j++) {
            size_t at = (size_t)(row * depth + j);
            size_t word = (size_t)(j * token->words + k);
            double x = t[TOKEN_LOSS_X].value[at];
            double w = t[TOKEN_LOSS_W].value[word];

            exact_add_with(&t[TOKEN_LOSS_DX], at, slope * w,
                           factor * size * fabs(w));
            exact_add_with(&t[TOKEN_LOSS_DW], word, slope * x,
                           factor * size * fabs(x));
        }
    }
}

void reference_token_loss(const struct call *c, struct exact *t)
{
    int depth = c->operand[TOKEN_LOSS_W].dim[0];
    int words = c->operand[TOKEN_LOSS_W].dim[1];
    size_t n = operand_elements(&c->operand[TOKEN_LOSS_DX]);

    for (size_t i = 0; i < n; i++)
        exact_set(&t[TOKEN_LOSS_DX], i, 0, 0);
    exact_go_on(c, t, TOKEN_LOSS_DW);
    exact_go_on(c, t, TOKEN_LOSS_METRICS);
    for (int row = 0; row < c->operand[TOKEN_LOSS_X].dim[0]; row++) {
        struct token token = token_new(&t[TOKEN_LOSS_X], &t[TOKEN_LOSS_W],
                                       depth, words, row);

        token.label = (int)t[TOKEN_LOSS_LABELS].value[row];
        token.eps = (double)c->attr.token_loss.smoothing;
        add_loss(&token, &t[TOKEN_LOSS_METRICS]);
        add_slopes(&token, t, depth, row, factor_of(c, t));
        token_free(&token);
    }
    t[TOKEN_LOSS_METRICS].magnitude[METRIC_HITS] = 0;
}

void reference_token_loss_eval(const struct call *c, struct exact *t)
{
    int depth = c->operand[TOKEN_LOSS_EVAL_W].dim[0];
    int words = c->operand[TOKEN_LOSS_EVAL_W].dim[1];

    exact_go_on(c, t, TOKEN_LOSS_EVAL_METRICS);
    for (int row = 0; row < c->operand[TOKEN_LOSS_EVAL_X].dim[0]; row++) {
        struct token token = token_new(&t[TOKEN_LOSS_EVAL_X],
                                       &t[TOKEN_LOSS_EVAL_W], depth, words,
                                       row);

        token.label = (int)t[TOKEN_LOSS_EVAL_LABELS].value[row];
        add_loss(&token, &t[TOKEN_LOSS_EVAL_METRICS]);
        token_free(&token);
    }
    t[TOKEN_LOSS_EVAL_METRICS].magnitude[METRIC_HITS] = 0;
}

/* The mean loss over the batch, scaled: of rows without their derivatives. */
static double objective_token_loss(const struct problem *p, double *const v[])
{
    struct exact x = { v[TOKEN_LOSS_X], NULL }, w = { v[TOKEN_LOSS_W], NULL };
    struct exact scale[TOKEN_LOSS_SCALE + 1] = { 0 };
    double metrics[METRIC_COUNT] = { 0 }, magnitude[METRIC_COUNT] = { 0 };

    scale[TOKEN_LOSS_SCALE].value = v[TOKEN_LOSS_SCALE];
    for (int row = 0; row < p->shape->n; row++) {
        struct token t = token_new(&x, &w, p->shape->c, p->shape->co, row);

        t.label = (int)v[TOKEN_LOSS_LABELS][row];
        t.eps = (double)p->shape->smoothing;
        add_loss(&t, &(struct exact){ metrics, magnitude });
        token_free(&t);
    }
    return metrics[METRIC_LOSS] * factor_of(&p->call, scale);
}

static const struct gradients gradients_token_loss = {
    .objective = objective_token_loss,
    .derivative = { { TOKEN_LOSS_DX, TOKEN_LOSS_X },
                    { TOKEN_LOSS_DW, TOKEN_LOSS_W } },
    .derivatives = 2
};

const struct subject subject_token_loss = {
    SHAPES(loss_shapes),
    .describe = describe_token_loss,
    .prepare = prepare_token_loss,
    .gradients = &gradients_token_loss
};

const struct subject subject_token_loss_eval = {
    SHAPES(loss_shapes),
    .describe = describe_token_loss_eval,
    .prepare = prepare_token_loss_eval
};
