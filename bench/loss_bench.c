/*
 * The loss that is fused with the output matrix, beside linear layers of its
 * size, as a table: the milliseconds of token_loss, its GFLOP/s, counting four
 * products of 2 T C V operations each, and its speed as a share of that of the
 * same products by linear layers, which write the logits; then the same for
 * token_loss_eval, one product; and the bytes of scratch.
 *
 *     loss_bench [--isa generic|avx2|avx512|avx512-bf16] [--threads N]
 *                [--repeats N] [--precision fp32|bf16|fp16]
 *
 * Shares are taken within a repeat, so that other load of the machine meets
 * both alike; figures are medians over the repeats. One thread is timed by the
 * processor's clock, which stands while others run.
 */
#include "bench/bench.h"
#include "bench/median.h"

enum { CASES = 4, KINDS = 2 };

struct loss {
    int tokens, depth, words;
    struct operand x, w, labels, metrics, dx, dw, logits;
    double seconds[KINDS][BENCH_REPEATS];
    double share[KINDS][BENCH_REPEATS];
};

static struct loss losses[CASES] = {
    { .tokens = 1000, .depth = 512, .words = 6632 },
    { .tokens = 4000, .depth = 512, .words = 6632 },
    { .tokens = 1000, .depth = 256, .words = 3428 },
    { .tokens = 4000, .depth = 256, .words = 3428 }
};

static struct operand matrix(enum dtype dtype, int rows, int columns,
                             float most)
{
    struct operand o = { .dtype = dtype, .rank = 2, .dim = { rows, columns } };

    if (most > 0)
        bench_fill(&o, most);
    else
        o.data = bench_room(operand_bytes(&o));
    return o;
}

/* Numbers of about the size that activations and weights have. */
static void loss_fill(struct loss *l, enum dtype dtype)
{
    int32_t *labels;

    l->x = matrix(dtype, l->tokens, l->depth, 1);
    l->w = matrix(dtype, l->depth, l->words, 0.25f);
    l->labels = matrix(DTYPE_I32, 1, l->tokens, 0);
    l->metrics = matrix(DTYPE_F64, 1, METRIC_COUNT, 0);
    l->dx = matrix(dtype, l->tokens, l->depth, 0);
    l->dw = matrix(dtype, l->depth, l->words, 0);
    l->logits = matrix(dtype, l->tokens, l->words, 0);
    labels = l->labels.data;
    for (int i = 0; i < l->tokens; i++)
        labels[i] = (int32_t)((unsigned)i * 7919u % (unsigned)l->words);
}

/* The calls of one kind, which are timed together. */
struct work {
    int calls;
    enum op_code op[4];
    struct call call[4];
};

static void add_call(struct work *work, enum op_code op, struct call c)
{
    work->op[work->calls] = op;
    work->call[work->calls++] = c;
}

static struct call loss_call(const struct loss *l, const struct batch *batch,
                             int threads)
{
    struct call c = { .attr.token_loss.smoothing = 0.1f, .batch = batch,
                      .threads = threads };

    c.operand[TOKEN_LOSS_X] = l->x;
    c.operand[TOKEN_LOSS_W] = l->w;
    c.operand[TOKEN_LOSS_LABELS] = l->labels;
    c.operand[TOKEN_LOSS_METRICS] = l->metrics;
    c.operand[TOKEN_LOSS_DW] = l->dw;
    c.operand[TOKEN_LOSS_DX] = l->dx;
    return c;
}

static struct call eval_call(const struct loss *l, const struct batch *batch,
                             int threads)
{
    struct call c = { .batch = batch, .threads = threads };

    c.operand[TOKEN_LOSS_EVAL_X] = l->x;
    c.operand[TOKEN_LOSS_EVAL_W] = l->w;
    c.operand[TOKEN_LOSS_EVAL_LABELS] = l->labels;
    c.operand[TOKEN_LOSS_EVAL_METRICS] = l->metrics;
    return c;
}

static struct call linear_call(const struct operand *x, int at_x,
                               const struct operand *w, int at_w,
                               const struct operand *y, int at_y, int threads)
{
    struct call c = { .threads = threads };

    c.operand[at_x] = *x;
    c.operand[at_w] = *w;
    c.operand[at_y] = *y;
    return c;
}

