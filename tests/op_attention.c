/*
 * Cases and references of attention and its gradients.
 */
#include <stdlib.h>

#include "kernels/dropout.h"
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_exact.h"
#include "tests/op_text.h"

#define WIDE(c_, heads_) .c = c_, .heads = heads_

/* Sentences of either language are shorter and longer than tiles of rows, which
 * are 64 on the CPU and 32 on CUDA, where a head of more than 128 columns is
 * divided too. A bare shape has no log-sum-exp. */
static const struct shape attention_shapes[] = {
    { WIDE(1, 1), .sentences = 1, .source = { 1 }, .target = { 1 } },
    { WIDE(12, 4), .sentences = 3, .source = { 1, 5, 3 },
      .target = { 4, 1, 7 } },
    { WIDE(32, 2), .sentences = 5, .source = { 20, 2, 9, 33, 8 },
      .target = { 7, 40, 1, 17, 16 }, .rate = 0.25f, .parts = 3 },
    { WIDE(8, 1), .sentences = 2, .source = { 3, 10 }, .target = { 9, 2 },
      .rate = 0.5f, .bare = true },
    { WIDE(32, 2), .sentences = 2, .source = { 40, 12 }, .target = { 3, 35 },
      .offset = 20 },
    { WIDE(51, 3), .sentences = 3, .source = { 70, 3, 4 },
      .target = { 2, 66, 5 }, .rate = 0.1f, .parts = 2 },
    { WIDE(268, 2), .sentences = 2, .source = { 9, 35 }, .target = { 4, 33 },
      .rate = 0.1f },
    { WIDE(16, 2), .sentences = 2, .source = { 150, 65 },
      .target = { 131, 80 }, .rate = 0.3f, .parts = 2, .large = true },
    { WIDE(128, 1), .sentences = 1, .source = { 65 }, .target = { 65 },
      .large = true }
};

static void describe_attention_slots(struct problem *p, int q, int k, int v,
                                     int targets, int sources)
{
    const struct shape *s = p->shape;

    p->call.attr.attention.heads = s->heads;
    p->call.attr.attention.dropout = (struct dropping){ s->rate, 3 };
    shape_text(p, q, SIDE_TARGET, s->c);
    shape_text(p, k, SIDE_SOURCE, s->c);
    shape_text(p, v, SIDE_SOURCE, s->c);
    shape_ends(p, targets);
    shape_ends(p, sources);
}

static void shape_lse(struct problem *p, int slot)
{
    shape_operand(p, slot, DTYPE_F32, 2, text_rows(p->shape, SIDE_TARGET),
                  p->shape->heads);
}

static void describe_attention(struct problem *p)
{
    describe_attention_slots(p, ATTENTION_Q, ATTENTION_K, ATTENTION_V,
                             ATTENTION_TARGET_ENDS, ATTENTION_SOURCE_ENDS);
    if (!p->shape->bare)
        shape_lse(p, ATTENTION_LSE);
    shape_text(p, ATTENTION_Y, SIDE_TARGET, p->shape->c);
}

static void describe_attention_grad(struct problem *p)
{
    describe_attention_slots(p, ATTENTION_GRAD_Q, ATTENTION_GRAD_K,
                             ATTENTION_GRAD_V, ATTENTION_GRAD_TARGET_ENDS,
                             ATTENTION_GRAD_SOURCE_ENDS);
    describe_attention_slots(p, ATTENTION_GRAD_DQ, ATTENTION_GRAD_DK,
                             ATTENTION_GRAD_DV, ATTENTION_GRAD_TARGET_ENDS,
                             ATTENTION_GRAD_SOURCE_ENDS);
    shape_lse(p, ATTENTION_GRAD_LSE);
    shape_text(p, ATTENTION_GRAD_DY, SIDE_TARGET, p->shape->c);
    shape_text(p, ATTENTION_GRAD_Y, SIDE_TARGET, p->shape->c);
}

/* Spreads the scores, so that probabilities are far from equal. */
static void spread(struct problem *p, int q)
{
    for (size_t i = 0; i < operand_elements(&p->call.operand[q]); i++)
        p->before[q].value[i] *= 4;
}

static void prepare_attention(struct problem *p)
{
    prepare_ends(p, ATTENTION_TARGET_ENDS, SIDE_TARGET);
    prepare_ends(p, ATTENTION_SOURCE_ENDS, SIDE_SOURCE);
    spread(p, ATTENTION_Q);
}

