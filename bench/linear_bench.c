/*
 * The linear layers' kernels beside the 3 x 3 convolution's: GFLOP/s of
 * forward, data gradient and weight gradient, their share of the peak of
 * multiply-adds, and the ratio to the convolution's share, as a table.
 *
 *     linear_bench [--isa generic|avx2|avx512|avx512-bf16] [--threads N]
 *                  [--repeats N] [--precision fp32|bf16|fp16]
 *
 * Each repeat runs, for each of the three, the convolution of 64 channels of a
 * wide ResNet's batch of 100, and then each linear layer, with the peak before
 * every one of them: that of products of bf16 before layers of bf16, that of
 * floats before all else. Shares and their ratios are taken within a repeat, so
 * that other load of the machine meets both alike; figures are medians over the
 * repeats. One thread is timed by the processor's clock, which stands while
 * others run.
 */
#include "bench/bench.h"
#include "bench/median.h"

enum { KINDS = 3, CASES = 13 };

/* Rows 0: the convolution, (100, 17, 17, in), with a filter of 3 x 3. */
struct product {
    int rows, in, out;
    struct operand x, w, y, dx, dw;
    double rate[KINDS][BENCH_REPEATS];  /* operations per second */
    double share[KINDS][BENCH_REPEATS]; /* of the peak */
    double ratio[KINDS][BENCH_REPEATS]; /* of shares */
};

static struct product products[CASES] = {
    { .in = 64, .out = 64 },
    { .rows = 250, .in = 512, .out = 512 },
    { .rows = 250, .in = 512, .out = 1024 },
    { .rows = 250, .in = 1024, .out = 512 },
    { .rows = 500, .in = 512, .out = 512 },
    { .rows = 500, .in = 512, .out = 1024 },
    { .rows = 500, .in = 1024, .out = 512 },
    { .rows = 1000, .in = 512, .out = 512 },
    { .rows = 1000, .in = 512, .out = 1024 },
    { .rows = 1000, .in = 1024, .out = 512 },
    { .rows = 4000, .in = 512, .out = 512 },
    { .rows = 4000, .in = 512, .out = 1024 },
    { .rows = 4000, .in = 1024, .out = 512 }
};

static const enum op_code ops[2][KINDS] = {
    { OP_conv, OP_conv_dgrad, OP_conv_wgrad },
    { OP_linear, OP_linear_dgrad, OP_linear_wgrad }
};

static struct operand filled(struct operand o)
{
    bench_fill(&o, 0.5f);
    return o;
}

static void product_fill(struct product *p, enum dtype dtype)
{
    struct operand x = { .dtype = dtype, .rank = 2, .dim = { p->rows, p->in } };
    struct operand w = { .dtype = dtype, .rank = 2, .dim = { p->in, p->out } };
    struct operand y = { .dtype = dtype, .rank = 2,
                         .dim = { p->rows, p->out } };

    /* With an odd side a convolution has as many multiplications as its FLOPs
     * say: see winograd.h. */
    if (p->rows == 0) {
        x = (struct operand){ .dtype = dtype, .rank = 4,
                              .dim = { 100, 17, 17, p->in } };
        w = (struct operand){ .dtype = dtype, .rank = 4,
                              .dim = { 3, 3, p->in, p->out } };
        y = x;
        y.dim[3] = p->out;
    }
    p->x = filled(x);
    p->w = filled(w);
    p->y = filled(y);
    p->dx = filled(x);
    p->dw = filled(w);
}

/* One of the three: which slots of a call its operands are. */
static void bind(struct call *c, int x, const struct operand *of_x, int w,
                 const struct operand *of_w, int y, const struct operand *of_y)
{
    c->operand[x] = *of_x;
    c->operand[w] = *of_w;
    c->operand[y] = *of_y;
}

static struct call call_of(const struct product *p, int kind, int threads)
{
    struct call c = { .attr.conv = { .stride = 1, .pad = 1 },
                      .threads = threads };
    bool conv = p->rows == 0;

