/*
 * The kernels of networks of sentences against the machine, at the sizes of
 * preset `dynamicconv`, as a table: the microseconds of an operation; its
 * GFLOP/s and their share of the peak of multiply-adds; its GB/s and their
 * share of those of a copy; its draws of dropout as a share of their peak; and
 * the share of the bound, which is the largest of these three shares.
 *
 *     text_bench [--isa generic|avx2|avx512|avx512-bf16] [--threads N]
 *                [--repeats N] [--precision fp32|bf16|fp16]
 *
 * The highest rates are measured beside each operation, in every repeat: peak.c
 * has the multiply-adds, of floats but for the loss. The copy moves as many
 * bytes as the operation reads and writes, and as often, so that caches serve
 * both alike. Draws are those of dropout on rows in the first-level cache.
 * Shares are taken within a repeat; figures are medians over the repeats. Bytes
 * count each element of a tensor once, if it is read or written. Sentences have
 * 5 to 45 tokens, 25 on average.
 */
#include <math.h>

#include "bench/bench.h"
#include "bench/median.h"
#include "kernels/philox.h"

enum { CHANNELS = 512, HIDDEN = 1024, HEADS = 4, WORDS = 6632, MOST_TAPS = 31,
       SHORTEST = 5, LONGEST = 45, LEAST_BYTES = 1 << 22, DRAW_ROWS = 8 };

enum tensor { NONE, X, Y, DY, DX, K, V, DK, DV, LOGITS, DLOGITS, ENDS, STAT,
              GAMMA, BETA, DGAMMA, DBETA, LSE, TOKENS, TABLE, METRICS, MATRIX,
              GRADIENT, MEAN, ROOT, WEIGHTS, DWEIGHTS, TENSORS };

struct tensors {
    int tokens;
    double pairs;        /* of a target and a source token */
    struct operand of[TENSORS];
};

/* The operands of an operation in the order of their slots; the multiply-adds
 * and draws of a token or a pair; the rate of dropout. */
struct work {
    enum op_code op;
    enum tensor operand[CALL_MAX_OPERANDS];
    int taps;            /* of a dynamic convolution */
    double token_products, pair_products, token_draws, pair_draws;
    float rate;
};

#define OP(name, cpu, cuda, access, ...) [OP_##name] = access,
static const char *const accesses[OP_COUNT] = {
#include "kernels/op_list.h"
};
#undef OP
#define OP(name, cpu, cuda, access, ...) [OP_##name] = #name,
static const char *const names[OP_COUNT] = {
#include "kernels/op_list.h"
};
#undef OP

#define DYNCONV_WORK(name, k, ...) \
    { .op = OP_##name, .operand = { __VA_ARGS__ }, .taps = k, \
      .token_products = CHANNELS * k, .token_draws = HEADS * k, .rate = 0.1f }
#define DYNCONV(k) \
    DYNCONV_WORK(dynconv, k, X, LOGITS, ENDS, Y), \
    DYNCONV_WORK(dynconv_dgrad, k, DY, LOGITS, ENDS, NONE, DX), \
    DYNCONV_WORK(dynconv_wgrad, k, DY, X, LOGITS, ENDS, DLOGITS)

static const struct work works[] = {
    DYNCONV(3), DYNCONV(7), DYNCONV(15), DYNCONV(31),
    { .op = OP_layer_norm, { X, GAMMA, BETA, STAT, Y } },
    { .op = OP_layer_norm_grad,
      { DY, X, STAT, GAMMA, NONE, DGAMMA, DBETA, DX } },
    { .op = OP_attention, { X, K, V, ENDS, ENDS, LSE, Y },
      .pair_products = 2 * CHANNELS, .pair_draws = HEADS, .rate = 0.1f },
    { .op = OP_attention_grad, { DY, X, K, V, Y, LSE, ENDS, ENDS, DX, DK, DV },
      .pair_products = 5 * CHANNELS, .pair_draws = HEADS, .rate = 0.1f },
    { .op = OP_dropout, { X, ENDS, DY, Y }, .token_draws = CHANNELS,
      .rate = 0.3f },
    { .op = OP_relu, { X, Y } },
    { .op = OP_embedding, { TOKENS, TABLE, ENDS, NONE, Y } },
    { .op = OP_embedding_wgrad, { TOKENS, DY, TABLE } },
    { .op = OP_token_loss, { X, WEIGHTS, TOKENS, NONE, METRICS, DWEIGHTS, DX },
      .token_products = 4.0 * CHANNELS * WORDS },
    { .op = OP_adam, { GRADIENT, NONE, NONE, MEAN, ROOT, MATRIX } }
};

enum { WORKS = sizeof(works) / sizeof(*works) };

/* The figures of a repeat. */
struct figures {
    double seconds[BENCH_REPEATS];
    double of_peak[BENCH_REPEATS], of_copy[BENCH_REPEATS];
    double of_draws[BENCH_REPEATS], of_bound[BENCH_REPEATS];
};

