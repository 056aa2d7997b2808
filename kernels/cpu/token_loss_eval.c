/*
 * token_loss_eval: the cross-entropy of the softmax of the logits x w, without
 * smoothing.
 *   in x (T, C), w (C, V), labels (T) int32
 *   update metrics (METRIC_COUNT) float64: sum of losses, number correct
 *
 * scratch: a product's; the rows' figures; those of a tile's panels.
 */
#include "kernels/cpu/token_rows.h"

static struct token_pass eval_pass(const struct call *c)
{
    return (struct token_pass){
        .call = c, .x = &c->operand[TOKEN_LOSS_EVAL_X],
        .w = &c->operand[TOKEN_LOSS_EVAL_W],
        .labels = c->operand[TOKEN_LOSS_EVAL_LABELS].data
    };
}

size_t KERNEL(token_loss_eval_scratch)(const struct call *c)
{
    struct token_pass t = eval_pass(c);

    return KERNEL(token_logits_scratch)(&t) + token_rows_bytes(t.x)
           + token_figures_bytes(t.x, t.w);
}

void KERNEL(token_loss_eval)(const struct call *c)
{
    struct token_pass t = eval_pass(c);
    char *after = (char *)c->scratch + KERNEL(token_logits_scratch)(&t);

    t.rows = (void *)after;
    t.figures = (void *)(after + token_rows_bytes(t.x));
    KERNEL(token_rows)(&t);
    KERNEL(token_rows_add)(&t, token_weights(0, t.w->dim[1]),
                           c->operand[TOKEN_LOSS_EVAL_METRICS].data);
}
