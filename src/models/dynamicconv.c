/*
 * DynamicConv (Wu, Fan, Baevski, Dauphin and Auli 2019) without GLU, as
 * fairseq's lightconv_iwslt_de_en: an encoder and a decoder of post-norm
 * layers on packed sentences. Each sublayer is
 *
 *     x = norm(x + dropout(sublayer(x)))
 *
 * An encoder layer has a dynamic convolution and a feed-forward sublayer; a
 * decoder layer has attention to the encoder's result between them. All
 * matrices of the layers are of the pool.
 */
#include "models/dynamicconv.h"

#include <stdio.h>
#include <stdlib.h>

#include "graph/layer_text.h"
#include "models/model.h"

/* A model while it is put together. */
struct translator {
    struct builder *b;
    const struct dynamicconv *sizes;
    int source, source_ends;             /* as loaded */
    int previous, labels, target_ends;
};

/* The rows of one language. */
struct stream_of_text {
    int tokens, ends;
};

static int matrix(struct translator *t, int x, const char *name, int features,
                  float gain, bool bare)
{
    return layer_linear(t->b, x, &(struct linear){
        .name = name, .features = features, .gain = gain, .bare = bare,
        .sparse = true
    });
}

/* The end of a sublayer with result y: norm(x + dropout(y)). */
static int end_sublayer(struct translator *t, int x, int y, int ends,
                        const char *sum, const char *norm)
{
    y = layer_dropout(t->b, y, &(struct dropout_add){
        .name = sum, .ends = ends, .rate = t->sizes->dropout, .add = x
    });
    return layer_norm(t->b, y, &(struct layer_norm){ .name = norm });
}

/* The convolution's kernels are predicted from its own input. */
static int convolution(struct translator *t, int x, int ends, int taps,
                       bool causal)
{
    const struct dynamicconv *s = t->sizes;
    int y = matrix(t, x, "linear1", s->features, 1, false);
    int logits = matrix(t, y, "kernels", s->heads * taps, 0, true);

    y = layer_dynconv(t->b, y, &(struct dynconv){
        .name = "dynconv", .logits = logits, .ends = ends, .heads = s->heads,
        .taps = taps, .causal = causal, .rate = s->weight_dropout
    });
    y = matrix(t, y, "linear2", s->features, 1, false);
    return end_sublayer(t, x, y, ends, "conv_sum", "conv_norm");
}

/* fairseq drew the matrices of queries, keys and values as one. */
static const float third = 0.70710678f;

static int attention(struct translator *t, int x, int memory)
{
    const struct dynamicconv *s = t->sizes;
    int k = matrix(t, memory, "k", s->features, third, false);
    int v = matrix(t, memory, "v", s->features, third, false);
    int q = matrix(t, x, "q", s->features, third, false);
    int y = layer_attention(t->b, q, &(struct attention){
        .name = "attention", .k = k, .v = v, .target_ends = t->target_ends,
        .source_ends = t->source_ends, .heads = s->heads,
        .rate = s->attention_dropout, .sentence = s->sentence
    });

    y = matrix(t, y, "out", s->features, 1, false);
    return end_sublayer(t, x, y, t->target_ends, "attention_sum", "attention_norm");
}

static int feed_forward(struct translator *t, int x, int ends)
{
    int y = matrix(t, x, "fc1", t->sizes->hidden, 1, false);

    y = layer_relu(t->b, y, &(struct relu){ .name = "relu" });
    y = matrix(t, y, "fc2", t->sizes->features, 1, false);
    return end_sublayer(t, x, y, ends, "fc_sum", "fc_norm");
}

/* Tokens as vectors, with their positions. */
static int embed(struct translator *t, const char *block,
                 struct stream_of_text text, int vocabulary)
{
    int x;

    builder_begin_block(t->b, "%s", block);
    x = layer_embedding(t->b, text.tokens, &(struct embedding){
        .name = "embedding", .tokens = vocabulary,
        .features = t->sizes->features, .ends = text.ends
    });
    return layer_dropout(t->b, x, &(struct dropout_add){
        .name = "dropout", .ends = text.ends, .rate = t->sizes->dropout
    });
}

static int taps_of(const struct dynamicconv_stack *stack, int layer)
{
    return stack->taps[layer < stack->listed ? layer : stack->listed - 1];
}

static int encoder_of(struct translator *t)
{
    const struct dynamicconv_stack *stack = &t->sizes->encoder;
    int x = embed(t, "encoder", (struct stream_of_text){ t->source,
                                                         t->source_ends },
                  t->sizes->source_vocabulary);

    for (int i = 0; i < stack->layers; i++) {
        builder_begin_block(t->b, "e%d", i + 1);
        x = convolution(t, x, t->source_ends, taps_of(stack, i), false);
        x = feed_forward(t, x, t->source_ends);
    }
    return x;
}

