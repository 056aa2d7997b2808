/*
 * A beam search: its beginning, a step of its convolutions, a step of its own,
 * and its end: cases and references. A shape's n is the number of sentences;
 * kh is the step that is taken, kw the steps that there is room for.
 */
#include <stdlib.h>

#include "kernels/beam.h"
#include "tests/op_cases.h"
#include "tests/op_exact.h"
#include "tests/op_text.h"

#define STEP(step_, steps_, beam_) .kh = step_, .kw = steps_, .beam = beam_

static const struct shape start_shapes[] = {
    { SOURCE(1), STEP(0, 2, 1) },
    { SOURCE(3, 1, 8), STEP(0, 30, 4) },
    { SOURCE(40, 2, 17, 5), STEP(0, 25, 7) },
    { SOURCE(9, 70), STEP(0, 300, 32) }
};

/* Few steps, as many as taps, and more; no step before this one. */
static const struct shape step_shapes[] = {
    { .n = 1, .c = 1, .heads = 1, .taps = 1, STEP(0, 3, 1) },
    { .n = 1, .c = 6, .heads = 2, .taps = 3, STEP(1, 4, 2) },
    { .n = 2, .c = 33, .heads = 3, .taps = 4, STEP(3, 9, 4) },
    { .n = 3, .c = 20, .heads = 1, .taps = 5, STEP(23, 24, 3) },
    { .n = 1, .c = 600, .heads = 2, .taps = 31, STEP(30, 40, 4) },
    { .n = 2, .c = 24, .heads = 3, .taps = 255, STEP(40, 50, 2) },
    { .n = 5, .c = 300, .heads = 1, .taps = 7, STEP(90, 99, 8), .large = true }
};

/* Vocabularies below a tile and above, with hardly enough candidates too. */
static const struct shape beam_shapes[] = {
    { .n = 1, .c = 1, .co = 8, STEP(1, 4, 1) },
    { .n = 1, .c = 3, .co = 24, STEP(0, 5, 4) },
    { .n = 4, .c = 16, .co = 24, STEP(3, 9, 4) },
    { .n = 4, .c = 7, .co = 65, STEP(6, 9, 3) },
    { .n = 40, .c = 9, .co = 14, STEP(4, 9, 2) },
    { .n = 6, .c = 40, .co = 300, STEP(2, 8, 5) },
    { .n = 2, .c = 130, .co = 129, STEP(1, 8, 8) },
    { .n = 2, .c = 20, .co = 70, STEP(4, 8, 32), .large = true },
    { .n = 8, .c = 70, .co = 1000, STEP(7, 8, 4), .large = true }
};

static const struct shape end_shapes[] = {
    { .n = 1, STEP(0, 1, 1) },
    { .n = 5, STEP(0, 20, 4) },
    { .n = 40, STEP(0, 9, 3) }
};

static int rows_of_shape(const struct shape *s)
{
    return (s->sentences ? s->sentences : s->n) * s->beam;
}

static void set_attr(struct problem *p)
{
    p->call.attr.beam.beam = p->shape->beam;
    p->call.attr.beam.length_penalty = p->shape->beam == 3 ? 0 : 0.8f;
    p->call.attr.beam.ratio = 1.2f;
    p->call.attr.beam.extra = p->shape->beam == 1 ? -4 : 10;
}

static void describe_beam_start(struct problem *p)
{
    const struct shape *s = p->shape;
    int rows = rows_of_shape(s);

    set_attr(p);
    shape_ends(p, BEAM_START_SOURCE_ENDS);
    shape_ends(p, BEAM_START_TARGET_ENDS);
    shape_operand(p, BEAM_START_STEP, DTYPE_I32, 1, 1);
    shape_operand(p, BEAM_START_UNFINISHED, DTYPE_I32, 1, 1);
    shape_operand(p, BEAM_START_SCORES, DTYPE_F32, 1, rows);
    shape_operand(p, BEAM_START_TOKENS, DTYPE_I32, 1, rows);
    shape_operand(p, BEAM_START_STATE, DTYPE_I32, 2, s->sentences,
                  BEAM_STATES);
    shape_operand(p, BEAM_START_BEST, DTYPE_F32, 1, s->sentences);
    shape_operand(p, BEAM_START_HISTORY, DTYPE_I32, 2, s->kw, rows);
    shape_operand(p, BEAM_START_PARENTS, DTYPE_I32, 2, s->kw, rows);
}

