#include "graph/squeeze.h"
#include "models/model.h"

/* With more parts, each adds less than half a unit of the last place of a sum
 * in 16 bits. */
enum { PARTS_TO_NEAREST = 100 };

/* Whether sums over the parts of a batch are rounded stochastically. */
static bool rounds_sums(const struct settings *s)
{
    return s->microbatch > 0
           && s->batch / s->microbatch > PARTS_TO_NEAREST
           && s->precision != PRECISION_FP32
           && s->gradients == GRADIENTS_BUFFER;
}

static struct update update_from(const struct settings *s)
{
    struct update update = {
        .sums = rounds_sums(s),
        .master = s->master_weights == MASTER_WEIGHTS_FP32
                  && s->precision != PRECISION_FP32,
        .accumulates = s->gradients == GRADIENTS_ACCUMULATE,
        .scaled = s->optimizer_state == OPTIMIZER_STATE_8BIT
    };

    switch (s->optimizer) {
    case OPTIMIZER_SGD:
        update.optimizer = &optimizer_sgd;
        update.attr.update.sgd = (struct sgd){
            (float)s->momentum, (float)s->weight_decay, s->nesterov
        };
        break;
    case OPTIMIZER_ADAM:
        update.optimizer = &optimizer_adam;
        update.attr.update.adam = (struct adam){
            (float)s->momentum, (float)s->beta2, 1e-8f, (float)s->weight_decay
        };
    }
    return update;
}

/* Loss scaling is for binary16: bfloat16 has the range of fp32. */
static struct storage storage_from(const struct settings *s)
{
    static const enum dtype dtypes[] = {
        [PRECISION_FP32] = DTYPE_F32, [PRECISION_BF16] = DTYPE_BF16,
        [PRECISION_FP16] = DTYPE_F16
    };
    static const enum rewire_method rewirings[] = {
        [SPARSE_DSR] = REWIRE_DSR, [SPARSE_SET] = REWIRE_SET,
        [SPARSE_STATIC] = REWIRE_NONE
    };
    static const enum dtype saved[] = {
        [SAVED_NONE] = DTYPE_F32, [SAVED_8BIT] = DTYPE_8BIT,
        [SAVED_4BIT] = DTYPE_4BIT
    };

    return (struct storage){
        .dtype = dtypes[s->precision],
        .sparsity = s->sparsity,
        .rewire = rewirings[s->sparse_method],
        .saved = saved[s->saved],
        .update = update_from(s),
        .loss_scale = s->precision == PRECISION_FP16
    };
}

static const struct model *const models[] = {
    [MODEL_WRN] = &wrn_model,
    [MODEL_DYNAMICCONV] = &dynamicconv_model,
};

const struct model *model_of(const struct settings *s)
{
    return models[s->model];
}

bool model_check(const struct settings *s, const char *where,
                 struct error *e)
{
    return settings_check(s, where, e) && model_of(s)->check(s, where, e);
}

struct settings model_graph_settings(const struct settings *s)
{
    struct settings plain = *s;

    plain.microbatch = rounds_sums(s) ? s->batch / (PARTS_TO_NEAREST + 1) : 0;
    plain.recompute = RECOMPUTE_NONE;
    plain.checkpoint = CHECKPOINT_NONE;
    plain.memory_budget = 0;
    return plain;
}

struct graph *model_build(const struct settings *s)
{
    struct builder b = { .graph = graph_new(), .storage = storage_from(s),
                         .tf32 = s->tf32 };
    struct facts facts = facts_of(s);

    model_of(s)->build(&b, s, &facts);
    if (dtype_in_blocks(b.storage.saved))
        squeeze_offer(b.graph, b.storage.saved);
    return b.graph;
}