/* The slots of the gradients that are those of attention. */
static const int attention_slot[] = {
    [ATTENTION_Q] = ATTENTION_GRAD_Q, [ATTENTION_K] = ATTENTION_GRAD_K,
    [ATTENTION_V] = ATTENTION_GRAD_V,
    [ATTENTION_TARGET_ENDS] = ATTENTION_GRAD_TARGET_ENDS,
    [ATTENTION_SOURCE_ENDS] = ATTENTION_GRAD_SOURCE_ENDS,
    [ATTENTION_LSE] = ATTENTION_GRAD_LSE, [ATTENTION_Y] = ATTENTION_GRAD_Y
};

/* y and the log-sum-exp are those of q, k and v. */
static void prepare_attention_grad(struct problem *p)
{
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    struct call c = p->call;

    prepare_ends(p, ATTENTION_GRAD_TARGET_ENDS, SIDE_TARGET);
    prepare_ends(p, ATTENTION_GRAD_SOURCE_ENDS, SIDE_SOURCE);
    spread(p, ATTENTION_GRAD_Q);
    for (int s = 0; s <= ATTENTION_Y; s++) {
        int from = attention_slot[s];

        round_values(&p->call.operand[from], p->before[from].value);
        c.operand[s] = p->call.operand[from];
        t[s] = p->before[from];
    }
    op_reference(OP_attention, &c, t);
}

/* A target row and a head, with its sentence. */
struct query {
    const struct call *call;
    const struct exact *q, *k;  /* (rows, C) */
    int row, head;
    int columns, width;         /* of a head, and of all */
    int sentence, position;
    int source, source_end;     /* rows */
};

static struct query query_of(const struct call *c, const struct exact *t,
                             const struct exact *q, const struct exact *k,
                             const struct exact *targets,
                             const struct exact *sources, int row, int head)
{
    int width = c->operand[q - t].dim[1];
    int sentence = text_sentence(targets, row);

    return (struct query){
        c, q, k, row, head, width / c->attr.attention.heads, width, sentence,
        row - text_begin(targets, sentence), text_begin(sources, sentence),
        (int)sources->value[sentence]
    };
}

/* Where column i of the query's head is in a row. */
static size_t head_at(const struct query *q, int row, int i)
{
    return (size_t)row * (size_t)q->width
           + (size_t)(q->head * q->columns + i);
}

