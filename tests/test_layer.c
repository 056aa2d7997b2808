/*
 * Layers add to a graph the operations that their parameters ask for, and the
 * usual ones where a parameter is left out.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "graph/layer.h"

/* A graph with an image (N, 9, 7, 5) in it, which *x gets. */
static struct builder builder_new(int *x)
{
    struct builder b = { .graph = graph_new() };
    int labels;

    *x = layer_samples(&b, &(struct samples){
        .name = "input", .rank = 4, .dim = { DIM_SAMPLES, 9, 7, 5 }
    }, &labels);
    return b;
}

static const struct op *last_op(const struct builder *b)
{
    return &b->graph->ops[b->graph->op_count - 1];
}

static void expect_shape(const struct graph *g, int value, const int dim[4])
{
    const struct value *v = &g->values[value];

    cr_expect_eq(v->rank, 4);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(v->dim[i], dim[i], "dimension %d of %s: %d, not %d", i,
                     v->name, v->dim[i], dim[i]);
}

Test(layer, conv_does_what_it_is_told)
{
    int x, y, add;
    struct builder b = builder_new(&x);
    const struct op *op;

    add = layer_conv(&b, x, &(struct conv){
        .name = "a", .channels = 6, .kernel = 5, .stride = 2
    });
    y = layer_conv(&b, x, &(struct conv){
        .name = "b", .channels = 6, .kernel = 3, .stride = 2, .add = add
    });
    op = last_op(&b);
    cr_expect_eq(op->code, OP_conv);
    cr_expect_eq(op->attr.conv.stride, 2);
    cr_expect_eq(op->attr.conv.pad, 1);
    cr_expect_eq(op->operand[CONV_X], x);
    cr_expect_eq(op->operand[CONV_ADD], add);
    cr_expect_eq(op->operand[CONV_Y], y);
    cr_expect_eq(op->operand[CONV_SUMS], VALUE_NONE);
    expect_shape(b.graph, op->operand[CONV_W], (int[]){ 3, 3, 5, 6 });
    expect_shape(b.graph, y, (int[]){ DIM_SAMPLES, 5, 4, 6 });
    expect_shape(b.graph, add, (int[]){ DIM_SAMPLES, 5, 4, 6 });
    graph_free(b.graph);
}

Test(layer, conv_is_1x1_and_alone_if_nothing_is_said)
{
    int x, y;
    struct builder b = builder_new(&x);
    const struct op *op;

    y = layer_conv(&b, x, &(struct conv){ .name = "a", .channels = 6 });
    op = last_op(&b);
    cr_expect_eq(op->attr.conv.stride, 1);
    cr_expect_eq(op->attr.conv.pad, 0);
    cr_expect_eq(op->operand[CONV_ADD], VALUE_NONE);
    expect_shape(b.graph, op->operand[CONV_W], (int[]){ 1, 1, 5, 6 });
    expect_shape(b.graph, y, (int[]){ DIM_SAMPLES, 9, 7, 6 });
    graph_free(b.graph);
}

Test(layer, weights_are_sparse_where_it_is_said)
{
    int x;
    struct builder b = builder_new(&x);

    graph_pool_open(b.graph);
    layer_conv(&b, x, &(struct conv){ .name = "a", .channels = 6 });
    cr_expect(!graph_is_view(b.graph, last_op(&b)->operand[CONV_W]));
    layer_conv(&b, x, &(struct conv){
        .name = "b", .channels = 6, .sparse = true
    });
    cr_expect(graph_is_view(b.graph, last_op(&b)->operand[CONV_W]));
    graph_pool_close(b.graph, graph_layer(b.graph, "pool"), 0.5);
    cr_expect_eq(b.graph->pool->members, 1);
    cr_expect_eq(b.graph->values[b.graph->pool_values].dim[0], 5 * 6 / 2);
    graph_free(b.graph);
}

static void expect_norm(const struct op *op, float eps, float momentum)
{
    cr_expect_eq(op[0].code, OP_bn_stats);
    cr_expect_eq(op[0].attr.norm.eps, eps);
    cr_expect_eq(op[0].attr.norm.momentum, momentum);
    cr_expect_eq(op[1].code, OP_bn_running);
    cr_expect_eq(op[1].attr.norm.eps, eps);
}

Test(layer, batch_norm_has_the_usual_constants)
{
    int x;
    struct builder b = builder_new(&x);

    layer_bn_relu(&b, x, &(struct batch_norm){ .name = "a" });
    expect_norm(last_op(&b) - 2, 1e-5f, 0.1f);
    layer_bn_relu(&b, x, &(struct batch_norm){
        .name = "b", .eps = 1e-3f, .momentum = 0.01f
    });
    expect_norm(last_op(&b) - 2, 1e-3f, 0.01f);
    graph_free(b.graph);
}

Test(layer, names_begin_with_the_block)
{
    int x;
    struct builder b = builder_new(&x);
    const struct graph *g = b.graph;
    char name[64];

    cr_expect_str_eq(g->layers[g->values[x].layer].name, "input");
    builder_begin_block(&b, "g%d.b%d", 2, 13);
    layer_linear(&b, layer_avg_pool(&b, x, &(struct avg_pool){ .name = "p" }),
                 &(struct linear){ .name = "fc", .features = 3 });
    graph_value_name(g, last_op(&b)->operand[LINEAR_B], name, sizeof(name));
    cr_expect_str_eq(name, "g2.b13.fc.b");
    cr_expect(last_op(&b)[-1].begins_block);
    cr_expect(!last_op(&b)->begins_block);
    graph_free(b.graph);
}

Test(layer, a_slot_that_is_left_out_is_empty)
{
    int x;
    struct builder b = builder_new(&x);
    const struct extents extents = { .of = { [EXTENT_SAMPLES] = 4 } };
    struct operand none = graph_operand(b.graph, VALUE_NONE, &extents);
    struct operand image = graph_operand(b.graph, x, &extents);

    cr_expect_neq(x, VALUE_NONE);
    cr_expect(!operand_given(&none));
    cr_expect_eq(operand_elements(&image), 4 * 9 * 7 * 5);
    cr_expect_eq(graph_moment(b.graph, x, "momentum"), VALUE_NONE);
    graph_free(b.graph);
}

/* Random numbers are keyed by the ordinal: no other value may shift it. */
Test(layer, weights_are_numbered_among_themselves)
{
    int x, ordinal[2];

    for (int i = 0; i < 2; i++) {
        struct builder b = builder_new(&x);
        const struct conv conv = { .name = "a", .channels = 6 };
        x = layer_conv(&b, x, &conv);
        if (i == 1)
            layer_avg_pool(&b, x, &(struct avg_pool){ .name = "pool" });
        layer_conv(&b, x, &conv);
        ordinal[i] = b.graph->values[last_op(&b)->operand[CONV_W]].ordinal;
        graph_free(b.graph);
    }
    cr_expect_eq(ordinal[0], 1);
    cr_expect_eq(ordinal[1], 1);
}