static void prepare_beam_start(struct problem *p)
{
    prepare_ends(p, BEAM_START_SOURCE_ENDS, SIDE_SOURCE);
}

/* The most tokens of a translation before its end mark. */
static int limit_of(const struct call *c, int source, int steps)
{
    int limit = (int)floor(1.2 * source + c->attr.beam.extra + 1e-9);

    return limit > steps - 1 ? steps - 1 : limit < 1 ? 1 : limit;
}

void reference_beam_start(const struct call *c, struct exact *t)
{
    const struct operand *history = &c->operand[BEAM_START_HISTORY];
    const struct exact *ends = &t[BEAM_START_SOURCE_ENDS];
    int sentences = c->operand[BEAM_START_SOURCE_ENDS].dim[0];
    int rows = history->dim[1], beam = c->attr.beam.beam;

    for (int i = 0; i < sentences; i++) {
        double *state = t[BEAM_START_STATE].value + i * BEAM_STATES;

        state[BEAM_LIMIT] = limit_of(
            c, (int)ends->value[i] - text_begin(ends, i), history->dim[0]);
        state[BEAM_LAST] = i * beam;
        t[BEAM_START_TARGET_ENDS].value[i] = (i + 1) * beam;
        t[BEAM_START_BEST].value[i] = -INFINITY;
    }
    t[BEAM_START_UNFINISHED].value[0] = sentences;
    for (int i = 0; i < rows; i++)
        t[BEAM_START_TOKENS].value[i] = BEAM_END_MARK;
    for (int i = 0; i < rows * history->dim[0]; i++) {
        t[BEAM_START_HISTORY].value[i] = BEAM_END_MARK;
        t[BEAM_START_PARENTS].value[i] = i % rows;
    }
}

/* Draws `count` whole numbers from `first` on. */
static void draw_whole(struct problem *p, int slot, int first, int count)
{
    size_t n = operand_elements(&p->call.operand[slot]);

    for (size_t i = 0; i < n; i++)
        p->before[slot].value[i] =
            first + floor((uniform(300 + (uint32_t)slot, i) + 1) / 2 * count);
}

/* Every hypothesis goes on from one of its sentence. */
static void draw_parents(struct problem *p, int slot)
{
    const struct operand *parents = &p->call.operand[slot];
    int beam = p->shape->beam;

    draw_whole(p, slot, 0, beam);
    for (size_t i = 0; i < operand_elements(parents); i++)
        p->before[slot].value[i] +=
            (int)(i % (size_t)parents->dim[1]) / beam * beam;
}

static void describe_dynconv_step(struct problem *p)
{
    const struct shape *s = p->shape;
    int rows = rows_of_shape(s);

    p->call.attr.dynconv.heads = s->heads;
    p->call.attr.dynconv.taps = s->taps;
    p->call.attr.dynconv.causal = true;
    shape_operand(p, DYNCONV_STEP_X, p->storage, 2, rows, s->c);
    shape_operand(p, DYNCONV_STEP_LOGITS, p->storage, 2, rows,
                  s->heads * s->taps);
    shape_operand(p, DYNCONV_STEP_PARENTS, DTYPE_I32, 2, s->kw, rows);
    shape_operand(p, DYNCONV_STEP_STEP, DTYPE_I32, 1, 1);
    shape_operand(p, DYNCONV_STEP_RING, p->storage, 3, s->taps, rows, s->c);
    shape_operand(p, DYNCONV_STEP_Y, p->storage, 2, rows, s->c);
}

