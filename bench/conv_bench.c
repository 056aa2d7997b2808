/*
 * The convolution kernels against the machine: GFLOP/s of conv, conv_dgrad
 * and conv_wgrad for each convolution of a wide ResNet, beside the peak of
 * multiply-adds measured between them, as a table.
 *
 *     conv_bench [--isa NAME] [--threads N] [--batch N] [--precision NAME]
 *                [--depth N] [--width N] [--repeats N]
 *
 * Each repeat runs all layers once, so that a layer finds its operands as far
 * away as in training; figures are medians over the repeats. Inputs are read
 * through a batch norm, as the norms schedule does, and the sums that the next
 * batch norm needs are made, as in training. FLOPs are those of the
 * sum over taps: a layer that has fewer multiplications (winograd.h) may pass
 * the peak.
 */
#include "bench/bench.h"
#include "bench/median.h"

enum { MAX_LAYERS = 16, OPS = 3 };

/* A convolution, and how many like it the network has. */
struct layer {
    int size, in, out, kernel, stride, count;
    struct operand x, w, y, dx, dw, stat, y_sums, x_sums;
};

static const enum op_code ops[OPS] = { OP_conv, OP_conv_dgrad, OP_conv_wgrad };

static struct operand tensor(enum dtype dtype, int a, int b, int c, int d)
{
    struct operand o = { .dtype = dtype, .rank = 4, .dim = { a, b, c, d } };

    bench_fill(&o, 0.5f);
    return o;
}

static void layer_add(struct layer *list, int *n, int size, int in, int out,
                      int kernel, int stride)
{
    struct layer l = { .size = size, .in = in, .out = out, .kernel = kernel,
                       .stride = stride, .count = 1 };

    for (int i = 0; i < *n; i++)
        if (list[i].size == size && list[i].in == in && list[i].out == out
            && list[i].kernel == kernel && list[i].stride == stride) {
            list[i].count++;
            return;
        }
    list[(*n)++] = l;
}

static int layers_of_wrn(struct layer *list, int depth, int width)
{
    int n = 0, channels = 16, size = 32;

    layer_add(list, &n, size, 3, 16, 3, 1);
    for (int group = 0; group < 3; group++)
        for (int block = 0; block < (depth - 4) / 6; block++) {
            int out = (16 << group) * width;
            int stride = group > 0 && block == 0 ? 2 : 1;

            layer_add(list, &n, size, channels, out, 3, stride);
            if (channels != out)
                layer_add(list, &n, size, channels, out, 1, stride);
            size /= stride;
            layer_add(list, &n, size, out, out, 3, 1);
            channels = out;
        }
    return n;
}

/* A float tensor of a channel's figures, in some rows. */
static struct operand figures(int rows, int channels)
{
    struct operand o = { .rank = 3, .dim = { 1, rows, channels } };

    bench_fill(&o, 0.5f);
    return o;
}

static void layer_fill(struct layer *l, int batch, enum dtype dtype)
{
    int size = l->size, out = size / l->stride;

    l->x = tensor(dtype, batch, size, size, l->in);
    l->dx = tensor(dtype, batch, size, size, l->in);
    l->y = tensor(dtype, batch, out, out, l->out);
    l->w = tensor(dtype, l->kernel, l->kernel, l->in, l->out);
    l->dw = tensor(dtype, l->kernel, l->kernel, l->in, l->out);
    l->stat = figures(STAT_ROWS, l->in);
    l->y_sums = figures(SUM_ROWS, l->out);
    l->x_sums = figures(SUM_ROWS, l->in);
}

static double layer_flops(const struct layer *l)
{
    return 2.0 * (double)operand_elements(&l->y)
           * l->kernel * l->kernel * l->in;
}

static struct call call_of(const struct layer *l, enum op_code op, int threads)
{
    struct call c = { .threads = threads };
    struct operand x = l->x;
    bool residual = l->kernel == 3 && l->in == l->out;

    c.attr.conv.stride = l->stride;
    c.attr.conv.pad = l->kernel / 2;
    x.through = l->in == 3 ? NULL : l->stat.data;
    if (op == OP_conv) {
        c.operand[CONV_X] = x;
        c.operand[CONV_W] = l->w;
        c.operand[CONV_Y] = l->y;
        c.operand[CONV_SUMS] = l->y_sums;
        if (residual)
            c.operand[CONV_ADD] = l->y;
    } else if (op == OP_conv_dgrad) {
        c.operand[CONV_DGRAD_DY] = l->y;
        c.operand[CONV_DGRAD_W] = l->w;
        c.operand[CONV_DGRAD_DX] = l->dx;
        c.operand[CONV_DGRAD_X] = l->x;
        c.operand[CONV_DGRAD_STAT] = l->stat;
        c.operand[CONV_DGRAD_SUMS] = l->x_sums;
    } else {
        c.operand[CONV_WGRAD_X] = x;
        c.operand[CONV_WGRAD_DY] = l->y;
        c.operand[CONV_WGRAD_DW] = l->dw;
    }
    return c;
}

