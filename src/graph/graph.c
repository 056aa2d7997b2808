#include "graph/graph.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kernels/pool.h"

struct graph *graph_new(void)
{
    struct graph *g = xcalloc(1, sizeof(*g));

    g->holders = 1;
    g->values = xcalloc(1, sizeof(*g->values));
    g->value_count = 1;
    return g;
}

struct graph *graph_hold(struct graph *g)
{
    g->holders++;
    return g;
}

void graph_free(struct graph *g)
{
    if (!g || --g->holders > 0)
        return;
    free(g->layers);
    free(g->values);
    free(g->ops);
    if (g->pool)
        free(g->pool->member);
    free(g->pool);
    free(g);
}

int graph_layer(struct graph *g, const char *format, ...)
{
    va_list args;

    g->layers = xgrow(g->layers, g->layer_count, sizeof(*g->layers));
    va_start(args, format);
    vsnprintf(g->layers[g->layer_count].name, sizeof(g->layers->name), format,
              args);
    va_end(args);
    return g->layer_count++;
}

/* Puts a moment before the others of its weight. */
static void link_moment(struct graph *g, int moment)
{
    struct value *v = &g->values[moment], *weight = &g->values[v->of];

    v->moment = weight->moment;
    weight->moment = moment;
}

int graph_value(struct graph *g, const struct value *value)
{
    struct value *added;

    assert(value->rank > 0 && value->rank <= OPERAND_MAX_RANK);
    g->values = xgrow(g->values, g->value_count, sizeof(*g->values));
    added = &g->values[g->value_count];
    *added = *value;
    added->ordinal = g->kind_count[value->kind]++;
    added->moment = VALUE_NONE;
    if (value->kind == KIND_OPTIMIZER && value->of != VALUE_NONE)
        link_moment(g, g->value_count);
    return g->value_count++;
}

struct value graph_like(const struct graph *g, int value, const char *name,
                        enum kind kind)
{
    const struct value *v = &g->values[value];
    struct value like = { .layer = v->layer, .name = name, .kind = kind,
                          .dtype = v->dtype, .rank = v->rank };

    memcpy(like.dim, v->dim, sizeof(like.dim));
    return like;
}

void graph_op(struct graph *g, const struct op *op)
{
    struct op *added;

    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        int end = i < op_slots(op->code) ? g->value_count : VALUE_NONE + 1;
        assert(op->operand[i] >= VALUE_NONE && op->operand[i] < end);
    }
    g->ops = xgrow(g->ops, g->op_count, sizeof(*g->ops));
    added = &g->ops[g->op_count];
    *added = *op;
    added->begins_block = g->at_block;
    if (op->pass != PASS_BACKWARD && op->pass != PASS_SAVE)
        added->forward = op->pass == PASS_FORWARD ? g->op_count : -1;
    g->op_count++;
    g->at_block = false;
}

int graph_gradient(struct graph *g, int weight)
{
    struct value v;
    int gradient;

    if (g->values[weight].gradient)
        return g->values[weight].gradient;
    v = graph_like(g, weight, "gradient", KIND_GRADIENTS);
    v.of = weight;
    if (graph_is_view(g, weight)) {
        v.part_of = graph_gradient(g, g->values[weight].part_of);
        v.member = g->values[weight].member;
    }
    gradient = graph_value(g, &v);
    g->values[weight].gradient = gradient;
    if (!v.part_of)
        graph_op(g, &(struct op){
            .code = OP_zero, .pass = PASS_PREPARE, .programs = IN_TRAIN,
            .layer = v.layer, .operand = { [ZERO_X] = gradient }
        });
    return gradient;
}

void graph_begin_block(struct graph *g)
{
    g->at_block = true;
}

void graph_pool_open(struct graph *g)
{
    g->pool = xcalloc(1, sizeof(*g->pool));
}

void graph_pool_join(struct graph *g, int value)
{
    struct pool *p = g->pool;
    struct operand o = graph_operand(g, value, NULL);

    p->member = xgrow(p->member, p->members, sizeof(*p->member));
    p->member[p->members] =
        (struct pool_member){ p->words, operand_elements(&o) };
    p->words += (operand_elements(&o) + 63) / 64;
    p->elements += operand_elements(&o);
    g->values[value].member = p->members++;
    g->values[value].part_of = value; /* until the pool is closed */
}

/* A dimension; of a pool that is too large, the most that there is. */
static int pool_dim(size_t elements)
{
    return elements > INT_MAX ? INT_MAX : (int)elements;
}

static size_t index_elements(const struct pool *p)
{
    return pool_index_bytes(p) / sizeof(int32_t);
}

bool graph_pool_fits(const struct graph *g)
{
    return !g->pool || (g->pool->nonzeros <= INT_MAX &&
                        index_elements(g->pool) <= INT_MAX);
}

