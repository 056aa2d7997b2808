#include "graph/layer.h"

#include <math.h>
#include <string.h>

#include "kernels/augment.h"

/* Adds the loader's streams, for some of the programs. */
static void load_in(struct builder *b, int programs, const struct load *p,
                    int values[])
{
    struct op op = { .code = OP_load };

    builder_layer(b, p->name);
    for (int i = 0; i < LOAD_STREAMS && p->stream[i].name; i++)
        op.operand[i] = values[i] = builder_value(b, KIND_INPUT, p->stream[i]);
    builder_operation(b, PASS_FORWARD, programs, op);
}

void layer_load(struct builder *b, const struct load *p, int values[])
{
    load_in(b, builder_programs(b), p, values);
}

/* A value of a set that stays in the arena. */
static int set_value(struct builder *b, const char *name, enum dtype dtype,
                     int rank, int rows, int columns)
{
    return builder_value(b, KIND_INPUT, (struct value){
        .name = name, .dtype = dtype, .rank = rank, .dim = { rows, columns },
        .stays = true
    });
}

/* Adds a set of images, and picks the samples of training from it. */
static void pick_samples(struct builder *b, const struct samples *p, int x,
                         int labels)
{
    enum { BYTES_OF_INT32 = 4 };
    int bytes = p->dim[1] * p->dim[2] * p->dim[3];
    struct image_set set = {
        set_value(b, "images", DTYPE_I32, 2, p->kept, bytes / BYTES_OF_INT32),
        set_value(b, "all labels", DTYPE_I32, 1, p->kept, 0),
        set_value(b, "count", DTYPE_I32, 1, 1, 0),
        set_value(b, "norm", DTYPE_F32, 2, NORM_ROWS, p->dim[3])
    };

    b->graph->set = set;
    builder_operation(b, PASS_FORWARD, IN_TRAIN, (struct op){
        .code = OP_pick,
        .operand = { [PICK_IMAGES] = set.images, [PICK_LABELS] = set.labels,
                     [PICK_COUNT] = set.count, [PICK_NORM] = set.norm,
                     [PICK_X] = x, [PICK_PICKED] = labels },
        .attr.pick.augment = p->augment
    });
}

int layer_samples(struct builder *b, const struct samples *p, int *labels)
{
    struct value x = { .name = "x", .dtype = b->storage.dtype,
                       .rank = p->rank };
    int values[2];

    memcpy(x.dim, p->dim, sizeof(x.dim));
    load_in(b, p->kept ? IN_EVAL : IN_BOTH, &(struct load){
        p->name, { x, { .name = "labels", .dtype = DTYPE_I32, .rank = 1,
                        .dim = { p->dim[0] } } }
    }, values);
    if (p->kept)
        pick_samples(b, p, values[0], values[1]);
    *labels = values[1];
    return values[0];
}

/* Places at which a kernel can stand, padded to keep the size at stride 1. */
static int places(int size, int kernel, int stride)
{
    return (size + (kernel - 1) / 2 * 2 - kernel) / stride + 1;
}

int layer_conv(struct builder *b, int x, const struct conv *p)
{
    struct value v = b->graph->values[x];
    int kernel = p->kernel ? p->kernel : 1, stride = p->stride ? p->stride : 1;
    int w, y;

    builder_layer(b, p->name);
    w = builder_state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 4,
        .dim = { kernel, kernel, v.dim[3], p->channels },
        .init = { INIT_NORMAL,
                  sqrtf(2.0f / (float)(kernel * kernel * p->channels)) }
    });
    y = builder_result(b, (struct value){
        .name = "y", .dtype = v.dtype, .rank = 4,
        .dim = { v.dim[0], places(v.dim[1], kernel, stride),
                 places(v.dim[2], kernel, stride), p->channels }
    });
    builder_forward(b, (struct op){
        .code = OP_conv,
        .operand = { [CONV_X] = x, [CONV_W] = w, [CONV_ADD] = p->add,
                     [CONV_Y] = y },
        .attr.conv = { .tf32 = b->tf32, .stride = stride,
                       .pad = (kernel - 1) / 2 }
    });
    if (p->sparse && b->graph->pool)
        graph_pool_join(b->graph, w);
    return y;
}

/* The values that the operations of a batch norm work on. */
struct norm_values {
    int x, gamma, beta, running, stat;
};

