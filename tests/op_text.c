#include "tests/op_text.h"

static const int *lengths(const struct shape *s, enum side side)
{
    return side == SIDE_SOURCE ? s->source : s->target;
}

/* Tokens of the first n sentences. */
static int tokens_of(const struct shape *s, enum side side, int n)
{
    int tokens = 0;

    for (int i = 0; i < n; i++)
        tokens += lengths(s, side)[i];
    return tokens;
}

int text_rows(const struct shape *s, enum side side)
{
    return tokens_of(s, side, s->sentences);
}

void shape_text(struct problem *p, int slot, enum side side, int columns)
{
    shape_operand(p, slot, p->storage, 2, text_rows(p->shape, side), columns);
}

void shape_ends(struct problem *p, int slot)
{
    shape_operand(p, slot, DTYPE_I32, 1, p->shape->sentences);
}

void prepare_ends(struct problem *p, int slot, enum side side)
{
    for (int i = 0; i < p->shape->sentences; i++)
        p->before[slot].value[i] = tokens_of(p->shape, side, i + 1);
}

int text_sentence(const struct exact *ends, int row)
{
    int sentence = 0;

    while (row >= (int)ends->value[sentence])
        sentence++;
    return sentence;
}

int text_begin(const struct exact *ends, int sentence)
{
    return sentence ? (int)ends->value[sentence - 1] : 0;
}