void graph_pool_close(struct graph *g, int layer, double sparsity)
{
    struct pool *p = g->pool;
    int members = g->value_count, first = 1;

    while (g->values[first].part_of != first)
        first++;
    p->nonzeros = (size_t)((1 - sparsity) * (double)p->elements + 0.5);
    if (p->nonzeros < (size_t)p->members)
        p->nonzeros = (size_t)p->members;
    p->low_bits = pool_smallest_index(p);
    g->pool_values = graph_value(g, &(struct value){
        .layer = layer, .name = "w", .kind = KIND_WEIGHTS,
        .dtype = g->values[first].dtype, .rank = 1,
        .dim = { pool_dim(p->nonzeros) }, .init = { .rule = INIT_POOL }
    });
    g->pool_index = graph_value(g, &(struct value){
        .layer = layer, .name = "index", .kind = KIND_INDEX,
        .dtype = DTYPE_I32, .rank = 1,
        .dim = { pool_dim(index_elements(p)) },
        .init = { .rule = INIT_INDEX }
    });
    for (int i = first; i < members; i++)
        if (g->values[i].part_of == i)
            g->values[i].part_of = g->pool_values;
}

bool graph_persists(const struct graph *g, int value)
{
    return kind_persists(g->values[value].kind) || g->values[value].stays;
}

static int resolve_dim(int dim, const struct extents *extents)
{
    return dim >= 0 ? dim : extents->of[-1 - dim];
}

/* How many tiles the rows of the value make that a value sums. */
static int count_tiles(const struct graph *g, const struct value *sums,
                       const struct extents *extents)
{
    struct operand o = graph_operand(g, sums->tiles_of, extents);

    return (int)tiles_of(operand_rows(&o), sums->tile_rows);
}

struct operand graph_operand(const struct graph *g, int value,
                             const struct extents *extents)
{
    struct operand o = { 0 };
    const struct value *v = &g->values[value];

    if (value == VALUE_NONE)
        return o;
    o.dtype = v->dtype;
    o.rank = v->rank;
    if (graph_is_view(g, value)) {
        o.pool = g->pool;
        o.member = v->member;
    } else if (dtype_is_scaled(v->dtype) && graph_is_pool(g, value)) {
        o.pool = g->pool;
        o.member = POOL_ALL;
    }
    for (int i = 0; i < v->rank; i++)
        o.dim[i] = resolve_dim(v->dim[i], extents);
    if (v->tiles_of != VALUE_NONE)
        o.dim[0] = count_tiles(g, v, extents);
    return o;
}

size_t graph_bytes(const struct graph *g, int value,
                   const struct extents *extents)
{
    struct operand o = graph_operand(g, value, extents);

    return operand_bytes(&o);
}

void graph_value_name(const struct graph *g, int value, char *name,
                      size_t size)
{
    const struct value *v = &g->values[value];

    if (v->of == VALUE_NONE)
        snprintf(name, size, "%s.%s", g->layers[v->layer].name, v->name);
    else
        snprintf(name, size, "%s.%s.%s", g->layers[v->layer].name,
                 g->values[v->of].name, v->name);
}

/* Views of a moment have its name and come after it. */
int graph_moment(const struct graph *g, int weight, const char *name)
{
    int first = VALUE_NONE;

    for (int i = g->values[weight].moment; i; i = g->values[i].moment)
        if (strcmp(g->values[i].name, name) == 0)
            first = i;
    return first;
}

bool graph_is_pool(const struct graph *g, int value)
{
    return g->pool && (value == g->pool_values || value == g->pool_index ||
                       g->values[value].of == g->pool_values);
}

/* Elements of all weights that have a gradient: of the members of the pool, or
 * of the pool. */
static int64_t count_parameters(const struct graph *g, bool dense)
{
    static const struct extents none;
    int64_t n = 0;

    for (int i = 1; i < g->value_count; i++) {
        bool other = dense ? graph_is_pool(g, i) : graph_is_view(g, i);
        struct operand o = graph_operand(g, i, &none);

        if (g->values[i].gradient && !other)
            n += (int64_t)operand_elements(&o);
    }
    return n;
}

int64_t graph_parameters(const struct graph *g)
{
    return count_parameters(g, true);
}

int64_t graph_nonzeros(const struct graph *g)
{
    return count_parameters(g, false);
}

double graph_flops(const struct graph *g, const struct op *op,
                   const struct extents *extents)
{
    struct operand o[CALL_MAX_OPERANDS];
    int slots = op_slots(op->code);

    for (int i = 0; i < slots; i++)
        o[i] = graph_operand(g, op->operand[i], extents);
    return op_flops(op->code, o, &op->attr);
}