static struct operand matrix(enum dtype dtype, int rows, int columns,
                             float most)
{
    struct operand o = { .dtype = dtype, .rank = columns ? 2 : 1,
                         .dim = { rows, columns } };

    if (most > 0)
        bench_fill(&o, most);
    else
        o.data = bench_room(operand_bytes(&o));
    return o;
}

/* Cuts the tokens into sentences. */
static void cut(struct tensors *t)
{
    int32_t *ends = t->of[ENDS].data;
    int count = 0;

    for (int at = 0; at < t->tokens; count++) {
        uint32_t word = philox(1, (uint64_t)count, PHILOX_DRAW, 0).x[0];
        int length = SHORTEST + (int)(word % (LONGEST - SHORTEST + 1));

        length = int_min(length, t->tokens - at);
        at += length;
        ends[count] = at;
        t->pairs += (double)length * length;
    }
    t->of[ENDS].dim[0] = count;
}

static struct tensors tensors_of(const struct bench *b, int tokens)
{
    struct tensors t = { .tokens = tokens };
    enum dtype moments = b->dtype == DTYPE_F32 ? DTYPE_F32 : DTYPE_BF16;
    int32_t *token;

    for (int i = X; i <= DV; i++)
        t.of[i] = matrix(b->dtype, tokens, CHANNELS, 1);
    for (int i = LOGITS; i <= DLOGITS; i++)
        t.of[i] = matrix(b->dtype, tokens, HEADS * MOST_TAPS, 2);
    t.of[ENDS] = matrix(DTYPE_I32, tokens, 0, 0);
    cut(&t);
    t.of[STAT] = matrix(DTYPE_F32, tokens, LAYER_STATS, 1);
    for (int i = GAMMA; i <= DBETA; i++)
        t.of[i] = matrix(DTYPE_F32, CHANNELS, 0, 1);
    t.of[LSE] = matrix(DTYPE_F32, tokens, HEADS, 0);
    for (size_t i = 0; i < operand_elements(&t.of[LSE]); i++)
        ((float *)t.of[LSE].data)[i] = 10;
    token = (t.of[TOKENS] = matrix(DTYPE_I32, tokens, 0, 0)).data;
    for (int i = 0; i < tokens; i++)
        token[i] = (int32_t)((unsigned)i * 7919u % WORDS);
    t.of[TABLE] = matrix(b->dtype, WORDS, CHANNELS, 1);
    t.of[METRICS] = matrix(DTYPE_F64, METRIC_COUNT, 0, 0);
    t.of[MATRIX] = matrix(b->dtype, CHANNELS, HIDDEN, 0.1f);
    t.of[GRADIENT] = matrix(b->dtype, CHANNELS, HIDDEN, 0.1f);
    t.of[MEAN] = matrix(moments, CHANNELS, HIDDEN, 0.1f);
    t.of[ROOT] = matrix(moments, CHANNELS, HIDDEN, 0);
    t.of[WEIGHTS] = matrix(b->dtype, CHANNELS, WORDS, 0.1f);
    t.of[DWEIGHTS] = matrix(b->dtype, CHANNELS, WORDS, 0);
    return t;
}

static struct call call_of(const struct bench *b, const struct work *w,
                           const struct tensors *t, const struct batch *batch,
                           const struct part *part)
{
    struct call c = { .threads = b->threads, .batch = batch, .part = part };

    if (w->op == OP_attention || w->op == OP_attention_grad) {
        c.attr.attention.heads = HEADS;
        c.attr.attention.sentence = (SHORTEST + LONGEST) / 2;
    } else if (w->op == OP_embedding || w->op == OP_embedding_wgrad) {
        c.attr.embedding.scale = sqrtf(CHANNELS);
    } else if (w->op == OP_token_loss) {
        c.attr.token_loss.smoothing = 0.1f;
    } else if (w->op == OP_adam) {
        c.attr.update.adam = (struct adam){ 0.9f, 0.98f, 1e-8f, 1e-4f };
    } else if (w->taps > 0) {
        c.attr.dynconv.heads = HEADS;
        c.attr.dynconv.taps = w->taps;
    }
    if (w->rate > 0)
        c.attr.dropout = (struct dropping){ w->rate, 1 };
    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        c.operand[i] = t->of[w->operand[i]];
        if (w->operand[i] == LOGITS || w->operand[i] == DLOGITS)
            c.operand[i].dim[1] = HEADS * w->taps;
    }
    return c;
}

/* Bytes that are read and written. Of a table, a row for each token. */
static double bytes_of(const struct work *w, const struct call *c)
{
    const char *access = accesses[w->op];
    double bytes = 0;

    for (int i = 0; access[i]; i++) {
        double own = (double)operand_bytes(&c->operand[i]);

        if (w->operand[i] == TABLE)
            own *= (double)c->operand[0].dim[0] / WORDS;
        bytes += access[i] == 'u' ? 2 * own : own;
    }
    return bytes;
}

/* Seconds of a run, the mean of some after one that warms up. */
static double seconds_of(const struct bench *b, enum op_code op,
                         const struct call *c, int times)
{
    double start = 0;

    for (int i = -1; i < times; i++) {
        if (i == 0)
            start = bench_now(b);
        b->isa->kernels->run[op](c);
    }
    return (bench_now(b) - start) / times;
}