/* The sum of products of rows of a head, and of their absolute values. */
static double inner(const struct query *q, const struct exact *a, int a_row,
                    const struct exact *b, int b_row, double *magnitude)
{
    double sum = 0;

    *magnitude = 0;
    for (int i = 0; i < q->columns; i++) {
        double term = a->value[head_at(q, a_row, i)]
                      * b->value[head_at(q, b_row, i)];

        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

static double score(const struct query *q, int source, double *magnitude)
{
    double scale = 1 / sqrt(q->columns);
    double sum = inner(q, q->q, q->row, q->k, source, magnitude);

    *magnitude *= scale;
    return sum * scale;
}

static double factor_of(const struct query *q, int source)
{
    const struct batch *b = q->call->batch;
    const struct dropping *dropping = &q->call->attr.attention.dropout;
    struct dropout d = dropout_start(b->seed, b->step, dropping->stream,
                                     dropping->rate);
    int at = source - q->source;
    struct philox draw = dropout_draw(
        &d, q->call->part->first.of[EXTENT_SAMPLES] + q->sentence,
        q->position, at / DROPOUT_GROUP, q->head);

    return dropping->rate > 0
               ? (double)dropout_factor(&d, &draw, at % DROPOUT_GROUP) : 1;
}

/* The log of the sum of exp(scores); its magnitude is that of the score which
 * may have the largest error. */
static double log_sum(const struct query *q, double *magnitude)
{
    double max = -INFINITY, sum = 0, of_score;

    *magnitude = 1;
    for (int j = q->source; j < q->source_end; j++) {
        max = fmax(max, score(q, j, &of_score));
        *magnitude = fmax(*magnitude, of_score);
    }
    for (int j = q->source; j < q->source_end; j++)
        sum += exp(score(q, j, &of_score) - max);
    *magnitude += fabs(max + log(sum));
    return max + log(sum);
}

static void attend_query(const struct query *q, const struct exact *v,
                         const struct exact *y, const struct exact *lse)
{
    double magnitude, of_score, of_row = log_sum(q, &magnitude);

    if (operand_given(&q->call->operand[ATTENTION_LSE]))
        exact_set(lse, (size_t)(q->row * q->call->attr.attention.heads
                                + q->head), of_row, magnitude);
    for (int j = q->source; j < q->source_end; j++) {
        double p = exp(score(q, j, &of_score) - of_row) * factor_of(q, j);

        for (int i = 0; i < q->columns; i++) {
            double term = p * v->value[head_at(q, j, i)];

            exact_add_with(y, head_at(q, q->row, i), term,
                           fabs(term) * (1 + magnitude));
        }
    }
}

void reference_attention(const struct call *c, struct exact *t)
{
    const struct operand *y = &c->operand[ATTENTION_Y];

    for (size_t i = 0; i < operand_elements(y); i++)
        exact_set(&t[ATTENTION_Y], i, 0, 0);
    for (int row = 0; row < y->dim[0]; row++)
        for (int head = 0; head < c->attr.attention.heads; head++) {
            struct query q = query_of(
                c, t, &t[ATTENTION_Q], &t[ATTENTION_K],
                &t[ATTENTION_TARGET_ENDS], &t[ATTENTION_SOURCE_ENDS], row,
                head);

            attend_query(&q, &t[ATTENTION_V], &t[ATTENTION_Y],
                         &t[ATTENTION_LSE]);
        }
}

/* Adds what one source has to do with the query to all three gradients. */
static void add_source(const struct query *q, struct exact *t, int source)
{
    double lse = t[ATTENTION_GRAD_LSE].value[
        q->row * q->call->attr.attention.heads + q->head];
    double of_score, of_value, of_delta, scale = 1 / sqrt(q->columns);
    double p = exp(score(q, source, &of_score) - lse);
    double error = 1 + of_score + fabs(lse), factor = factor_of(q, source);
    double value = factor * inner(q, &t[ATTENTION_GRAD_DY], q->row,
                                  &t[ATTENTION_GRAD_V], source, &of_value);
    double delta = inner(q, &t[ATTENTION_GRAD_DY], q->row,
                         &t[ATTENTION_GRAD_Y], q->row, &of_delta);
    double ds = p * (value - delta) * scale;
    double of_ds = p * (factor * of_value + of_delta) * scale * error;

    for (int i = 0; i < q->columns; i++) {
        size_t target_at = head_at(q, q->row, i);
        size_t source_at = head_at(q, source, i);
        double dv = p * factor * t[ATTENTION_GRAD_DY].value[target_at];
        double k = t[ATTENTION_GRAD_K].value[source_at];
        double of_q = t[ATTENTION_GRAD_Q].value[target_at];

        exact_add_with(&t[ATTENTION_GRAD_DV], source_at, dv, fabs(dv) * error);
        exact_add_with(&t[ATTENTION_GRAD_DQ], target_at, ds * k,
                       of_ds * fabs(k));
        exact_add_with(&t[ATTENTION_GRAD_DK], source_at, ds * of_q,
                       of_ds * fabs(of_q));
    }
}

void reference_attention_grad(const struct call *c, struct exact *t)
{
    static const int out[] = { ATTENTION_GRAD_DQ, ATTENTION_GRAD_DK,
                               ATTENTION_GRAD_DV };

    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < operand_elements(&c->operand[out[k]]); i++)
            exact_set(&t[out[k]], i, 0, 0);
    for (int row = 0; row < c->operand[ATTENTION_GRAD_DY].dim[0]; row++)
        for (int head = 0; head < c->attr.attention.heads; head++) {
            struct query q = query_of(
                c, t, &t[ATTENTION_GRAD_Q], &t[ATTENTION_GRAD_K],
                &t[ATTENTION_GRAD_TARGET_ENDS],
                &t[ATTENTION_GRAD_SOURCE_ENDS], row, head);

            for (int j = q.source; j < q.source_end; j++)
                add_source(&q, t, j);
        }
}

static double objective_attention_grad(const struct problem *p,
                                       double *const v[])
{
    return objective_of(p, v, OP_attention, (int[]){
        [ATTENTION_Q] = ATTENTION_GRAD_Q, [ATTENTION_K] = ATTENTION_GRAD_K,
        [ATTENTION_V] = ATTENTION_GRAD_V,
        [ATTENTION_TARGET_ENDS] = ATTENTION_GRAD_TARGET_ENDS,
        [ATTENTION_SOURCE_ENDS] = ATTENTION_GRAD_SOURCE_ENDS,
        [ATTENTION_LSE] = -1, [ATTENTION_Y] = ATTENTION_GRAD_DY
    }, ATTENTION_Y);
}

static const struct gradients gradients_attention_grad = {
    .objective = objective_attention_grad,
    .derivative = { { ATTENTION_GRAD_DQ, ATTENTION_GRAD_Q },
                    { ATTENTION_GRAD_DK, ATTENTION_GRAD_K },
                    { ATTENTION_GRAD_DV, ATTENTION_GRAD_V } },
    .derivatives = 3
};

const struct subject subject_attention = {
    SHAPES(attention_shapes),
    .describe = describe_attention,
    .prepare = prepare_attention
};

const struct subject subject_attention_grad = {
    SHAPES(attention_shapes),
    .describe = describe_attention_grad,
    .prepare = prepare_attention_grad,
    .gradients = &gradients_attention_grad
};