static void prepare_dynconv_step(struct problem *p)
{
    draw_parents(p, DYNCONV_STEP_PARENTS);
    p->before[DYNCONV_STEP_STEP].value[0] = p->shape->kh;
}

/* The weight of a tap, by its definition. */
static double tap_weight(const double *logits, int taps, int k)
{
    double sum = 0;

    for (int i = 0; i < taps; i++)
        sum += exp(logits[i]);
    return exp(logits[k]) / sum;
}

void reference_dynconv_step(const struct call *c, struct exact *t)
{
    int heads = c->attr.dynconv.heads, taps = c->attr.dynconv.taps;
    int rows = c->operand[DYNCONV_STEP_X].dim[0];
    int channels = c->operand[DYNCONV_STEP_X].dim[1];
    int step = (int)t[DYNCONV_STEP_STEP].value[0];
    const double *parents = t[DYNCONV_STEP_PARENTS].value;
    double *ring = t[DYNCONV_STEP_RING].value;

    for (int i = 0; i < rows * channels; i++)
        ring[step % taps * rows * channels + i] = t[DYNCONV_STEP_X].value[i];
    for (int i = 0; i < rows * channels; i++) {
        int row = i / channels, ch = i % channels, from = row;
        int head = ch / (channels / heads);
        const double *logits = t[DYNCONV_STEP_LOGITS].value
                               + (row * heads + head) * taps;

        exact_set(&t[DYNCONV_STEP_Y], (size_t)i, 0, 0);
        for (int back = 0; back < taps && back <= step; back++) {
            int at = (step - back) % taps * rows + from;

            exact_add(&t[DYNCONV_STEP_Y], (size_t)i,
                      tap_weight(logits, taps, taps - 1 - back)
                          * ring[at * channels + ch]);
            if (back < step)
                from = (int)parents[(step - back - 1) * rows + from];
        }
    }
}

static void describe_beam(struct problem *p)
{
    const struct shape *s = p->shape;
    int rows = rows_of_shape(s);

    set_attr(p);
    shape_operand(p, BEAM_X, p->storage, 2, rows, s->c);
    shape_operand(p, BEAM_W, p->storage, 2, s->c, s->co);
    shape_operand(p, BEAM_STEP, DTYPE_I32, 1, 1);
    shape_operand(p, BEAM_UNFINISHED, DTYPE_I32, 1, 1);
    shape_operand(p, BEAM_SCORES, DTYPE_F32, 1, rows);
    shape_operand(p, BEAM_TOKENS, DTYPE_I32, 1, rows);
    shape_operand(p, BEAM_STATE, DTYPE_I32, 2, s->n, BEAM_STATES);
    shape_operand(p, BEAM_BEST, DTYPE_F32, 1, s->n);
    shape_operand(p, BEAM_HISTORY, DTYPE_I32, 2, s->kw, rows);
    shape_operand(p, BEAM_PARENTS, DTYPE_I32, 2, s->kw, rows);
}

/* Sentences in turn: with translations, nearly all of them; at their limit;
 * ended; without one. End marks are likely. */
static void prepare_beam(struct problem *p)
{
    const struct shape *s = p->shape;

    for (int i = 0; i < s->n; i++) {
        double *state = p->before[BEAM_STATE].value + i * BEAM_STATES;

        state[BEAM_LIMIT] = i % 4 == 1 && s->kh > 0 ? s->kh : s->kw - 1;
        state[BEAM_ENDED] = i % 4 == 2   ? s->beam
                            : s->kh == 0 ? 0
                            : i % 4 == 0 ? s->beam - 1 : 0;
        state[BEAM_LAST_STEP] = s->kh / 2;
        state[BEAM_LAST] = i * s->beam;
    }
    p->before[BEAM_STEP].value[0] = s->kh;
    p->before[BEAM_UNFINISHED].value[0] = s->n;
    draw_whole(p, BEAM_TOKENS, 3, s->co - 3);
    draw_whole(p, BEAM_HISTORY, 3, s->co - 3);
    draw_parents(p, BEAM_PARENTS);
    for (int k = 0; k < s->c; k++)
        p->before[BEAM_W].value[k * s->co + BEAM_END_MARK] *= 2;
}