static void norm_operations(struct builder *b, const struct norm_values *v,
                            const struct batch_norm *p)
{
    float eps = p->eps > 0 ? p->eps : 1e-5f;
    float momentum = p->momentum > 0 ? p->momentum : 0.1f;

    builder_operation(b, PASS_FORWARD, IN_TRAIN, (struct op){
        .code = OP_bn_stats,
        .operand = { [BN_STATS_X] = v->x, [BN_STATS_GAMMA] = v->gamma,
                     [BN_STATS_BETA] = v->beta,
                     [BN_STATS_RUNNING] = v->running,
                     [BN_STATS_STAT] = v->stat },
        .attr.norm = { .eps = eps, .momentum = momentum }
    });
    builder_operation(b, PASS_FORWARD, IN_EVAL, (struct op){
        .code = OP_bn_running,
        .operand = { [BN_RUNNING_GAMMA] = v->gamma,
                     [BN_RUNNING_BETA] = v->beta,
                     [BN_RUNNING_RUNNING] = v->running,
                     [BN_RUNNING_STAT] = v->stat },
        .attr.norm = { .eps = eps }
    });
}

int layer_bn_relu(struct builder *b, int x, const struct batch_norm *p)
{
    struct value like = graph_like(b->graph, x, "z", KIND_TRANSIENT);
    int c = like.dim[like.rank - 1], z;
    struct norm_values v = { .x = x };

    builder_layer(b, p->name);
    v.gamma = builder_channel_state(b, "gamma", c, 1);
    v.beta = builder_channel_state(b, "beta", c, 0);
    v.running = builder_state(b, (struct value){
        .name = "running", .dtype = DTYPE_F32, .rank = 2,
        .dim = { RUNNING_ROWS, c }, .init = { .rule = INIT_RUNNING }
    });
    v.stat = builder_result(b, (struct value){
        .name = "stat", .dtype = DTYPE_F32, .rank = 2, .dim = { STAT_ROWS, c }
    });
    z = builder_result(b, like);
    norm_operations(b, &v, p);
    builder_forward(b, (struct op){
        .code = OP_bn_relu,
        .operand = { [BN_RELU_X] = x, [BN_RELU_STAT] = v.stat,
                     [BN_RELU_Z] = z }
    });
    return z;
}

int layer_avg_pool(struct builder *b, int x, const struct avg_pool *p)
{
    struct value v = b->graph->values[x];
    int y;

    builder_layer(b, p->name);
    y = builder_result(b, (struct value){
        .name = "y", .dtype = DTYPE_F32, .rank = 2,
        .dim = { v.dim[0], v.dim[3] }
    });
    builder_forward(b, (struct op){
        .code = OP_avg_pool,
        .operand = { [AVG_POOL_X] = x, [AVG_POOL_Y] = y }
    });
    return y;
}

/* The half-range of a linear layer's weights at the start. */
static float linear_range(int inputs, const struct linear *p)
{
    if (p->gain > 0)
        return p->gain * sqrtf(6.0f / (float)(inputs + p->features));
    return 1 / sqrtf((float)inputs);
}

int layer_linear(struct builder *b, int x, const struct linear *p)
{
    struct value v = b->graph->values[x];
    int w, bias = VALUE_NONE, y;

    builder_layer(b, p->name);
    w = builder_state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 2,
        .dim = { v.dim[1], p->features },
        .init = { INIT_UNIFORM, linear_range(v.dim[1], p) }
    });
    if (p->sparse && b->graph->pool && !graph_is_view(b->graph, w))
        graph_pool_join(b->graph, w);
    if (!p->bare)
        bias = builder_channel_state(b, "b", p->features, 0);
    y = builder_result(b, (struct value){
        .name = "y", .dtype = v.dtype, .rank = 2,
        .dim = { v.dim[0], p->features }
    });
    builder_forward(b, (struct op){
        .code = OP_linear,
        .operand = { [LINEAR_X] = x, [LINEAR_W] = w, [LINEAR_B] = bias,
                     [LINEAR_Y] = y },
        .attr.linear.tf32 = b->tf32
    });
    return y;
}

struct loss layer_softmax_xent(struct builder *b, int logits,
                               const struct softmax_xent *p)
{
    struct loss loss;

    builder_layer(b, p->name);
    loss = builder_loss(b, p->with);
    loss.seed.value = logits;
    loss.seed.gradient = builder_result(b, graph_like(
        b->graph, logits, "dlogits", KIND_TRANSIENT));
    builder_forward(b, (struct op){
        .code = OP_softmax_xent,
        .operand = { [SOFTMAX_XENT_LOGITS] = logits,
                     [SOFTMAX_XENT_LABELS] = p->labels,
                     [SOFTMAX_XENT_SCALE] = loss.scale,
                     [SOFTMAX_XENT_METRICS] = loss.metrics,
                     [SOFTMAX_XENT_DLOGITS] = loss.seed.gradient }
    });
    return loss;
}