/* The stem's input needs no gradient. */
static bool needed(const struct layer *l, int op)
{
    return ops[op] != OP_conv_dgrad || l->in != 3;
}

static double seconds[MAX_LAYERS][OPS][BENCH_REPEATS];

static size_t most_scratch(const struct bench *b, const struct layer *list,
                           int layers)
{
    size_t most = 0;

    for (int i = 0; i < layers; i++)
        for (int op = 0; op < OPS; op++) {
            struct call c = call_of(&list[i], ops[op], b->threads);

            most = size_max(most, b->isa->kernels->scratch[ops[op]](&c));
        }
    return most;
}

/* All layers once. */
static void run_layers(const struct bench *b, const struct layer *list,
                       int layers, void *scratch, size_t bytes, int repeat)
{
    for (int i = 0; i < layers; i++)
        for (int op = 0; op < OPS; op++) {
            struct call c = call_of(&list[i], ops[op], b->threads);
            double start;

            if (!needed(&list[i], op))
                continue;
            c.scratch = scratch;
            c.scratch_bytes = bytes;
            start = bench_now(b);
            b->isa->kernels->run[ops[op]](&c);
            seconds[i][op][repeat] = bench_now(b) - start;
        }
}

static void print_table(const struct layer *list, int layers, int repeats,
                        double peak)
{
    double flops[OPS] = { 0 }, time[OPS] = { 0 }, all = 0, total = 0;

    printf("%-22s %3s  %15s  %15s  %15s\n", "GFLOP/s (of peak)", "n", "conv",
           "conv_dgrad", "conv_wgrad");
    for (int i = 0; i < layers; i++) {
        const struct layer *l = &list[i];
        char name[64];

        snprintf(name, sizeof(name), "%dx%d %d->%d /%d @%d", l->kernel,
                 l->kernel, l->in, l->out, l->stride, l->size);
        printf("%-22s %3d", name, l->count);
        for (int op = 0; op < OPS; op++) {
            double s = median(seconds[i][op], repeats);
            double rate = layer_flops(l) / s / 1e9;

            if (!needed(l, op)) {
                printf("  %15s", "-");
                continue;
            }
            printf("  %8.1f (%3.0f%%)", rate, 100 * rate / peak);
            flops[op] += l->count * layer_flops(l);
            time[op] += l->count * s;
        }
        putchar('\n');
    }
    printf("%-22s %3s", "all", "");
    for (int op = 0; op < OPS; op++) {
        printf("  %8.1f (%3.0f%%)", flops[op] / time[op] / 1e9,
               100 * flops[op] / time[op] / 1e9 / peak);
        all += flops[op];
        total += time[op];
    }
    printf("\n%-22s %3s  %8.1f (%3.0f%%): %.1f GFLOP in %.1f ms\n", "together",
           "", all / total / 1e9, 100 * all / total / 1e9 / peak, all / 1e9,
           1e3 * total);
}

int main(int argc, char **argv)
{
    int batch = 100, depth = 28, width = 2;
    const struct bench_option own[] = {
        { "batch", &batch }, { "depth", &depth }, { "width", &width },
        { NULL, NULL }
    };
    struct bench b = bench_start(argc, argv, own);
    struct layer list[MAX_LAYERS];
    int layers = layers_of_wrn(list, depth, width);
    double peak[BENCH_REPEATS], middle;
    size_t bytes;
    void *scratch;

    for (int i = 0; i < layers; i++)
        layer_fill(&list[i], batch, b.dtype);
    bytes = most_scratch(&b, list, layers);
    scratch = bench_room(bytes);
    for (int r = -1; r < b.repeats; r++) { /* the first warms up */
        peak[r < 0 ? 0 : r] = bench_peak(&b, DTYPE_F32) / 1e9;
        run_layers(&b, list, layers, scratch, bytes, r < 0 ? 0 : r);
    }
    middle = median(peak, b.repeats);
    printf("wrn-%d-%d, batch %d, %s, %s, %d threads, median of %d; "
           "peak %.1f GFLOP/s (%.1f to %.1f); scratch %zu bytes\n",
           depth, width, batch, b.isa->name, dtype_name(b.dtype), b.threads,
           b.repeats, middle, peak[0], peak[b.repeats - 1], bytes);
    print_table(list, layers, b.repeats, middle);
    return 0;
}