/* A candidate of the reference. */
struct option {
    double score, magnitude;
    int row, token;
};

static int by_score(const void *a, const void *b)
{
    const struct option *x = a, *y = b;

    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->row != y->row ? x->row - y->row : x->token - y->token;
}

static bool may_follow(const double *state, int step, int token)
{
    if (step >= (int)state[BEAM_LIMIT])
        return token == BEAM_END_MARK;
    return token > BEAM_END_MARK || (token == BEAM_END_MARK && step > 0);
}

/* Adds the candidates of a hypothesis; returns their number. */
static int add_options(const struct call *c, const struct exact *t, int row,
                       struct option *to)
{
    int depth = c->operand[BEAM_W].dim[0], words = c->operand[BEAM_W].dim[1];
    int step = (int)t[BEAM_STEP].value[0], count = 0;
    const double *state = t[BEAM_STATE].value
                          + row / c->attr.beam.beam * BEAM_STATES;
    double *logit = calloc((size_t)words, sizeof(*logit)), sum = 0, size = 0;

    for (int v = 0; v < words; v++) {
        double magnitude = 0;

        for (int k = 0; k < depth; k++) {
            double term = t[BEAM_X].value[row * depth + k]
                          * t[BEAM_W].value[k * words + v];

            logit[v] += term;
            magnitude += fabs(term);
        }
        sum += exp(logit[v]);
        size = magnitude > size ? magnitude : size;
    }
    for (int v = 0; v < words; v++)
        if (may_follow(state, step, v))
            to[count++] = (struct option){
                t[BEAM_SCORES].value[row] + logit[v] - log(sum),
                fabs(t[BEAM_SCORES].value[row]) + 2 * size + fabs(log(sum)) + 1,
                row, v
            };
    free(logit);
    return count;
}

static void end_with_option(const struct call *c, const struct exact *t,
                            int sentence, int step, const struct option *o)
{
    double *state = t[BEAM_STATE].value + sentence * BEAM_STATES;
    double length = pow(step + 1, (double)c->attr.beam.length_penalty);

    if (state[BEAM_ENDED] == 0
        || o->score / length > t[BEAM_BEST].value[sentence]) {
        exact_set(&t[BEAM_BEST], (size_t)sentence, o->score / length,
                  2 * o->magnitude / length);
        state[BEAM_LAST_STEP] = step;
        state[BEAM_LAST] = o->row;
    }
    state[BEAM_ENDED]++;
}

static void go_on_with(const struct call *c, const struct exact *t, int row,
                       int step, const struct option *o)
{
    int at = step * c->operand[BEAM_HISTORY].dim[1] + row;

    exact_set(&t[BEAM_SCORES], (size_t)row, o->score, o->magnitude);
    t[BEAM_TOKENS].value[row] = t[BEAM_HISTORY].value[at] = o->token;
    t[BEAM_PARENTS].value[at] = o->row;
}

static void choose_options(const struct call *c, const struct exact *t,
                           int sentence, const struct option *o, int count)
{
    int beam = c->attr.beam.beam, step = (int)t[BEAM_STEP].value[0], next = 0;
    double *state = t[BEAM_STATE].value + sentence * BEAM_STATES;

    for (int i = 0; i < count && i < 2 * beam; i++)
        if (o[i].token == BEAM_END_MARK && i < beam
            && (int)state[BEAM_ENDED] < beam)
            end_with_option(c, t, sentence, step, &o[i]);
        else if (o[i].token != BEAM_END_MARK && next < beam)
            go_on_with(c, t, sentence * beam + next++, step, &o[i]);
    for (; next < beam; next++)
        go_on_with(c, t, sentence * beam + next, step, &(struct option){
            -INFINITY, 0, sentence * beam, BEAM_END_MARK });
    if (step >= (int)state[BEAM_LIMIT])
        state[BEAM_ENDED] = beam;
}

