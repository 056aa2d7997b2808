#include "graph/fuse.h"

#include <stdlib.h>

#include "base/error.h"

/* The operation that has each value of the graph in a slot; -1: none. */
static int *find_operations(const struct graph *g, enum op_code code, int slot)
{
    int *op = xcalloc((unsigned long)g->value_count, sizeof(*op));

    for (int i = 0; i < g->value_count; i++)
        op[i] = -1;
    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == code)
            op[g->ops[i].operand[slot]] = i;
    return op;
}

/* A value for the sums of the tiles of an activation (N, H, W, C), with rows as
 * in enum sum_row. */
static int tile_sums(struct graph *g, int activation, int tile_rows)
{
    struct value v = g->values[activation];

    return graph_value(g, &(struct value){
        .layer = v.layer, .name = "sums", .kind = KIND_TRANSIENT,
        .dtype = DTYPE_F32, .rank = 3,
        .dim = { 0, SUM_ROWS, v.dim[v.rank - 1] }, .tiles_of = activation,
        .tile_rows = tile_rows
    });
}

static void fuse_statistics(struct graph *g, int tile_rows)
{
    int *reader = find_operations(g, OP_bn_stats, BN_STATS_X);

    for (int i = 0; i < g->op_count; i++) {
        int *conv = g->ops[i].operand, *stats;
        if (g->ops[i].code != OP_conv || reader[conv[CONV_Y]] < 0)
            continue;
        stats = g->ops[reader[conv[CONV_Y]]].operand;
        conv[CONV_SUMS] = stats[BN_STATS_SUMS] =
            tile_sums(g, conv[CONV_Y], tile_rows);
    }
    free(reader);
}

/* An input that is saved in fewer bits would be expanded while the convolution
 * runs, which needs room enough: it is not read there. */
static void fuse_gradients(struct graph *g, int tile_rows)
{
    int *reader = find_operations(g, OP_bn_relu_grad, BN_RELU_GRAD_DZ);
    int *saved = find_operations(g, OP_squeeze, SQUEEZE_X);

    for (int i = 0; i < g->op_count; i++) {
        int *conv = g->ops[i].operand, *norm;
        if (g->ops[i].code != OP_conv_dgrad ||
            reader[conv[CONV_DGRAD_DX]] < 0)
            continue;
        norm = g->ops[reader[conv[CONV_DGRAD_DX]]].operand;
        if (saved[norm[BN_RELU_GRAD_X]] >= 0)
            continue;
        conv[CONV_DGRAD_X] = norm[BN_RELU_GRAD_X];
        conv[CONV_DGRAD_STAT] = norm[BN_RELU_GRAD_STAT];
        conv[CONV_DGRAD_SUMS] = norm[BN_RELU_GRAD_SUMS] =
            tile_sums(g, conv[CONV_DGRAD_DX], tile_rows);
    }
    free(reader);
    free(saved);
}

void fuse_tile_sums(struct graph *g, int tile_rows)
{
    fuse_statistics(g, tile_rows);
    fuse_gradients(g, tile_rows);
}