    if (kind == 0 && conv)
        bind(&c, CONV_X, &p->x, CONV_W, &p->w, CONV_Y, &p->y);
    else if (kind == 0)
        bind(&c, LINEAR_X, &p->x, LINEAR_W, &p->w, LINEAR_Y, &p->y);
    else if (kind == 1 && conv)
        bind(&c, CONV_DGRAD_DX, &p->dx, CONV_DGRAD_W, &p->w, CONV_DGRAD_DY,
             &p->y);
    else if (kind == 1)
        bind(&c, LINEAR_DGRAD_DX, &p->dx, LINEAR_DGRAD_W, &p->w,
             LINEAR_DGRAD_DY, &p->y);
    else if (conv)
        bind(&c, CONV_WGRAD_X, &p->x, CONV_WGRAD_DW, &p->dw, CONV_WGRAD_DY,
             &p->y);
    else
        bind(&c, LINEAR_WGRAD_X, &p->x, LINEAR_WGRAD_DW, &p->dw,
             LINEAR_WGRAD_DY, &p->y);
    return c;
}

/* Returns operations per second. Short products run several times. */
static double measure(const struct bench *b, const struct product *p, int kind,
                      void *scratch)
{
    enum op_code op = ops[p->rows > 0][kind];
    struct call c = call_of(p, kind, b->threads);
    double flops = 2.0 * (double)operand_elements(&p->y)
                   * (double)operand_elements(&p->w) / p->out;
    int times = p->rows == 0 ? 1 : 4000 / p->rows;
    double start;

    c.scratch = scratch;
    start = bench_now(b);
    for (int i = 0; i < times; i++)
        b->isa->kernels->run[op](&c);
    return flops * times / (bench_now(b) - start);
}

static size_t scratch_of(const struct isa *isa, int threads)
{
    size_t most = 0;

    for (int i = 0; i < CASES; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct call c = call_of(&products[i], kind, threads);
            size_t bytes =
                isa->kernels->scratch[ops[products[i].rows > 0][kind]](&c);

            most = bytes > most ? bytes : most;
        }
    return most;
}

/* The first repeat warms up. */
static void measure_all(const struct bench *b, void *scratch)
{
    for (int r = -1; r < b->repeats; r++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int i = 0; i < CASES; i++) {
                struct product *p = &products[i];
                int at = r < 0 ? 0 : r;
                enum dtype dtype = p->rows > 0 ? p->x.dtype : DTYPE_F32;
                double peak = bench_peak(b, dtype);

                p->rate[kind][at] = measure(b, p, kind, scratch);
                p->share[kind][at] = p->rate[kind][at] / peak;
                p->ratio[kind][at] =
                    p->share[kind][at] / products[0].share[kind][at];
            }
}

static void print_table(int repeats)
{
    printf("| | forward | dgrad | wgrad |\n|---|---|---|---|\n");
    for (int i = 0; i < CASES; i++) {
        struct product *p = &products[i];

        if (p->rows == 0)
            printf("| 3x3 %d->%d @17, batch 100", p->in, p->out);
        else
            printf("| linear %d->%d, %d rows", p->in, p->out, p->rows);
        for (int kind = 0; kind < KINDS; kind++)
            printf(" | %.1f GFLOP/s, %.0f%%, %.2f",
                   1e-9 * median(p->rate[kind], repeats),
                   100 * median(p->share[kind], repeats),
                   median(p->ratio[kind], repeats));
        printf(" |\n");
    }
}

int main(int argc, char **argv)
{
    struct bench b = bench_start(argc, argv, NULL);
    size_t bytes;
    void *scratch;

    for (int i = 0; i < CASES; i++)
        product_fill(&products[i], b.dtype);
    bytes = scratch_of(b.isa, b.threads);
    scratch = bench_room(bytes);
    measure_all(&b, scratch);
    printf("%s, %s, %d threads, median of %d; scratch %zu bytes\n\n",
           b.isa->name, dtype_name(b.dtype), b.threads, b.repeats, bytes);
    print_table(b.repeats);
    return 0;
}