void reference_beam(const struct call *c, struct exact *t)
{
    int beam = c->attr.beam.beam, words = c->operand[BEAM_W].dim[1];
    struct option *options = calloc((size_t)(beam * words), sizeof(*options));
    int unfinished = 0;

    for (int i = 0; i < c->operand[BEAM_BEST].dim[0]; i++) {
        const double *state = t[BEAM_STATE].value + i * BEAM_STATES;
        int live = t[BEAM_STEP].value[0] > 0 ? beam : 1, count = 0;

        if ((int)state[BEAM_ENDED] == beam)
            continue;
        for (int h = 0; h < live; h++)
            count += add_options(c, t, i * beam + h, options + count);
        qsort(options, (size_t)count, sizeof(*options), by_score);
        choose_options(c, t, i, options, count);
        unfinished += (int)state[BEAM_ENDED] != beam;
    }
    t[BEAM_UNFINISHED].value[0] = unfinished;
    t[BEAM_STEP].value[0]++;
    free(options);
}

static void describe_beam_end(struct problem *p)
{
    const struct shape *s = p->shape;
    int rows = rows_of_shape(s);

    shape_operand(p, BEAM_END_STATE, DTYPE_I32, 2, s->n, BEAM_STATES);
    shape_operand(p, BEAM_END_HISTORY, DTYPE_I32, 2, s->kw, rows);
    shape_operand(p, BEAM_END_PARENTS, DTYPE_I32, 2, s->kw, rows);
    shape_operand(p, BEAM_END_TRANSLATIONS, DTYPE_I32, 2, s->n, s->kw);
}

/* Translations of every length, none too. */
static void prepare_beam_end(struct problem *p)
{
    const struct shape *s = p->shape;

    draw_whole(p, BEAM_END_HISTORY, 3, 90);
    draw_parents(p, BEAM_END_PARENTS);
    for (int i = 0; i < s->n; i++) {
        double *state = p->before[BEAM_END_STATE].value + i * BEAM_STATES;

        state[BEAM_LAST_STEP] = i % s->kw;
        state[BEAM_LAST] = i * s->beam + i % s->beam;
    }
}

void reference_beam_end(const struct call *c, struct exact *t)
{
    int steps = c->operand[BEAM_END_HISTORY].dim[0];
    int rows = c->operand[BEAM_END_HISTORY].dim[1];

    for (int i = 0; i < c->operand[BEAM_END_STATE].dim[0]; i++) {
        const double *state = t[BEAM_END_STATE].value + i * BEAM_STATES;
        double *to = t[BEAM_END_TRANSLATIONS].value + i * steps;
        int row = (int)state[BEAM_LAST];

        for (int k = steps - 1; k >= 0; k--) {
            to[k] = BEAM_END_MARK;
            if (k >= (int)state[BEAM_LAST_STEP])
                continue;
            to[k] = t[BEAM_END_HISTORY].value[k * rows + row];
            row = (int)t[BEAM_END_PARENTS].value[k * rows + row];
        }
    }
}

const struct subject subject_beam_start = {
    SHAPES(start_shapes),
    .describe = describe_beam_start,
    .prepare = prepare_beam_start
};

const struct subject subject_dynconv_step = {
    SHAPES(step_shapes),
    .describe = describe_dynconv_step,
    .prepare = prepare_dynconv_step
};

const struct subject subject_beam = {
    SHAPES(beam_shapes),
    .describe = describe_beam,
    .prepare = prepare_beam
};

const struct subject subject_beam_end = {
    SHAPES(end_shapes),
    .describe = describe_beam_end,
    .prepare = prepare_beam_end
};
