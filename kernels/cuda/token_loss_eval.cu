/*
 * token_loss_eval: the cross-entropy of the softmax of the logits x w, without
 * smoothing.
 *   in x (T, C), w (C, V), labels (T) int32
 *   update metrics (METRIC_COUNT) float64: sum of losses, number correct
 *
 * scratch: token_parts.h.
 */
#include "kernels/cuda/token_rows.h"

void cuda_token_loss_eval(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    char *scratch = static_cast<char *>(c->scratch);
    struct token_pass t = {};

    t.x = &o[TOKEN_LOSS_EVAL_X];
    t.w = &o[TOKEN_LOSS_EVAL_W];
    t.labels = data_of<int32_t>(&o[TOKEN_LOSS_EVAL_LABELS]);
    t.tf32 = c->attr.token_loss.tf32;
    t.rows = reinterpret_cast<struct token_row *>(scratch);
    t.figures = reinterpret_cast<float *>(
        scratch + token_eval_parts(t.x, t.w).figures);
    token_rows(q, &t);
    token_rows_add(q, &t, token_weights_of(0, t.words()), 1,
                   data_of<double>(&o[TOKEN_LOSS_EVAL_METRICS]));
}