/* Bytes per second of copies that read half of some bytes and write half. */
static double copy_rate(const struct bench *b, char *room, size_t bytes,
                        int times)
{
    size_t half = bytes / 2;
    double start = 0;

    for (int i = -1; i < times; i++) {
        if (i == 0)
            start = bench_now(b);
#pragma omp parallel for num_threads(b->threads) schedule(static, 1)
        for (int t = 0; t < b->threads; t++) {
            struct range r = range_share(half, t, b->threads);

            memcpy(room + half + r.begin, room + r.begin, r.end - r.begin);
        }
    }
    return 2.0 * (double)half * times / (bench_now(b) - start);
}

/* Draws per second of dropout in the first-level cache: those of one thread,
 * times the threads, since so little work would mostly wait for them. */
static double draw_rate(const struct bench *b, const struct call *dropout)
{
    struct call c = *dropout;

    c.threads = 1;
    for (int i = DROPOUT_X; i <= DROPOUT_Y; i++)
        if (i != DROPOUT_ENDS)
            c.operand[i].dim[0] = DRAW_ROWS;
    return (double)b->threads * DRAW_ROWS * CHANNELS
           / seconds_of(b, OP_dropout, &c, 50);
}

static void measure(const struct bench *b, const struct work *w,
                    const struct call *c, const struct call *dropout,
                    const struct tensors *t, char *room, struct figures *f)
{
    double products = 2 * (w->token_products * t->tokens
                           + w->pair_products * t->pairs);
    double draws = w->token_draws * t->tokens + w->pair_draws * t->pairs;
    double bytes = bytes_of(w, c);
    int times = bytes < LEAST_BYTES ? 1 + (int)(LEAST_BYTES / bytes) : 1;

    for (int r = 0; r < b->repeats; r++) {
        enum dtype factors = w->op == OP_token_loss ? b->dtype : DTYPE_F32;
        double peak = bench_peak(b, factors), copy, draw, seconds;

        copy = copy_rate(b, room, (size_t)bytes, times);
        draw = draw_rate(b, dropout);
        seconds = f->seconds[r] = seconds_of(b, w->op, c, times);
        f->of_peak[r] = products / peak / seconds;
        f->of_copy[r] = bytes / copy / seconds;
        f->of_draws[r] = draws / draw / seconds;
        f->of_bound[r] = fmax(f->of_peak[r],
                              fmax(f->of_copy[r], f->of_draws[r]));
    }
    printf("| %s", names[w->op]);
    if (w->taps > 0)
        printf(", K %d", w->taps);
    printf(" | %d | %.0f", t->tokens, 1e6 * median(f->seconds, b->repeats));
    printf(" | %.1f, %.0f%%", 1e-9 * products / f->seconds[b->repeats / 2],
           100 * median(f->of_peak, b->repeats));
    printf(" | %.1f, %.0f%%", 1e-9 * bytes / f->seconds[b->repeats / 2],
           100 * median(f->of_copy, b->repeats));
    printf(" | %.0f%% | %.0f%% |\n", 100 * median(f->of_draws, b->repeats),
           100 * median(f->of_bound, b->repeats));
    fflush(stdout);
}

static void measure_all(const struct bench *b, int tokens)
{
    static struct figures figures;
    struct tensors t = tensors_of(b, tokens);
    struct batch batch = { .seed = 1, .terms = tokens,
                           .learning_rate = 1e-4f };
    struct part part = { .count.of = { t.of[ENDS].dim[0], tokens, tokens } };
    struct call calls[WORKS], dropout = { 0 };
    size_t scratch = 0, bytes = 0;
    void *room;
    char *copied;

    for (int i = 0; i < WORKS; i++) {
        size_t (*of)(const struct call *) =
            b->isa->kernels->scratch[works[i].op];

        calls[i] = call_of(b, &works[i], &t, &batch, &part);
        scratch = size_max(scratch, of ? of(&calls[i]) : 0);
        bytes = size_max(bytes, (size_t)bytes_of(&works[i], &calls[i]));
        if (works[i].op == OP_dropout)
            dropout = calls[i];
    }
    room = bench_room(scratch);
    copied = bench_room(bytes);
    for (int i = 0; i < WORKS; i++) {
        calls[i].scratch = room;
        calls[i].scratch_bytes = scratch;
        measure(b, &works[i], &calls[i], &dropout, &t, copied, &figures);
    }
}

int main(int argc, char **argv)
{
    struct bench b = bench_start(argc, argv, NULL);

    printf("%s, %s, %d threads, median of %d\n\n"
           "| | tokens | \302\265s | GFLOP/s, of peak | GB/s, of a copy "
           "| draws | of the bound |\n|---|---|---|---|---|---|---|\n",
           b.isa->name, dtype_name(b.dtype), b.threads, b.repeats);
    measure_all(&b, 4000);
    measure_all(&b, 500);
    return 0;
}
