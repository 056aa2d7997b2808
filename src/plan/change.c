#include "plan/change.h"

#include <stdio.h>

static bool has_op(const struct graph *g, enum op_code code)
{
    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == code)
            return true;
    return false;
}

/* What a smaller part of a batch changes beside rounding. */
static bool parts_matter(const struct graph *g)
{
    return has_op(g, OP_bn_stats) || has_op(g, OP_adam_apply);
}

/* What moments that take gradients of parts change: sums of Adam's squares. */
static bool accumulation_matters(const struct graph *g)
{
    return has_op(g, OP_adam) || has_op(g, OP_adam_apply);
}

enum price change_price(const struct setting *row, const struct graph *g)
{
    bool matters = !g || (row->ladder == LADDER_PARTS
                              ? parts_matter(g) : accumulation_matters(g));

    return row->price == PRICE_STATISTICS && !matters ? PRICE_ROUNDING
                                                      : row->price;
}

static int stored_bits(const struct settings *s)
{
    return s->precision == PRECISION_FP32 ? 32 : 16;
}

static int state_bits(const struct settings *s)
{
    return s->optimizer_state == OPTIMIZER_STATE_8BIT ? 8 : stored_bits(s);
}

static int saved_bits(const struct settings *s)
{
    return s->saved == SAVED_NONE ? stored_bits(s)
                                  : s->saved == SAVED_8BIT ? 8 : 4;
}

struct change change_of(const struct settings *s, const struct graph *g)
{
    struct change c = { PRICE_FREE, s->sparsity, stored_bits(s),
                        state_bits(s), saved_bits(s) };
    struct settings plain = *s;

    settings_save_nothing(&plain);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (row->saves && settings_differ(s, &plain, row) &&
            change_price(row, g) > c.price)
            c.price = change_price(row, g);
    }
    return c;
}

const char *change_text(const struct change *c, char text[CHANGE_TEXT_SIZE])
{
    int used = snprintf(text, CHANGE_TEXT_SIZE, "%s",
                        settings_price_name(c->price));

    if (c->sparsity > 0)
        used += snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                         ", %g%% zeros", 100 * c->sparsity);
    if (c->bits != 32)
        used += snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                         ", %d bits", c->bits);
    if (c->state_bits != c->bits)
        used += snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                         ", states %d bits", c->state_bits);
    if (c->saved_bits != c->bits)
        snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                 ", saved %d bits", c->saved_bits);
    return text;
}

int change_compare(const struct change *a, const struct change *b)
{
    if (a->price != b->price)
        return a->price < b->price ? -1 : 1;
    if (a->sparsity != b->sparsity)
        return a->sparsity < b->sparsity ? -1 : 1;
    if (a->bits != b->bits)
        return b->bits - a->bits;
    if (a->state_bits != b->state_bits)
        return b->state_bits - a->state_bits;
    return b->saved_bits - a->saved_bits;
}
