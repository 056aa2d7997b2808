#include "graph/layer_text.h"

#include <math.h>

/* A value of the shape and type of x, the result of the layer. */
static int result_like(struct builder *b, int x, const char *name)
{
    return builder_result(b, graph_like(b->graph, x, name, KIND_TRANSIENT));
}

/* Rows of a value, which may be an extent. */
static int rows_of(const struct builder *b, int value)
{
    return b->graph->values[value].dim[0];
}

static int features_of(const struct builder *b, int value)
{
    return b->graph->values[value].dim[1];
}

/* Adds an operation whose attributes begin with those of dropout: with dropout
 * to training, without it to evaluation. */
static void forward_dropping(struct builder *b, struct op op, float rate)
{
    op.attr.dropout.rate = 0;
    if (rate > 0) {
        struct op train = op;

        train.attr.dropout.rate = rate;
        train.attr.dropout.stream = builder_stream(b);
        builder_operation(b, PASS_FORWARD, IN_TRAIN, train);
    }
    builder_operation(b, PASS_FORWARD, rate > 0 ? IN_EVAL : IN_BOTH, op);
}

int layer_embedding(struct builder *b, int tokens, const struct embedding *p)
{
    float root = sqrtf((float)p->features);
    int w, y;

    builder_layer(b, p->name);
    w = builder_state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 2,
        .dim = { p->tokens, p->features },
        .init = { INIT_NORMAL, 1 / root }
    });
    y = builder_result(b, (struct value){
        .name = "y", .dtype = b->storage.dtype, .rank = 2,
        .dim = { rows_of(b, tokens), p->features }
    });
    builder_forward(b, (struct op){
        .code = OP_embedding,
        .operand = { [EMBEDDING_TOKENS] = tokens, [EMBEDDING_W] = w,
                     [EMBEDDING_ENDS] = p->ends, [EMBEDDING_Y] = y },
        .attr.embedding.scale = p->ends ? root : 1
    });
    return y;
}

int layer_dropout(struct builder *b, int x, const struct dropout_add *p)
{
    int y;

    builder_layer(b, p->name);
    y = result_like(b, x, "y");
    forward_dropping(b, (struct op){
        .code = OP_dropout,
        .operand = { [DROPOUT_X] = x, [DROPOUT_ENDS] = p->ends,
                     [DROPOUT_ADD] = p->add, [DROPOUT_Y] = y }
    }, p->rate);
    return y;
}

int layer_relu(struct builder *b, int x, const struct relu *p)
{
    int y;

    builder_layer(b, p->name);
    y = result_like(b, x, "y");
    builder_forward(b, (struct op){
        .code = OP_relu, .operand = { [RELU_X] = x, [RELU_Y] = y }
    });
    return y;
}

int layer_norm(struct builder *b, int x, const struct layer_norm *p)
{
    int gamma, beta, stat, y;

    builder_layer(b, p->name);
    gamma = builder_channel_state(b, "gamma", features_of(b, x), 1);
    beta = builder_channel_state(b, "beta", features_of(b, x), 0);
    stat = builder_result(b, (struct value){
        .name = "stat", .dtype = DTYPE_F32, .rank = 2,
        .dim = { rows_of(b, x), LAYER_STATS }
    });
    y = result_like(b, x, "y");
    builder_forward(b, (struct op){
        .code = OP_layer_norm,
        .operand = { [LAYER_NORM_X] = x, [LAYER_NORM_GAMMA] = gamma,
                     [LAYER_NORM_BETA] = beta, [LAYER_NORM_STAT] = stat,
                     [LAYER_NORM_Y] = y },
        .attr.norm.eps = p->eps > 0 ? p->eps : 1e-5f
    });
    return y;
}

int layer_dynconv(struct builder *b, int x, const struct dynconv *p)
{
    int y;

    builder_layer(b, p->name);
    y = result_like(b, x, "y");
    forward_dropping(b, (struct op){
        .code = OP_dynconv,
        .operand = { [DYNCONV_X] = x, [DYNCONV_LOGITS] = p->logits,
                     [DYNCONV_ENDS] = p->ends, [DYNCONV_Y] = y },
        .attr.dynconv = { .heads = p->heads, .taps = p->taps,
                          .causal = p->causal }
    }, p->rate);
    return y;
}

int layer_attention(struct builder *b, int q, const struct attention *p)
{
    int y, lse;

    builder_layer(b, p->name);
    lse = builder_result(b, (struct value){
        .name = "lse", .dtype = DTYPE_F32, .rank = 2,
        .dim = { rows_of(b, q), p->heads }
    });
    y = result_like(b, q, "y");
    forward_dropping(b, (struct op){
        .code = OP_attention,
        .operand = { [ATTENTION_Q] = q, [ATTENTION_K] = p->k,
                     [ATTENTION_V] = p->v,
                     [ATTENTION_TARGET_ENDS] = p->target_ends,
                     [ATTENTION_SOURCE_ENDS] = p->source_ends,
                     [ATTENTION_LSE] = lse, [ATTENTION_Y] = y },
        .attr.attention = { .heads = p->heads, .sentence = p->sentence }
    }, p->rate);
    return y;
}

struct loss layer_token_loss(struct builder *b, int x,
                             const struct token_loss *p)
{
    int features = features_of(b, x), w;
    union attr attr = {
        .token_loss = { .tf32 = b->tf32, .smoothing = p->smoothing }
    };
    struct loss loss;

    builder_layer(b, p->name);
    w = builder_state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 2,
        .dim = { features, p->tokens },
        .init = { INIT_NORMAL, 1 / sqrtf((float)features) }
    });
    loss = builder_loss(b, NULL);
    loss.seed = (struct seed){ x, result_like(b, x, "dx") };
    builder_operation(b, PASS_FORWARD, IN_TRAIN, (struct op){
        .code = OP_token_loss,
        .operand = { [TOKEN_LOSS_X] = x, [TOKEN_LOSS_W] = w,
                     [TOKEN_LOSS_LABELS] = p->labels,
                     [TOKEN_LOSS_SCALE] = loss.scale,
                     [TOKEN_LOSS_METRICS] = loss.metrics,
                     [TOKEN_LOSS_DW] = graph_gradient(b->graph, w),
                     [TOKEN_LOSS_DX] = loss.seed.gradient },
        .attr = attr
    });
    builder_operation(b, PASS_FORWARD, IN_EVAL, (struct op){
        .code = OP_token_loss_eval,
        .operand = { [TOKEN_LOSS_EVAL_X] = x, [TOKEN_LOSS_EVAL_W] = w,
                     [TOKEN_LOSS_EVAL_LABELS] = p->labels,
                     [TOKEN_LOSS_EVAL_METRICS] = loss.metrics },
        .attr = attr
    });
    return loss;
}
