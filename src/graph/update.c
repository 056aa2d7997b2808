#include "graph/update.h"

#include <assert.h>
#include <string.h>

/* Smaller moments are not worth their scales, and more sensitive (Dettmers et
 * al. 2022). */
enum { SCALED_FROM = 4096 };

/* What random words round, with the weight they are drawn for: the weight, one
 * of its moments, or the sum of its gradients, which counts as one more. */
enum { OF_MOMENT = 1 << 30, MOMENT_SUM = 2 };

static uint32_t random_stream(const struct graph *g, int weight, int moment)
{
    uint32_t of_moment = (uint32_t)(moment + 1) * OF_MOMENT;

    return (uint32_t)g->values[weight].ordinal | of_moment;
}

/* The value that stores a weight: its pool's, or itself. */
static int stored(const struct graph *g, int weight)
{
    return graph_is_view(g, weight) ? g->values[weight].part_of : weight;
}

static int add_moment(struct graph *g, int weight, const char *name,
                      enum dtype dtype, enum init_rule rule)
{
    struct value v = graph_like(g, weight, name, KIND_OPTIMIZER);

    v.dtype = dtype;
    v.of = weight;
    v.init.rule = rule;
    return graph_value(g, &v);
}

static enum dtype moment_dtype(const struct graph *g, const struct update *u,
                               const struct moment *m, int weight)
{
    static const struct extents none;
    struct operand o = graph_operand(g, weight, &none);

    if (u->scaled && operand_elements(&o) >= SCALED_FROM)
        return m->root ? DTYPE_U8 : DTYPE_I8;
    return dtype_is_narrow(o.dtype) && m->narrow != DTYPE_F32 ? m->narrow
                                                              : o.dtype;
}

/* Moment i of a weight with storage, which is added if it is not there. */
static int moment(struct graph *g, const struct update *u, int weight, int i)
{
    const struct moment *m = &u->optimizer->moment[i];
    int found = graph_moment(g, weight, m->name);

    return found ? found
                 : add_moment(g, weight, m->name,
                              moment_dtype(g, u, m, weight), INIT_CONSTANT);
}

/* The same as operations on all of its elements see it. Scales are those of a
 * pool's groups, so the index is read with it. */
static int whole_moment(struct graph *g, const struct update *u, int weight,
                        int i)
{
    int found = moment(g, u, weight, i);
    struct value v = g->values[found];

    if (!graph_is_pool(g, found) || !dtype_is_scaled(v.dtype))
        return found;
    v.part_of = found;
    v.member = POOL_ALL;
    return graph_value(g, &v);
}

/* The same of a weight that may be a member of the pool. */
static int moment_of_any(struct graph *g, const struct update *u, int weight,
                         int i)
{
    int found = moment(g, u, stored(g, weight), i);
    struct value v = graph_like(g, weight, g->values[found].name,
                                KIND_OPTIMIZER);

    if (!graph_is_view(g, weight))
        return found;
    v.dtype = g->values[found].dtype;
    v.of = weight;
    v.part_of = found;
    v.member = g->values[weight].member;
    return graph_value(g, &v);
}

static void add_blend(struct graph *g, struct op like, struct blend blend,
                      int x, int y)
{
    like.code = OP_blend;
    like.attr = (union attr){ .blend = blend };
    memset(like.operand, 0, sizeof(like.operand));
    like.operand[BLEND_X] = x;
    like.operand[BLEND_Y] = y;
    graph_op(g, &like);
}

static bool is_adam(const struct update *u)
{
    return u->optimizer->code == OP_adam;
}

/* The decay of moment i, before the first part. Weight decay joins SGD's. */
static struct blend decay_of(const struct update *u, int i)
{
    const struct adam *adam = &u->attr.update.adam;
    const struct sgd *sgd = &u->attr.update.sgd;
    bool root = u->optimizer->moment[i].root;

    if (is_adam(u))
        return (struct blend){ .root = root,
                               .keep = root ? adam->beta2 : adam->beta1 };
    return (struct blend){ .keep = sgd->momentum,
                           .share = sgd->weight_decay };
}

/* The share of a part's gradient in it. */
static struct blend addition_to(const struct update *u, int i)
{
    struct blend decay = decay_of(u, i);

    return (struct blend){ .root = decay.root, .of_part = true, .keep = 1,
                           .share = is_adam(u) ? 1 - decay.keep : 1 };
}

/* Begins to accumulate in the moments of a weight with storage. */
static void begin_moments(struct graph *g, const struct update *u, int weight)
{
    struct op like = { .pass = PASS_PREPARE, .programs = IN_TRAIN,
                       .layer = g->values[weight].layer };

    if (graph_moment(g, weight, u->optimizer->moment[0].name))
        return;
    for (int i = 0; i < u->optimizer->moments; i++) {
        struct blend blend = decay_of(u, i);

        blend.stream = random_stream(g, weight, i);
        add_blend(g, like, blend, blend.share > 0 ? weight : VALUE_NONE,
                  whole_moment(g, u, weight, i));
    }
}

