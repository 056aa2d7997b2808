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
 *
 * The decoder is added twice: for training and evaluation over the rows of
 * target sentences, and, with the same weights, for a step of a translation
 * over the rows of hypotheses.
 */
#include "models/dynamicconv.h"

#include <stdio.h>
#include <stdlib.h>

#include "models/model.h"

/* A model while it is put together. */
struct translator {
    struct builder *b;
    const struct dynamicconv *sizes;
    int source, source_ends;             /* as loaded */
    int previous, labels, target_ends;
    struct beam_search search;           /* while translating, else empty */
};

/* Where translations are made, operations over hypotheses are of PASS_DECODE;
 * those over source rows, which do not change, come before. */
static void over_source(struct translator *t)
{
    t->b->decoding = false;
}

static void over_target(struct translator *t)
{
    t->b->decoding = t->search.step != VALUE_NONE;
}

/* The rows of one language. */
struct stream_of_text {
    int tokens, ends;
    int position;        /* of all tokens, or VALUE_NONE */
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

    if (causal && t->search.step)
        y = layer_dynconv_step(t->b, y, &(struct dynconv_step){
            .name = "dynconv", .logits = logits, .heads = s->heads,
            .parents = t->search.parents, .step = t->search.step, .taps = taps
        });
    else
        y = layer_dynconv(t->b, y, &(struct dynconv){
            .name = "dynconv", .logits = logits, .ends = ends,
            .heads = s->heads, .taps = taps, .causal = causal,
            .rate = s->weight_dropout
        });
    y = matrix(t, y, "linear2", s->features, 1, false);
    return end_sublayer(t, x, y, ends, "conv_sum", "conv_norm");
}

/* fairseq drew the matrices of queries, keys and values as one. */
static const float third = 0.70710678f;

static int attention(struct translator *t, int x, int memory)
{
    const struct dynamicconv *s = t->sizes;
    int k, v, q, y;

    over_source(t);
    k = matrix(t, memory, "k", s->features, third, false);
    v = matrix(t, memory, "v", s->features, third, false);
    over_target(t);
    q = matrix(t, x, "q", s->features, third, false);
    y = layer_attention(t->b, q, &(struct attention){
        .name = "attention", .k = k, .v = v, .target_ends = t->target_ends,
        .source_ends = t->source_ends, .heads = s->heads,
        .rate = s->attention_dropout, .sentence = s->sentence
    });
    y = matrix(t, y, "out", s->features, 1, false);
    return end_sublayer(t, x, y, t->target_ends, "attention_sum",
                        "attention_norm");
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
        .features = t->sizes->features,
        .ends = text.position ? VALUE_NONE : text.ends,
        .position = text.position
    });
    return layer_dropout(t->b, x, &(struct dropout_add){
        .name = "dropout", .ends = text.ends, .rate = t->sizes->dropout
    });
}

static int layer_taps(const struct dynamicconv_stack *stack, int layer)
{
    return stack->taps[layer < stack->listed ? layer : stack->listed - 1];
}

static int encoder_of(struct translator *t)
{
    const struct dynamicconv_stack *stack = &t->sizes->encoder;
    struct stream_of_text text = { t->source, t->source_ends, VALUE_NONE };
    int x = embed(t, "encoder", text, t->sizes->source_vocabulary);

    for (int i = 0; i < stack->layers; i++) {
        builder_begin_block(t->b, "e%d", i + 1);
        x = convolution(t, x, t->source_ends, layer_taps(stack, i), false);
        x = feed_forward(t, x, t->source_ends);
    }
    return x;
}

static int decoder_of(struct translator *t, int memory)
{
    const struct dynamicconv_stack *stack = &t->sizes->decoder;
    struct stream_of_text text = { t->previous, t->target_ends,
                                   t->search.step };
    int x = embed(t, "decoder", text, t->sizes->target_vocabulary);

    for (int i = 0; i < stack->layers; i++) {
        builder_begin_block(t->b, "d%d", i + 1);
        x = convolution(t, x, t->target_ends, layer_taps(stack, i), true);
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

/* The load of a translation: the same values, source alone. */
static void load_alone(struct translator *t)
{
    t->b->programs = IN_TRANSLATE;
    builder_layer(t->b, "input");
    builder_forward(t->b, (struct op){
        .code = OP_load, .operand = { [LOAD_STREAM_0] = t->source,
                                      [LOAD_STREAM_1] = t->source_ends }
    });
    t->b->programs = 0;
}

/* The output matrix. */
static const char output[] = "loss";

/* Translations of what the encoder made of the source: the decoder again. */
static void translate(struct translator *t, int memory)
{
    const struct beam *beam = &t->sizes->beam;
    int x;

    t->b->programs = IN_TRANSLATE;
    builder_begin_block(t->b, "search");
    t->search = layer_beam_start(t->b, "start", t->source_ends, beam);
    t->previous = t->search.tokens;
    t->target_ends = t->search.target_ends;
    over_target(t);
    x = decoder_of(t, memory);
    builder_begin_block(t->b, "head");
    layer_beam(t->b, x, output, t->sizes->target_vocabulary, &t->search, beam);
    over_source(t);
    builder_begin_block(t->b, "search");
    layer_beam_end(t->b, "end", &t->search, beam);
    t->b->programs = 0;
}

/* Adds training and evaluation by the loss of the decoder's result. */
static void learn(struct translator *t, int x)
{
    struct builder *b = t->b;
    struct loss loss;

    builder_begin_block(b, "head");
    loss = layer_token_loss(b, x, &(struct token_loss){
        .name = output, .tokens = t->sizes->target_vocabulary,
        .labels = t->labels, .smoothing = t->sizes->smoothing
    });
    if (b->graph->pool)
        graph_pool_close(b->graph, graph_layer(b->graph, "pool"),
                         b->storage.sparsity);
    b->storage.update.scale = loss.scale;
    grad_build(b->graph, &loss.seed, 1, b->storage.update);
    builder_rewire(b);
    builder_loss_end(b, &loss);
}

void dynamicconv_build(struct builder *b, const struct dynamicconv *sizes)
{
    struct translator t = { .b = b, .sizes = sizes };
    bool translates = sizes->beam.hypotheses > 0;
    int memory;

    if (b->storage.sparsity > 0)
        graph_pool_open(b->graph);
    load_pairs(&t);
    if (translates)
        load_alone(&t);
    b->programs = translates ? IN_BOTH | IN_TRANSLATE : IN_BOTH;
    memory = encoder_of(&t);
    b->programs = 0;
    learn(&t, decoder_of(&t, memory));
    if (translates)
        translate(&t, memory);
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
        .sentence = facts->text.sentence,
        .beam = { .hypotheses = s->bleu_every ? s->beam : 0,
                  .length_penalty = (float)s->length_penalty,
                  .longest = facts->text.longest,
                  .ratio = 1.2f, .extra = 10 }
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
    int step = s->heads % 2 ? 2 * s->heads : s->heads;
    struct dynamicconv sizes;

    if (!facts.text.target_vocabulary)
        return error_set(e, EXIT_INPUT, "%s: model: dynamicconv learns from "
                         "sentence pairs, not from %s; use data=numbers or "
                         "data=parallel", where, facts.items);
    if (s->features % step)
        return error_set(e, EXIT_INPUT, "%s: features: %d is not even, or "
                         "not a multiple of heads, %d; set other heads, or "
                         "features=%d", where, s->features, s->heads,
                         s->features < step ? step
                                            : s->features / step * step);
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