/* The loss, or its evaluation; and the linear layers that do the same
 * products. */
static void works_of(const struct loss *l, int kind, const struct batch *batch,
                     int threads, struct work *fused, struct work *plain)
{
    struct call forward =
        linear_call(&l->x, LINEAR_X, &l->w, LINEAR_W, &l->logits, LINEAR_Y,
                    threads);

    add_call(plain, OP_linear, forward);
    if (kind == 1) {
        add_call(fused, OP_token_loss_eval, eval_call(l, batch, threads));
        return;
    }
    add_call(fused, OP_token_loss, loss_call(l, batch, threads));
    add_call(plain, OP_linear, forward);
    add_call(plain, OP_linear_dgrad,
             linear_call(&l->dx, LINEAR_DGRAD_DX, &l->w, LINEAR_DGRAD_W,
                         &l->logits, LINEAR_DGRAD_DY, threads));
    add_call(plain, OP_linear_wgrad,
             linear_call(&l->x, LINEAR_WGRAD_X, &l->dw, LINEAR_WGRAD_DW,
                         &l->logits, LINEAR_WGRAD_DY, threads));
}

static size_t work_scratch(const struct isa *isa, const struct work *work)
{
    size_t most = 0;

    for (int i = 0; i < work->calls; i++) {
        size_t bytes = isa->kernels->scratch[work->op[i]](&work->call[i]);

        most = bytes > most ? bytes : most;
    }
    return most;
}

static double seconds_of(const struct bench *b, struct work *work,
                         void *scratch)
{
    double start = bench_now(b);

    for (int i = 0; i < work->calls; i++) {
        work->call[i].scratch = scratch;
        b->isa->kernels->run[work->op[i]](&work->call[i]);
    }
    return bench_now(b) - start;
}

/* The first repeat warms up. */
static void measure(const struct bench *b, struct loss *l, int kind)
{
    struct batch batch = { .terms = l->tokens };
    struct work fused = { 0 }, plain = { 0 };
    void *scratch;

    works_of(l, kind, &batch, b->threads, &fused, &plain);
    scratch = bench_room(work_scratch(b->isa, &fused)
                         + work_scratch(b->isa, &plain));
    for (int r = -1; r < b->repeats; r++) {
        double by_layers = seconds_of(b, &plain, scratch);
        double seconds = seconds_of(b, &fused, scratch);

        l->seconds[kind][r < 0 ? 0 : r] = seconds;
        l->share[kind][r < 0 ? 0 : r] = by_layers / seconds;
    }
}

static void print_figures(struct loss *l, int kind, int repeats)
{
    double seconds = median(l->seconds[kind], repeats);
    double flops = (kind == 0 ? 8.0 : 2.0) * l->tokens * l->depth * l->words;

    printf(" | %.1f ms, %.0f GFLOP/s, %.0f%%", 1e3 * seconds,
           flops / seconds / 1e9, 100 * median(l->share[kind], repeats));
}

static void print_loss(const struct bench *b, struct loss *l)
{
    printf("| T %d, C %d, V %d", l->tokens, l->depth, l->words);
    for (int kind = 0; kind < KINDS; kind++)
        print_figures(l, kind, b->repeats);
    for (int kind = 0; kind < KINDS; kind++) {
        struct work fused = { 0 }, plain = { 0 };

        works_of(l, kind, NULL, b->threads, &fused, &plain);
        printf(" | %.2f MiB", mebibytes(work_scratch(b->isa, &fused)));
    }
    printf(" |\n");
}

int main(int argc, char **argv)
{
    struct bench b = bench_start(argc, argv, NULL);

    printf("%s, %s, %d threads, median of %d\n\n"
           "| | token_loss | token_loss_eval | scratch | of eval |\n"
           "|---|---|---|---|---|\n", b.isa->name, dtype_name(b.dtype),
           b.threads, b.repeats);
    for (int i = 0; i < CASES; i++) {
        loss_fill(&losses[i], b.dtype);
        for (int kind = 0; kind < KINDS; kind++)
            measure(&b, &losses[i], kind);
        print_loss(&b, &losses[i]);
        fflush(stdout);
    }
    return 0;
}
