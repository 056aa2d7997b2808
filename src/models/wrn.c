/*
 * WideResNet for small images (Zagoruyko and Komodakis, 2016), pre-activation,
 * in the variant of the code of Mostafa and Wang (2019): where a block changes
 * the number of channels, its normalised input feeds the 1x1 shortcut too.
 */
#include <stdio.h>

#include "models/model.h"

static void wrn_title(const struct settings *s, char *text, size_t size)
{
    snprintf(text, size, "wrn-%d-%d", s->depth, s->width);
}

static bool wrn_check(const struct settings *s, const char *where,
                      struct error *e)
{
    int below = s->depth - (s->depth + 2) % 6;
    struct facts facts = facts_of(s);

    if (facts.image.classes == 0)
        return error_set(e, EXIT_INPUT, "%s: model: wrn takes images, but "
                         "data=%s are %s; use data=shapes, or another model",
                         where, settings_find("data")->choices[s->data],
                         facts.items);
    return below == s->depth ||
           error_set(e, EXIT_INPUT, "%s: depth: %d is not 6n + 4; the "
                     "nearest are %d and %d", where, s->depth, below,
                     below + 6);
}

/* x (N, H, W, Ci) -> (N, H/stride, W/stride, channels) */
static int block(struct builder *b, int x, int channels, int stride)
{
    int y, z = layer_bn_relu(b, x, &(struct batch_norm){ .name = "bn1" });

    /* The shortcut comes first, so that its backward pass comes last, when
     * least else is alive. */
    if (b->graph->values[x].dim[3] != channels)
        x = layer_conv(b, z, &(struct conv){
            .name = "shortcut", .channels = channels, .stride = stride
        });
    y = layer_conv(b, z, &(struct conv){
        .name = "conv1", .channels = channels, .kernel = 3, .stride = stride,
        .sparse = true
    });
    y = layer_bn_relu(b, y, &(struct batch_norm){ .name = "bn2" });
    return layer_conv(b, y, &(struct conv){
        .name = "conv2", .channels = channels, .kernel = 3, .sparse = true,
        .add = x
    });
}

static void wrn_build(struct builder *b, const struct settings *s,
                      const struct facts *facts)
{
    const struct image_facts *image = &facts->image;
    struct graph *g = b->graph;
    int blocks = (s->depth - 4) / 6;
    int labels, x, logits;
    struct loss loss;

    if (b->storage.sparsity > 0)
        graph_pool_open(g);
    x = layer_samples(b, &(struct samples){
        .name = "input", .rank = 4,
        .dim = { DIM_SAMPLES, image->height, image->width,
                 image->channels },
        .kept = s->keep_images ? image->training : 0, .augment = s->augment
    }, &labels);
    x = layer_conv(b, x, &(struct conv){
        .name = "stem", .channels = 16, .kernel = 3
    });
    for (int group = 1; group <= 3; group++)
        for (int i = 1; i <= blocks; i++) {
            builder_begin_block(b, "g%d.b%d", group, i);
            x = block(b, x, (8 << group) * s->width,
                      group > 1 && i == 1 ? 2 : 1);
        }
    builder_begin_block(b, "head");
    x = layer_bn_relu(b, x, &(struct batch_norm){ .name = "bn" });
    x = layer_avg_pool(b, x, &(struct avg_pool){ .name = "pool" });
    logits = layer_linear(b, x, &(struct linear){
        .name = "linear", .features = image->classes
    });
    loss = layer_softmax_xent(b, logits, &(struct softmax_xent){
        .name = "loss", .labels = labels
    });
    if (g->pool)
        graph_pool_close(g, graph_layer(g, "pool"), b->storage.sparsity);
    b->storage.update.scale = loss.scale;
    grad_build(g, &loss.seed, 1, b->storage.update);
    builder_rewire(b);
    builder_loss_end(b, &loss);
}

const struct model wrn_model = { wrn_title, wrn_check, wrn_build };
