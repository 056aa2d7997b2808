#include "graph/layer_text.h"

#include <math.h>

#include "kernels/beam.h"

/* A value of the shape and type of x, the result of the layer. */
static int result_like(struct builder *b, int x, const char *name)
{
    return builder_result(b, graph_like(b->graph, x, name, KIND_TRANSIENT));
}

/* Rows of a value, which may be an extent. */
static int length_of(const struct builder *b, int value)
{
    return b->graph->values[value].dim[0];
}

static int features_of(const struct builder *b, int value)
{
    return b->graph->values[value].dim[1];
}

/* Adds an operation whose attributes begin with those of dropout: with dropout
 * to training, without it to other programs. */
static void forward_dropping(struct builder *b, struct op op, float rate)
{
    int programs = b->programs;

    op.attr.dropout.rate = 0;
    if (rate > 0 && builder_programs(b) & IN_TRAIN) {
        struct op train = op;

        train.attr.dropout.rate = rate;
        train.attr.dropout.stream = builder_stream(b);
        builder_operation(b, PASS_FORWARD, IN_TRAIN, train);
        b->programs = builder_programs(b) & ~IN_TRAIN;
    }
    builder_forward(b, op);
    b->programs = programs;
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
        .dim = { length_of(b, tokens), p->features }
    });
    builder_forward(b, (struct op){
        .code = OP_embedding,
        .operand = { [EMBEDDING_TOKENS] = tokens, [EMBEDDING_W] = w,
                     [EMBEDDING_ENDS] = p->ends,
                     [EMBEDDING_POSITION] = p->position, [EMBEDDING_Y] = y },
        .attr.embedding.scale = p->ends || p->position ? root : 1
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
        .dim = { length_of(b, x), LAYER_STATS }
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

int layer_dynconv_step(struct builder *b, int x, const struct dynconv_step *p)
{
    int ring, y;

    builder_layer(b, p->name);
    ring = builder_result(b, (struct value){
        .name = "ring", .dtype = b->graph->values[x].dtype, .rank = 3,
        .dim = { p->taps, length_of(b, x), features_of(b, x) }
    });
    builder_operation(b, PASS_FORWARD, builder_programs(b), (struct op){
        .code = OP_zero, .operand = { [ZERO_X] = ring }
    });
    y = result_like(b, x, "y");
    builder_forward(b, (struct op){
        .code = OP_dynconv_step,
        .operand = { [DYNCONV_STEP_X] = x, [DYNCONV_STEP_LOGITS] = p->logits,
                     [DYNCONV_STEP_PARENTS] = p->parents,
                     [DYNCONV_STEP_STEP] = p->step,
                     [DYNCONV_STEP_RING] = ring, [DYNCONV_STEP_Y] = y },
        .attr.dynconv = { .heads = p->heads, .taps = p->taps, .causal = true }
    });
    return y;
}

int layer_attention(struct builder *b, int q, const struct attention *p)
{
    int y, lse;

    builder_layer(b, p->name);
    lse = builder_result(b, (struct value){
        .name = "lse", .dtype = DTYPE_F32, .rank = 2,
        .dim = { length_of(b, q), p->heads }
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

static int output_matrix(struct builder *b, int x, int tokens)
{
    int features = features_of(b, x);

    return builder_state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 2,
        .dim = { features, tokens },
        .init = { INIT_NORMAL, 1 / sqrtf((float)features) }
    });
}

struct loss layer_token_loss(struct builder *b, int x,
                             const struct token_loss *p)
{
    int w;
    union attr attr = {
        .token_loss = { .tf32 = b->tf32, .smoothing = p->smoothing }
    };
    struct loss loss;
    struct op op;
    int dw;

    builder_layer(b, p->name);
    w = output_matrix(b, x, p->tokens);
    loss = builder_loss(b, NULL);
    loss.seed = (struct seed){ x, result_like(b, x, "dx") };
    dw = update_gradient(b->graph, &b->storage.update, w);
    op = (struct op){
        .code = OP_token_loss, .pass = PASS_FORWARD, .programs = IN_TRAIN,
        .layer = b->layer,
        .operand = { [TOKEN_LOSS_X] = x, [TOKEN_LOSS_W] = w,
                     [TOKEN_LOSS_LABELS] = p->labels,
                     [TOKEN_LOSS_SCALE] = loss.scale,
                     [TOKEN_LOSS_METRICS] = loss.metrics,
                     [TOKEN_LOSS_DW] = dw,
                     [TOKEN_LOSS_DX] = loss.seed.gradient },
        .attr = attr
    };
    update_with(b->graph, &b->storage.update, &op, &dw, 1);
    builder_operation(b, PASS_FORWARD, IN_EVAL, (struct op){
        .code = OP_token_loss_eval,
        .operand = { [TOKEN_LOSS_EVAL_X] = x, [TOKEN_LOSS_EVAL_W] = w,
                     [TOKEN_LOSS_EVAL_LABELS] = p->labels,
                     [TOKEN_LOSS_EVAL_METRICS] = loss.metrics },
        .attr = attr
    });
    return loss;
}

/* A value of the search: int32, but for scores. */
static int of_search(struct builder *b, const char *name, enum dtype dtype,
                     int rank, int rows, int columns)
{
    return builder_result(b, (struct value){
        .name = name, .dtype = dtype, .rank = rank, .dim = { rows, columns }
    });
}

static union attr beam_attr(const struct beam *p)
{
    return (union attr){
        .beam = { p->hypotheses, p->length_penalty, p->ratio, p->extra }
    };
}

struct beam_search layer_beam_start(struct builder *b, const char *name,
                                    int source_ends, const struct beam *p)
{
    const int samples = DIM_SAMPLES, rows = DIM_HYPOTHESES;
    struct beam_search s;

    builder_layer(b, name);
    s = (struct beam_search){
        .target_ends = of_search(b, "ends", DTYPE_I32, 1, samples, 0),
        .step = of_search(b, "step", DTYPE_I32, 1, 1, 0),
        .unfinished = of_search(b, "unfinished", DTYPE_I32, 1, 1, 0),
        .scores = of_search(b, "scores", DTYPE_F32, 1, rows, 0),
        .tokens = of_search(b, "tokens", DTYPE_I32, 1, rows, 0),
        .state = of_search(b, "state", DTYPE_I32, 2, samples, BEAM_STATES),
        .best = of_search(b, "best", DTYPE_F32, 1, samples, 0),
        .history = of_search(b, "history", DTYPE_I32, 2, p->longest, rows),
        .parents = of_search(b, "parents", DTYPE_I32, 2, p->longest, rows)
    };
    builder_forward(b, (struct op){
        .code = OP_beam_start,
        .operand = { [BEAM_START_SOURCE_ENDS] = source_ends,
                     [BEAM_START_TARGET_ENDS] = s.target_ends,
                     [BEAM_START_STEP] = s.step,
                     [BEAM_START_UNFINISHED] = s.unfinished,
                     [BEAM_START_SCORES] = s.scores,
                     [BEAM_START_TOKENS] = s.tokens,
                     [BEAM_START_STATE] = s.state,
                     [BEAM_START_BEST] = s.best,
                     [BEAM_START_HISTORY] = s.history,
                     [BEAM_START_PARENTS] = s.parents },
        .attr = beam_attr(p)
    });
    b->graph->unfinished = s.unfinished;
    return s;
}

void layer_beam(struct builder *b, int x, const char *name, int tokens,
                const struct beam_search *s, const struct beam *p)
{
    int w;

    builder_layer(b, name);
    w = output_matrix(b, x, tokens);
    builder_forward(b, (struct op){
        .code = OP_beam,
        .operand = { [BEAM_X] = x, [BEAM_W] = w, [BEAM_STEP] = s->step,
                     [BEAM_UNFINISHED] = s->unfinished,
                     [BEAM_SCORES] = s->scores, [BEAM_TOKENS] = s->tokens,
                     [BEAM_STATE] = s->state, [BEAM_BEST] = s->best,
                     [BEAM_HISTORY] = s->history,
                     [BEAM_PARENTS] = s->parents },
        .attr = beam_attr(p)
    });
}

void layer_beam_end(struct builder *b, const char *name,
                    const struct beam_search *s, const struct beam *p)
{
    int translations;

    builder_layer(b, name);
    translations = of_search(b, "translations", DTYPE_I32, 2, DIM_SAMPLES,
                             p->longest);
    builder_operation(b, PASS_UPDATE, builder_programs(b), (struct op){
        .code = OP_beam_end,
        .operand = { [BEAM_END_STATE] = s->state,
                     [BEAM_END_HISTORY] = s->history,
                     [BEAM_END_PARENTS] = s->parents,
                     [BEAM_END_TRANSLATIONS] = translations }
    });
    builder_operation(b, PASS_UPDATE, builder_programs(b), (struct op){
        .code = OP_report,
        .operand = { [REPORT_TRANSLATIONS] = translations }
    });
}
