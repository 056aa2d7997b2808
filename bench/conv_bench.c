/*
 * The convolution kernels against the machine: GFLOP/s of conv, conv_dgrad
 * and conv_wgrad for each convolution of a wide ResNet, beside the peak of
 * multiply-adds measured between them, as a table.
 *
 *     conv_bench [--isa NAME] [--threads N] [--batch N]
 *                [--depth N] [--width N] [--repeats N]
 *
 * Each repeat runs all layers once, so that a layer finds its operands as far
 * away as in training; figures are medians over the repeats. Inputs are read
 * through a batch norm, as the norms schedule does. FLOPs are those of the
 * sum over taps: a layer that has fewer multiplications (winograd.h) may pass
 * the peak.
 */
#include <getopt.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/median.h"
#include "kernels/cpu/ceilings.h"

enum { MAX_LAYERS = 16, MAX_REPEATS = 99, OPS = 3 };

/* A convolution, and how many like it the network has. */
struct layer {
    int size, in, out, kernel, stride, count;
    struct operand x, w, y, dx, dw;
    float *stat;
};

static const enum op_code ops[OPS] = { OP_conv, OP_conv_dgrad, OP_conv_wgrad };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct operand tensor(int a, int b, int c, int d)
{
    struct operand o = { .rank = 4, .dim = { a, b, c, d } };
    size_t n = operand_elements(&o);
    float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);

    if (!p)
        abort();
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(i * 2654435761u % 1024) / 1024 - 0.5f;
    o.data = p;
    return o;
}

static void layer_add(struct layer *list, int *n, int size, int in, int out,
                      int kernel, int stride)
{
    struct layer l = { size, in, out, kernel, stride, 1, .stat = NULL };

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

static void layer_fill(struct layer *l, int batch)
{
    int size = l->size, out = size / l->stride;

    l->x = tensor(batch, size, size, l->in);
    l->dx = tensor(batch, size, size, l->in);
    l->y = tensor(batch, out, out, l->out);
    l->w = tensor(l->kernel, l->kernel, l->in, l->out);
    l->dw = tensor(l->kernel, l->kernel, l->in, l->out);
    l->stat = tensor(1, 1, STAT_ROWS, l->in).data;
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
    x.through = l->in == 3 ? NULL : l->stat;
    if (op == OP_conv) {
        c.operand[CONV_X] = x;
        c.operand[CONV_W] = l->w;
        c.operand[CONV_Y] = l->y;
        if (residual)
            c.operand[CONV_ADD] = l->y;
    } else if (op == OP_conv_dgrad) {
        c.operand[CONV_DGRAD_DY] = l->y;
        c.operand[CONV_DGRAD_W] = l->w;
        c.operand[CONV_DGRAD_DX] = l->dx;
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

static double seconds[MAX_LAYERS][OPS][MAX_REPEATS];

static size_t run_layers(const struct isa *isa, const struct layer *list,
                         int layers, int threads, int repeats,
                         double peak[MAX_REPEATS])
{
    size_t most = 0;
    void *scratch;

    for (int i = 0; i < layers; i++)
        for (int op = 0; op < OPS; op++) {
            struct call c = call_of(&list[i], ops[op], threads);
            size_t bytes = isa->kernels->scratch[ops[op]](&c);

            most = bytes > most ? bytes : most;
        }
    scratch = aligned_alloc(64, (most + 63) / 64 * 64);
    if (!scratch)
        abort();
    for (int r = -1; r < repeats; r++) {
        double p = cpu_peak(isa, DTYPE_F32, threads) / 1e9;

        if (r >= 0)
            peak[r] = p;
        for (int i = 0; i < layers; i++)
            for (int op = 0; op < OPS; op++) {
                struct call c = call_of(&list[i], ops[op], threads);
                double start;

                if (!needed(&list[i], op))
                    continue;
                c.scratch = scratch;
                start = now();
                isa->kernels->run[ops[op]](&c);
                if (r >= 0)
                    seconds[i][op][r] = now() - start;
            }
    }
    free(scratch);
    return most;
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
    static const struct option options[] = {
        { "isa", required_argument, NULL, 'i' },
        { "threads", required_argument, NULL, 't' },
        { "batch", required_argument, NULL, 'b' },
        { "depth", required_argument, NULL, 'd' },
        { "width", required_argument, NULL, 'w' },
        { "repeats", required_argument, NULL, 'r' },
        { 0 }
    };
    const struct isa *isa = isa_at(0);
    int threads = omp_get_num_procs(), batch = 100, depth = 28, width = 2;
    int repeats = 9, layers, option;
    struct layer list[MAX_LAYERS];
    double peak[MAX_REPEATS], peak_median;
    size_t scratch;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'i':
            isa = isa_named(optarg);
            if (!isa) {
                fprintf(stderr, "conv_bench: no instruction set '%s' here\n",
                        optarg);
                return 2;
            }
            break;
        case 't': threads = atoi(optarg); break;
        case 'b': batch = atoi(optarg); break;
        case 'd': depth = atoi(optarg); break;
        case 'w': width = atoi(optarg); break;
        case 'r': repeats = int_min(atoi(optarg), MAX_REPEATS); break;
        default: return 2;
        }
    layers = layers_of_wrn(list, depth, width);
    for (int i = 0; i < layers; i++)
        layer_fill(&list[i], batch);
    scratch = run_layers(isa, list, layers, threads, repeats, peak);
    peak_median = median(peak, repeats);
    printf("wrn-%d-%d, batch %d, %s, %d threads, median of %d; "
           "peak %.1f GFLOP/s (%.1f to %.1f); scratch %zu bytes\n",
           depth, width, batch, isa->name, threads, repeats, peak_median,
           peak[0], peak[repeats - 1], scratch);
    print_table(list, layers, repeats, peak_median);
    return 0;
}
