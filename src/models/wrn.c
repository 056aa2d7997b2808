/*
 * WideResNet for 32x32 images (Zagoruyko and Komodakis, 2016), pre-activation,
 * in the variant of the code of Mostafa and Wang (2019): where a block changes
 * the number of channels, its normalised input feeds the 1x1 shortcut too.
 */
#include "graph/grad.h"
#include "models/model.h"

/* x (N, H, W, Ci) -> (N, H/stride, W/stride, channels) */
static int block(struct graph *g, enum dtype dtype, int group, int index,
                 int x, int channels, int stride)
{
    bool widen = g->values[x].dim[3] != channels;
    int z, y, shortcut = x;

    graph_begin_block(g);
    z = layer_bn_relu(g, graph_layer(g, "g%d.b%d.bn1", group, index), x);
    /* First, so that backward its turn is last, when least else is alive. */
    if (widen)
        shortcut = layer_conv(
            g, graph_layer(g, "g%d.b%d.shortcut", group, index), dtype, z,
            channels, 1, stride, -1);
    y = layer_conv_pooled(
        g, graph_layer(g, "g%d.b%d.conv1", group, index), dtype, z, channels,
        3, stride, -1);
    y = layer_bn_relu(g, graph_layer(g, "g%d.b%d.bn2", group, index), y);
    return layer_conv_pooled(
        g, graph_layer(g, "g%d.b%d.conv2", group, index), dtype, y, channels,
        3, 1, shortcut);
}

struct graph *wrn_build(int depth, int width, int classes,
                        struct storage storage)
{
    static const int images[] = { DIM_SAMPLES, 32, 32, 3 };
    struct graph *g = graph_new();
    int blocks = (depth - 4) / 6;
    int labels, x, logits;
    struct loss loss;

    if (storage.sparsity > 0)
        graph_pool_open(g);
    x = layer_load(g, graph_layer(g, "input"), storage.dtype, 4, images,
                   &labels);
    x = layer_conv(g, graph_layer(g, "stem"), storage.dtype, x, 16, 3, 1, -1);
    for (int group = 1; group <= 3; group++)
        for (int i = 1; i <= blocks; i++)
            x = block(g, storage.dtype, group, i, x, (8 << group) * width,
                      group > 1 && i == 1 ? 2 : 1);
    graph_begin_block(g);
    x = layer_bn_relu(g, graph_layer(g, "head.bn"), x);
    x = layer_avg_pool(g, graph_layer(g, "head.pool"), x);
    logits = layer_linear(g, graph_layer(g, "head.linear"), storage.dtype, x,
                          classes);
    loss = layer_softmax_xent(g, graph_layer(g, "head.loss"), logits, labels,
                              storage.loss_scale);
    if (g->pool)
        graph_pool_close(g, graph_layer(g, "pool"), storage.sparsity);
    grad_build(g, logits, loss.gradient,
               (struct update){ storage.master, loss.scale });
    layer_rewire(g, storage.rewire);
    layer_loss_end(g, &loss);
    return g;
}
