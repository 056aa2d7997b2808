#include "graph/graph.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kernels/pool.h"

struct graph *graph_new(void)
{
    return xcalloc(1, sizeof(struct graph));
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    free(g->layers);
    free(g->values);
    free(g->ops);
    if (g->pool)
        free(g->pool->member);
    free(g->pool);
    free(g);
}

/* Room for one more element: arrays double, at powers of two. */
static void *grow(void *array, int count, size_t size)
{
    if (count & (count - 1))
        return array;
    return xrealloc(array, count ? 2 * (unsigned long)count : 1, size);
}

int graph_layer(struct graph *g, const char *format, ...)
{
    va_list args;

    g->layers = grow(g->layers, g->layer_count, sizeof(*g->layers));
    va_start(args, format);
    vsnprintf(g->layers[g->layer_count].name, sizeof(g->layers->name), format,
              args);
    va_end(args);
    return g->layer_count++;
}

int graph_value(struct graph *g, int layer, const char *name, enum kind kind,
                enum dtype dtype, int rank, const int *dim)
{
    struct value v = { .layer = layer, .name = name, .kind = kind,
                       .dtype = dtype, .rank = rank, .of = -1,
                       .part_of = -1, .tiles_of = -1,
                       .ordinal = g->kind_count[kind]++ };

    assert(rank > 0 && rank <= OPERAND_MAX_RANK);
    memcpy(v.dim, dim, (size_t)rank * sizeof(*dim));
    g->values = grow(g->values, g->value_count, sizeof(*g->values));
    g->values[g->value_count] = v;
    return g->value_count++;
}

struct op *graph_op(struct graph *g, enum op_code code, enum pass pass,
                    int programs, int layer, const int *operands)
{
    struct op op = { .code = code, .pass = pass, .programs = programs,
                     .layer = layer,
                     .forward = pass == PASS_FORWARD ? g->op_count : -1,
                     .begins_block = g->at_block };

    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        op.operand[i] = i < op_slots(code) ? operands[i] : -1;
        assert(op.operand[i] < g->value_count);
    }
    g->ops = grow(g->ops, g->op_count, sizeof(*g->ops));
    g->ops[g->op_count] = op;
    g->at_block = false;
    return &g->ops[g->op_count++];
}

void graph_begin_block(struct graph *g)
{
    g->at_block = true;
}

void graph_pool_open(struct graph *g)
{
    g->pool = xcalloc(1, sizeof(*g->pool));
    g->pool_values = g->pool_index = -1;
}

void graph_pool_join(struct graph *g, int value)
{
    struct pool *p = g->pool;
    struct operand o = graph_operand(g, value, NULL);

    p->member = grow(p->member, p->members, sizeof(*p->member));
    p->member[p->members] =
        (struct pool_member){ p->words, operand_elements(&o) };
    p->words += (operand_elements(&o) + 63) / 64;
    p->elements += operand_elements(&o);
    g->values[value].member = p->members++;
    g->values[value].part_of = value; /* until the pool is closed */
}

void graph_pool_close(struct graph *g, int layer, double sparsity)
{
    struct pool *p = g->pool;
    int members = g->value_count, first = 0;

    while (g->values[first].part_of != first)
        first++;
    p->nonzeros = (size_t)((1 - sparsity) * (double)p->elements + 0.5);
    if (p->nonzeros < (size_t)p->members)
        p->nonzeros = (size_t)p->members;
    p->low_bits = pool_smallest_index(p);
    g->pool_values =
        graph_value(g, layer, "w", KIND_WEIGHTS, g->values[first].dtype, 1,
                    (int[]){ (int)p->nonzeros });
    g->pool_index = graph_value(
        g, layer, "index", KIND_INDEX, DTYPE_I32, 1,
        (int[]){ (int)(pool_index_bytes(p) / sizeof(int32_t)) });
    g->values[g->pool_values].init.rule = INIT_POOL;
    g->values[g->pool_index].init.rule = INIT_INDEX;
    for (int i = 0; i < members; i++)
        if (g->values[i].part_of == i)
            g->values[i].part_of = g->pool_values;
}

bool graph_is_view(const struct graph *g, int value)
{
    return g->values[value].part_of >= 0;
}

static int resolve(int dim, const struct extents *extents)
{
    return dim >= 0 ? dim : extents->of[-1 - dim];
}

/* How many tiles the rows of a value make. */
static int count_tiles(const struct graph *g, int value,
                       const struct extents *extents)
{
    struct operand o = graph_operand(g, value, extents);

    return (int)tiles_of(operand_rows(&o));
}

struct operand graph_operand(const struct graph *g, int value,
                             const struct extents *extents)
{
    struct operand o = { 0 };
    const struct value *v;

    if (value < 0)
        return o;
    v = &g->values[value];
    o.dtype = v->dtype;
    o.rank = v->rank;
    if (graph_is_view(g, value)) {
        o.pool = g->pool;
        o.member = v->member;
    }
    for (int i = 0; i < v->rank; i++)
        o.dim[i] = resolve(v->dim[i], extents);
    if (v->tiles_of >= 0)
        o.dim[0] = count_tiles(g, v->tiles_of, extents);
    return o;
}

size_t graph_bytes(const struct graph *g, int value,
                   const struct extents *extents)
{
    struct operand o = graph_operand(g, value, extents);

    return operand_elements(&o) * dtype_size(o.dtype);
}

void graph_value_name(const struct graph *g, int value, char *name,
                      size_t size)
{
    const struct value *v = &g->values[value];

    if (v->of < 0)
        snprintf(name, size, "%s.%s", g->layers[v->layer].name, v->name);
    else
        snprintf(name, size, "%s.%s.%s", g->layers[v->layer].name,
                 g->values[v->of].name, v->name);
}

int graph_moment(const struct graph *g, int weight, const char *name)
{
    for (int i = 0; i < g->value_count; i++)
        if (g->values[i].kind == KIND_OPTIMIZER &&
            g->values[i].of == weight && strcmp(g->values[i].name, name) == 0)
            return i;
    return -1;
}

int64_t graph_parameters(const struct graph *g)
{
    static const struct extents none;
    int64_t n = 0;

    for (int i = 0; i < g->value_count; i++)
        if (g->values[i].kind == KIND_GRADIENTS && !graph_is_view(g, i)) {
            struct operand o = graph_operand(g, i, &none);
            n += (int64_t)operand_elements(&o);
        }
    return n;
}

double graph_flops(const struct graph *g, const struct op *op,
                   const struct extents *extents)
{
    struct operand o[CALL_MAX_OPERANDS];

    for (int i = 0; i < CALL_MAX_OPERANDS; i++)
        o[i] = graph_operand(g, op->operand[i], extents);
    return op_flops(op->code, o);
}
