#include "plan/policy.h"

#include <limits.h>

#include "data/dataset.h"
#include "settings/facts.h"

/* A sentence may be the longest; of more the mean is what there must be room
 * for. */
static struct translated translated_from(const struct settings *s)
{
    struct text_facts text = facts_of(s).text;

    return (struct translated){
        { { [EXTENT_SAMPLES] = 1, [EXTENT_SOURCE] = text.longest,
            [EXTENT_HYPOTHESES] = s->beam } },
        { { [EXTENT_SAMPLES] = 1, [EXTENT_SOURCE] = text.sentence,
            [EXTENT_HYPOTHESES] = s->beam } }
    };
}

struct policy policy_from(const struct settings *s)
{
    return (struct policy){
        .cut = dataset_cut(s),
        .translated = translated_from(s),
        .recompute = s->recompute,
    };
}

/* A batch norm that has only one value per channel at these extents: its
 * operation, or -1. */
static int starved_norm(const struct graph *g, const struct extents *extents)
{
    for (int i = 0; i < g->op_count; i++) {
        const struct op *op = &g->ops[i];
        struct operand x;
        if (op->code != OP_bn_stats)
            continue;
        x = graph_operand(g, op->operand[BN_STATS_X], extents);
        if (operand_rows(&x) == 1)
            return i;
    }
    return -1;
}

/* The nearest microbatch that starves no batch norm, of two the one that takes
 * less memory; 0 if there is none. */
static int nearest_microbatch(const struct graph *g, const struct settings *s)
{
    struct settings other = *s;
    int from = s->microbatch ? s->microbatch : s->batch;

    for (int d = 1; d < s->batch; d++)
        for (int m = from - d; m <= from + d; m += 2 * d) {
            struct cut cut;
            if (m < 1 || m > s->batch)
                continue;
            other.microbatch = m;
            cut = dataset_cut(&other);
            if (starved_norm(g, &cut.least) < 0)
                return m;
        }
    return 0;
}

static bool check_norms(const struct graph *g, const struct settings *s,
                        struct error *e)
{
    struct cut cut = dataset_cut(s);
    int starved = starved_norm(g, &cut.least), nearest;
    const char *name;

    if (starved < 0)
        return true;
    name = g->layers[g->ops[starved].layer].name;
    nearest = nearest_microbatch(g, s);
    if (!nearest)
        return error_set(e, EXIT_INPUT,
                         "batch: %d leaves batch norm %s a single value per "
                         "channel; raise it to at least 2", s->batch, name);
    return error_set(e, EXIT_INPUT,
                     "microbatch: %d of a batch of %d leaves batch norm %s a "
                     "single value per channel; the nearest that works is %d",
                     s->microbatch ? s->microbatch : s->batch, s->batch, name,
                     nearest);
}

static bool refuse_pool(const struct graph *g, const struct settings *s,
                        struct error *e)
{
    return error_set(e, EXIT_INPUT, "sparsity: %g leaves %zu weights of %zu, "
                     "more than can be indexed; raise it, or train a smaller "
                     "network", s->sparsity, g->pool->nonzeros,
                     g->pool->elements);
}

/* Updates go through a weight as through one row, and count in int. */
static bool check_weights(const struct graph *g, struct error *e)
{
    for (int i = 0; i < g->value_count; i++) {
        const struct value *v = &g->values[i];
        double elements = 1;

        if (v->kind != KIND_WEIGHTS)
            continue;
        for (int d = 0; d < v->rank; d++)
            elements *= v->dim[d];
        if (elements > INT_MAX)
            return error_set(e, EXIT_INPUT, "layer %s: %.0f weights are more "
                             "than %d, the most of a layer; train a smaller "
                             "network", g->layers[v->layer].name, elements,
                             INT_MAX);
    }
    return true;
}

bool policy_check(const struct graph *g, const struct settings *s,
                  struct error *e)
{
    if (!check_weights(g, e))
        return false;
    if (!graph_pool_fits(g))
        return refuse_pool(g, s, e);
    return check_norms(g, s, e);
}