int update_gradient(struct graph *g, const struct update *u, int weight)
{
    struct value v = graph_like(g, weight, "gradient", KIND_TRANSIENT);
    int gradient, in = stored(g, weight);

    if (!u->accumulates && !u->sums)
        return graph_gradient(g, weight);
    v.of = weight;
    if (u->sums) {
        graph_gradient(g, weight);
        return graph_value(g, &v);
    }
    begin_moments(g, u, in);
    gradient = graph_value(g, &v);
    g->values[weight].gradient = g->values[in].gradient = gradient;
    return gradient;
}

/* The sum takes a gradient from the operation `from`. */
static void sum_part(struct graph *g, const struct op *from, int gradient)
{
    int weight = g->values[gradient].of;
    struct blend blend = {
        .of_part = true, .keep = 1, .share = 1,
        .stream = random_stream(g, stored(g, weight), MOMENT_SUM)
    };

    add_blend(g, *from, blend, gradient, graph_gradient(g, weight));
}

/* Moments take a gradient from the operation `from`. Members of a pool that
 * share a group each round it by numbers of their own. */
static void take_gradient(struct graph *g, const struct update *u,
                          const struct op *from, int gradient)
{
    int weight = g->values[gradient].of;

    for (int i = 0; i < u->optimizer->moments; i++) {
        struct blend blend = addition_to(u, i);

        blend.stream = random_stream(g, weight, i);
        add_blend(g, *from, blend, gradient, moment_of_any(g, u, weight, i));
    }
}

void update_with(struct graph *g, const struct update *u,
                 const struct op *op, const int gradient[], int gradients)
{
    bool taken = u->accumulates || u->sums;

    for (int i = 0; taken && i < gradients; i++) {
        struct op zero = { .code = OP_zero, .pass = op->pass,
                           .programs = op->programs, .layer = op->layer,
                           .forward = op->forward,
                           .operand = { [ZERO_X] = gradient[i] } };

        graph_op(g, &zero);
    }
    graph_op(g, op);
    for (int i = 0; taken && i < gradients; i++)
        if (u->sums)
            sum_part(g, op, gradient[i]);
        else
            take_gradient(g, u, op, gradient[i]);
}

/* The optimizer's operation, with the gradient of a whole batch. */
static void add_update(struct graph *g, const struct update *u, int weight,
                       int gradient)
{
    const struct optimizer *by = u->optimizer;
    struct value w = g->values[weight];
    struct op op = {
        .code = by->code, .pass = PASS_UPDATE, .programs = IN_TRAIN,
        .layer = w.layer, .attr = u->attr
    };

    op.attr.update.stream = (uint32_t)w.ordinal;
    op.operand[by->gradient] = gradient;
    op.operand[by->scale] = u->scale;
    for (int i = 0; i < by->moments; i++)
        op.operand[by->moment[i].slot] = whole_moment(g, u, weight, i);
    if (u->master && w.dtype != DTYPE_F32)
        op.operand[by->master] =
            add_moment(g, weight, "master", DTYPE_F32, INIT_COPY);
    op.operand[by->w] = weight;
    graph_op(g, &op);
}

/* Whether a value is a weight's gradient, with storage of its own. */
static bool is_gradient(const struct graph *g, int value)
{
    return g->values[value].kind == KIND_GRADIENTS && !graph_is_view(g, value);
}

static void update_from_gradients(struct graph *g, const struct update *u)
{
    int values = g->value_count;

    for (int i = 1; u->scale && i < values; i++)
        if (is_gradient(g, i))
            graph_op(g, &(struct op){
                .code = OP_check_finite, .pass = PASS_UPDATE,
                .programs = IN_TRAIN, .layer = g->values[i].layer,
                .operand = { [CHECK_FINITE_GRADIENT] = i,
                             [CHECK_FINITE_SCALE] = u->scale }
            });
    for (int i = 1; i < values; i++)
        if (is_gradient(g, i))
            add_update(g, u, g->values[i].of, i);
}

/* Moves a weight by its moments, which have taken all gradients. */
static void apply_moments(struct graph *g, const struct update *u, int weight)
{
    struct op op = { .pass = PASS_UPDATE, .programs = IN_TRAIN,
                     .layer = g->values[weight].layer, .attr = u->attr };
    struct blend step = { .stream = random_stream(g, weight, -1), .keep = 1,
                          .share = -1, .by_rate = true };

    if (!is_adam(u)) {
        add_blend(g, op, step, whole_moment(g, u, weight, 0), weight);
        return;
    }
    op.code = OP_adam_apply;
    op.attr.update.stream = step.stream;
    op.operand[ADAM_APPLY_MEAN] = whole_moment(g, u, weight, 0);
    op.operand[ADAM_APPLY_ROOT] = whole_moment(g, u, weight, 1);
    op.operand[ADAM_APPLY_W] = weight;
    graph_op(g, &op);
}

static void update_from_moments(struct graph *g, const struct update *u)
{
    const char *name = u->optimizer->moment[0].name;
    int values = g->value_count;

    assert(!u->scale && !u->master);
    for (int i = 1; i < values; i++)
        if (g->values[i].kind == KIND_WEIGHTS && graph_moment(g, i, name) &&
            !graph_is_view(g, i))
            apply_moments(g, u, i);
}

void update_weights(struct graph *g, const struct update *u)
{
    g->optimizer = u->optimizer;
    if (u->accumulates)
        update_from_moments(g, u);
    else
        update_from_gradients(g, u);
}
