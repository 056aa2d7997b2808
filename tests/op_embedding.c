/*
 * The embedding of tokens, with and without their positions, and the gradient
 * of its table: cases, references and objective.
 */
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_exact.h"
#include "tests/op_text.h"

/* Few words that come often, and many that come once or never. */
#define TABLE_SHAPES \
    { .n = 1, .c = 1, .co = 1 }, \
    { .n = 5, .c = 3, .co = 2, .scale = 1.7f }, \
    { .n = 33, .c = 16, .co = 7 }, \
    { .n = 7, .c = 300, .co = 40, .scale = 17.5f }, \
    { .n = 250, .c = 17, .co = 90 }, \
    { .n = 100, .c = 512, .co = 60, .scale = 0.25f, .large = true }

static const struct shape table_shapes[] = { TABLE_SHAPES };

static const struct shape embedding_shapes[] = {
    TABLE_SHAPES,
    { SOURCE(1), .c = 2, .co = 1 },
    { SOURCE(3, 1, 8), .c = 4, .co = 5, .scale = 2 },
    { SOURCE(1, 30, 2), .c = 32, .co = 7, .scale = 1.5f, .parts = 2 },
    { SOURCE(4, 9), .c = 62, .co = 20 },
    { SOURCE(1, 6, 1, 5), .c = 1030, .co = 3, .scale = 0.5f },
    { .n = 1, .c = 6, .co = 4, .placed = true },
    { .n = 7, .c = 300, .co = 9, .scale = 4, .placed = true },
    { SOURCE(20, 5000), .c = 8, .co = 30, .scale = 2, .large = true }
};

/* Tokens of a vocabulary of co. */
static void describe_table(struct problem *p, int tokens, int w, int y)
{
    const struct shape *s = p->shape;
    int n = s->sentences ? text_rows(s, SIDE_SOURCE) : s->n;

    p->call.attr.embedding.scale = s->scale != 0 ? s->scale : 1;
    shape_operand(p, tokens, DTYPE_I32, 1, n);
    shape_operand(p, w, p->storage, 2, s->co, s->c);
    shape_operand(p, y, p->storage, 2, n, s->c);
}

static void describe_embedding(struct problem *p)
{
    describe_table(p, EMBEDDING_TOKENS, EMBEDDING_W, EMBEDDING_Y);
    if (p->shape->sentences)
        shape_ends(p, EMBEDDING_ENDS);
    else if (p->shape->placed)
        shape_operand(p, EMBEDDING_POSITION, DTYPE_I32, 1, 1);
}

static void describe_embedding_wgrad(struct problem *p)
{
    describe_table(p, EMBEDDING_WGRAD_TOKENS, EMBEDDING_WGRAD_DW,
                   EMBEDDING_WGRAD_DY);
}

static void prepare_embedding(struct problem *p)
{
    prepare_classes(p, EMBEDDING_TOKENS, p->shape->co);
    prepare_ends(p, EMBEDDING_ENDS, SIDE_SOURCE);
    if (p->shape->placed)
        p->before[EMBEDDING_POSITION].value[0] = 10 * p->shape->n - 10;
}

static void prepare_embedding_wgrad(struct problem *p)
{
    prepare_classes(p, EMBEDDING_WGRAD_TOKENS, p->shape->co);
}

/* Column k of row r of fairseq's table of positions, of `columns`. */
static double wave(int r, int k, int columns)
{
    int half = columns / 2;
    double frequency = half > 1
                           ? exp(k % half * -log(10000) / (half - 1)) : 1;

    return k < half ? sin(r * frequency) : cos(r * frequency);
}

void reference_embedding(const struct call *c, struct exact *t)
{
    const struct operand *y = &c->operand[EMBEDDING_Y];
    int columns = y->dim[1];

    for (int i = 0; i < y->dim[0] * columns; i++) {
        int row = i / columns, k = i % columns;
        int token = (int)t[EMBEDDING_TOKENS].value[row];

        exact_set(&t[EMBEDDING_Y], (size_t)i, 0, 0);
        exact_add(&t[EMBEDDING_Y], (size_t)i, (double)c->attr.embedding.scale
                      * t[EMBEDDING_W].value[token * columns + k]);
        if (operand_given(&c->operand[EMBEDDING_POSITION])) {
            int position = (int)t[EMBEDDING_POSITION].value[0];

            exact_add(&t[EMBEDDING_Y], (size_t)i,
                      wave(position + 2, k, columns));
        } else if (operand_given(&c->operand[EMBEDDING_ENDS])) {
            const struct exact *ends = &t[EMBEDDING_ENDS];
            int position = row - text_begin(ends, text_sentence(ends, row));

            exact_add(&t[EMBEDDING_Y], (size_t)i,
                      wave(position + 2, k, columns));
        }
    }
}

void reference_embedding_wgrad(const struct call *c, struct exact *t)
{
    size_t columns = (size_t)c->operand[EMBEDDING_WGRAD_DW].dim[1];
    size_t n = operand_elements(&c->operand[EMBEDDING_WGRAD_DY]);

    exact_go_on(c, t, EMBEDDING_WGRAD_DW);
    for (size_t i = 0; i < n; i++) {
        size_t token = (size_t)t[EMBEDDING_WGRAD_TOKENS].value[i / columns];

        exact_add(&t[EMBEDDING_WGRAD_DW], token * columns + i % columns,
                  (double)c->attr.embedding.scale
                      * t[EMBEDDING_WGRAD_DY].value[i]);
    }
}

static double objective_embedding_wgrad(const struct problem *p,
                                        double *const v[])
{
    return objective_of(p, v, OP_embedding, (int[]){
        [EMBEDDING_TOKENS] = EMBEDDING_WGRAD_TOKENS,
        [EMBEDDING_W] = EMBEDDING_WGRAD_DW, [EMBEDDING_ENDS] = -1,
        [EMBEDDING_POSITION] = -1,
        [EMBEDDING_Y] = EMBEDDING_WGRAD_DY
    }, EMBEDDING_Y);
}

static const struct gradients gradients_embedding_wgrad = {
    .objective = objective_embedding_wgrad,
    .derivative = { { EMBEDDING_WGRAD_DW, EMBEDDING_WGRAD_DW } },
    .derivatives = 1
};

const struct subject subject_embedding = {
    SHAPES(embedding_shapes),
    .describe = describe_embedding,
    .prepare = prepare_embedding
};

const struct subject subject_embedding_wgrad = {
    SHAPES(table_shapes),
    .describe = describe_embedding_wgrad,
    .prepare = prepare_embedding_wgrad,
    .gradients = &gradients_embedding_wgrad
};