static int decoder_of(struct translator *t, int memory)
{
    const struct dynamicconv_stack *stack = &t->sizes->decoder;
    int x = embed(t, "decoder", (struct stream_of_text){ t->previous,
                                                         t->target_ends },
                  t->sizes->target_vocabulary);

    for (int i = 0; i < stack->layers; i++) {
        builder_begin_block(t->b, "d%d", i + 1);
        x = convolution(t, x, t->target_ends, taps_of(stack, i), true);
        x = attention(t, x, memory);
        x = feed_forward(t, x, t->target_ends);
    }
    return x;
}

static void load_pairs(struct translator *t)
{
    int values[LOAD_STREAMS];

    layer_load(t->b, &(struct load){
        "input", { { .name = "source", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_SOURCE } },
                   { .name = "source.ends", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_SAMPLES } },
                   { .name = "previous", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_TARGET } },
                   { .name = "labels", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_TARGET } },
                   { .name = "target.ends", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_SAMPLES } } }
    }, values);
    t->source = values[0];
    t->source_ends = values[1];
    t->previous = values[2];
    t->labels = values[3];
    t->target_ends = values[4];
}

void dynamicconv_build(struct builder *b, const struct dynamicconv *sizes)
{
    struct translator t = { .b = b, .sizes = sizes };
    struct loss loss;
    int x;

    if (b->storage.sparsity > 0)
        graph_pool_open(b->graph);
    load_pairs(&t);
    x = decoder_of(&t, encoder_of(&t));
    builder_begin_block(b, "head");
    loss = layer_token_loss(b, x, &(struct token_loss){
        .name = "loss", .tokens = sizes->target_vocabulary,
        .labels = t.labels, .smoothing = sizes->smoothing
    });
    if (b->graph->pool)
        graph_pool_close(b->graph, graph_layer(b->graph, "pool"),
                         b->storage.sparsity);
    b->storage.update.scale = loss.scale;
    grad_build(b->graph, &loss.seed, 1, b->storage.update);
    builder_rewire(b);
    builder_loss_end(b, &loss);
}

static void dynamicconv_title(const struct settings *s, char *text,
                              size_t size)
{
    snprintf(text, size, "dynamicconv %d+%d x %d", s->encoder_layers,
             s->decoder_layers, s->features);
}

/* Reads a list of taps: "3,7,15". */
static bool read_taps(const char *name, const char *text, int layers,
                      struct dynamicconv_stack *stack, const char *where,
                      struct error *e)
{
    const char *at = text;

    *stack = (struct dynamicconv_stack){ .layers = layers };
    do {
        char *end;
        long taps = strtol(at, &end, 10);

        if (end == at || (*end != ',' && *end) || taps < 1 || taps > 255 ||
            taps % 2 == 0)
            return error_set(e, EXIT_INPUT, "%s: %s: '%s' is no list of odd "
                             "numbers from 1 to 255, such as 3,7,15,31",
                             where, name, text);
        if (stack->listed == (int)(sizeof(stack->taps) / sizeof(int)))
            return error_set(e, EXIT_INPUT, "%s: %s: more than 16 numbers; "
                             "the last one holds for all further layers",
                             where, name);
        stack->taps[stack->listed++] = (int)taps;
        at = *end ? end + 1 : NULL;
    } while (at);
    return true;
}

/* The sizes that settings and the facts of their data say. */
static bool sizes_from(const struct settings *s, const struct facts *facts,
                       struct dynamicconv *sizes, const char *where,
                       struct error *e)
{
    *sizes = (struct dynamicconv){
        .features = s->features, .hidden = s->hidden, .heads = s->heads,
        .dropout = (float)s->dropout,
        .attention_dropout = (float)s->attention_dropout,
        .weight_dropout = (float)s->weight_dropout,
        .smoothing = (float)s->smoothing,
        .source_vocabulary = facts->text.source_vocabulary,
        .target_vocabulary = facts->text.target_vocabulary,
        .sentence = facts->text.sentence
    };
    return read_taps("encoder_kernels", s->encoder_kernels, s->encoder_layers,
                     &sizes->encoder, where, e) &&
           read_taps("decoder_kernels", s->decoder_kernels, s->decoder_layers,
                     &sizes->decoder, where, e);
}

static bool dynamicconv_check(const struct settings *s, const char *where,
                              struct error *e)
{
    struct facts facts = facts_of(s);
    struct dynamicconv sizes;

    if (!facts.text.target_vocabulary)
        return error_set(e, EXIT_INPUT, "%s: model: dynamicconv learns from "
                         "sentence pairs, not from %s; use data=numbers or "
                         "data=parallel", where, facts.items);
    if (s->features % s->heads || s->features % 2)
        return error_set(e, EXIT_INPUT, "%s: features: %d is not even, or "
                         "not a multiple of %d heads; the nearest is %d",
                         where, s->features, s->heads,
                         (s->features / (2 * s->heads) + 1) * 2 * s->heads);
    return sizes_from(s, &facts, &sizes, where, e);
}

static void build_from_settings(struct builder *b, const struct settings *s,
                                const struct facts *facts)
{
    struct dynamicconv sizes;
    struct error e;

    if (sizes_from(s, facts, &sizes, "", &e))
        dynamicconv_build(b, &sizes);
}

const struct model dynamicconv_model = { dynamicconv_title, dynamicconv_check,
                                         build_from_settings };
