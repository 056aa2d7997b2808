/*
 * dynconv_wgrad: the gradient of a dynamic convolution (dynconv.c) by the
 * logits of its weights.
 *   in dy (T, C), x (T, C), logits (T, H * K), ends (N) int32
 *   out dlogits (T, H * K)
 *
 * With s the softmax of a row's K logits of a head, and f the factors of
 * dropout,
 *   dp[k] = f[k] * sum over c of dy[t, c] * x[t + k - pad, c]
 *   dlogits[k] = s[k] * (dp[k] - sum over j of s[j] * dp[j])
 * where c goes through the head's channels, and dp is 0 for taps that meet a
 * row outside of t's sentence.
 *
 * The sums are made for a block of rows and taps at once, each in a vector of
 * partial sums that stays in a register while the channels go by. A vector of x
 * serves all rows of the block, and one of dy all its taps. Blocks at the ends
 * of a sentence have sums that belong to none of its taps; they are thrown
 * away. A block may read rows of other sentences for these, but none that lie
 * outside of the tensor; there rows are taken one by one, with just the taps
 * that they have.
 *
 * scratch: per thread, the weights of DYNCONV_ROWS rows of one head, and the
 * gradients by them, twice: as rows and as lines of taps.
 */
#include "kernels/cpu/conv_transpose.h"
#include "kernels/cpu/dynconv_core.h"

/* Rows and taps of a block, whose sums, a vector of dy for each row, and one of
 * x fill the registers; and those of a block of few taps. */
#ifdef __AVX512F__
enum { ROWS = 3, TAPS = 8, FEW_ROWS = 6, FEW_TAPS = 4 };
#elif defined(__AVX2__)
enum { ROWS = 3, TAPS = 4, FEW_ROWS = 3, FEW_TAPS = 4 };
#else
enum { ROWS = 2, TAPS = 4, FEW_ROWS = 2, FEW_TAPS = 4 };
#endif
enum { MOST_ROWS = FEW_ROWS, MOST_TAPS = TAPS };

struct dot {
    const struct dynconv *d;
    const struct dynconv_piece *piece;
    const struct operand *dy, *x;
    size_t column;       /* the head's first */
    float *dp;           /* (rows of the piece, stride) */
    int stride;
};

/* Floats of a row of dp, whole vectors; and of dp for a piece, and the same
 * turned. */
static inline int dp_stride(const struct dynconv *d)
{
    return (int)round_up((size_t)d->taps, DYNCONV_LANES);
}

static inline size_t dp_floats(const struct dynconv *d)
{
    return (size_t)(DYNCONV_ROWS * dp_stride(d) + d->taps * d->line);
}

/* The taps of a row that meet rows of its sentence. */
struct taps {
    int begin, end;
};

static inline struct taps taps_of(const struct dynconv *d,
                                  const struct sentence *s, int t)
{
    int begin = s->begin + d->pad - t;

    return (struct taps){ begin > 0 ? begin : 0,
                          int_min(s->end + d->pad - t, d->taps) };
}

/* Pairs, and pairs of pairs, from either half of four neighbours. */
#ifdef __AVX512F__
#define LOW_1 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH_1 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#elif defined(__AVX2__)
#define LOW_1 0, 8, 1, 9, 4, 12, 5, 13
#define HIGH_1 2, 10, 3, 11, 6, 14, 7, 15
#define LOW_2 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_2 2, 3, 10, 11, 6, 7, 14, 15
#else
#define LOW_1 0, 4, 1, 5
#define HIGH_1 2, 6, 3, 7
#define LOW_2 0, 1, 4, 5
#define HIGH_2 2, 3, 6, 7
#endif

INLINE vf fold_1(vf a, vf b)
{
    return __builtin_shufflevector(a, b, LOW_1)
           + __builtin_shufflevector(a, b, HIGH_1);
}

INLINE vf fold_2(vf a, vf b)
{
    return __builtin_shufflevector(a, b, LOW_2)
           + __builtin_shufflevector(a, b, HIGH_2);
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* The sum of a vector's parts of four lanes. */
INLINE four fold_rest(vf v)
{
#define PART(i) __builtin_shufflevector(v, v, i, i + 1, i + 2, i + 3)
#if defined(__AVX512F__)
    return (PART(0) + PART(8)) + (PART(4) + PART(12));
#elif defined(__AVX2__)
    return PART(0) + PART(4);
#else
    return v;
#endif
#undef PART
}

/* Writes the sum over the lanes of each of four vectors. */
INLINE void store_sums(float *to, const vf v[4])
{
    *(four *)to = fold_rest(fold_2(fold_1(v[0], v[1]), fold_1(v[2], v[3])));
}

/* Says that a vector is wanted in a register; else the compiler finds that its
 * load may stand in each of its products. */
#ifdef __AVX512F__
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
#define IN_REGISTER(v) ((void)0)
#endif

/* Adds the products of a vector of channels. */
INLINE void add_products(const enum dtype dtype, const int rows, const int taps,
                         const struct dot *dot, size_t dy, size_t x, int lanes,
                         vf sum[MOST_ROWS][MOST_TAPS])
{
    size_t channels = (size_t)dot->x->dim[1];
    vf g[MOST_ROWS];

    UNROLL
    for (int r = 0; r < rows; r++)
        g[r] = dynconv_load(dtype, dot->dy, dy + (size_t)r * channels, lanes);
    UNROLL
    for (int j = 0; j < rows + taps - 1; j++) {
        vf v = dynconv_load(dtype, dot->x, x + (size_t)j * channels, lanes);

        IN_REGISTER(v);
        UNROLL
        for (int r = 0; r < rows; r++)
            if (j >= r && j - r < taps)
                sum[r][j - r] += g[r] * v;
    }
}

/* The sums of rows [t, t + rows) and taps [tap, tap + taps). */
INLINE void dot_block(const enum dtype dtype, const int rows, const int taps,
                      const struct dot *dot, int t, int tap)
{
    const struct dynconv *d = dot->d;
    size_t channels = (size_t)dot->x->dim[1];
    size_t dy = (size_t)t * channels + dot->column;
    size_t x = (size_t)(t + tap - d->pad) * channels + dot->column;
    float *to = dot->dp + (t - dot->piece->begin) * dot->stride + tap;
    vf sum[MOST_ROWS][MOST_TAPS] = { 0 };
    int left = d->width, stride = dot->stride;

    for (; left >= VLEN; left -= VLEN, dy += VLEN, x += VLEN)
        add_products(dtype, rows, taps, dot, dy, x, 0, sum);
    if (left > 0)
        add_products(dtype, rows, taps, dot, dy, x, left, sum);
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int k = 0; k < taps; k += 4)
            store_sums(to + r * stride + k, sum[r] + k);
}

/* Each kind of block is a function of its own, so that it has all registers. */
#define BLOCK(name, type, rows, taps) \
    static __attribute__((noinline)) void name(const struct dot *dot, int t, \
                                               int tap) \
    { \
        dot_block(DTYPE_##type, rows, taps, dot, t, tap); \
    }
#define BLOCKS(type) \
    BLOCK(dot_rows_##type, type, ROWS, TAPS) \
    BLOCK(dot_row_##type, type, 1, TAPS) \
    BLOCK(dot_few_rows_##type, type, FEW_ROWS, FEW_TAPS) \
    BLOCK(dot_few_row_##type, type, 1, FEW_TAPS)

BLOCKS(F32)
BLOCKS(BF16)
BLOCKS(F16)

/* The blocks for a type and a number of taps. */
struct kernel {
    int rows, taps;
    void (*block)(const struct dot *, int t, int tap);
    void (*row)(const struct dot *, int t, int tap); /* of height 1 */
};

static struct kernel kernel_for(enum dtype dtype, int taps)
{
#define KERNELS(type) \
    [DTYPE_##type] = { { ROWS, TAPS, dot_rows_##type, dot_row_##type }, \
                       { FEW_ROWS, FEW_TAPS, dot_few_rows_##type, \
                         dot_few_row_##type } }
    static const struct kernel kernels[DTYPE_COUNT][2] = {
        KERNELS(F32), KERNELS(BF16), KERNELS(F16)
    };

    return kernels[dtype][taps <= FEW_TAPS];
}

/* The sums of taps of a row that are too few for a block. */
static void dot_taps(const struct dot *dot, int t, struct taps taps)
{
    const struct dynconv *d = dot->d;
    size_t channels = (size_t)dot->x->dim[1];
    size_t dy = (size_t)t * channels + dot->column;
    float *to = dot->dp + (t - dot->piece->begin) * dot->stride;
    enum dtype dtype = dot->x->dtype;

    for (int k = taps.begin; k < taps.end; k++) {
        size_t x = (size_t)(t + k - d->pad) * channels + dot->column;
        vf sum = { 0 };

        for (int i = 0; i < d->width; i += VLEN) {
            int lanes = d->width - i < VLEN ? d->width - i : 0;

            sum += dynconv_load(dtype, dot->dy, dy + (size_t)i, lanes)
                   * dynconv_load(dtype, dot->x, x + (size_t)i, lanes);
        }
        to[k] = vf_sum(sum);
    }
}

/* The sums of a row and its taps, of those that a block from `tap` on has. */
static void dot_row(const struct kernel *kernel, const struct dot *dot, int t,
                    int tap)
{
    struct taps all = taps_of(dot->d, &dot->piece->sentence, t);

    if (all.end <= tap || all.begin >= tap + kernel->taps)
        return;
    if (all.end - all.begin < kernel->taps) {
        dot_taps(dot, t, all);
        return;
    }
    if (tap < all.begin)
        tap = all.begin;
    kernel->row(dot, t, int_min(tap, all.end - kernel->taps));
}

/* The sums of a kernel's rows and taps, as far as the rows have these. */
static void dot_rows(const struct kernel *kernel, const struct dot *dot, int t,
                     int tap)
{
    const struct sentence *s = &dot->piece->sentence;
    struct taps first = taps_of(dot->d, s, t);
    struct taps last = taps_of(dot->d, s, t + kernel->rows - 1);
    int from = t + tap - dot->d->pad; /* rows of x that a block reads */
    int to = from + kernel->rows + kernel->taps - 1;

    if (first.end <= tap || last.begin >= tap + kernel->taps)
        return;
    if (from >= 0 && to <= dot->x->dim[0])
        kernel->block(dot, t, tap);
    else
        for (int r = 0; r < kernel->rows; r++)
            dot_row(kernel, dot, t + r, tap);
}

/* Asks for memory, as much as the blocks of a head meet for a tap. */
static void dot_ask(const struct kernel *kernel, const struct dot *dot, int t,
                int tap)
{
    const struct dynconv *d = dot->d;
    const struct dynconv_piece *p = dot->piece;
    int times = (d->taps + kernel->taps - 1) / kernel->taps;
    size_t size = dtype_size(dot->x->dtype);
    size_t share = (size_t)d->width * size / (size_t)times;
    size_t before = dot->column * size + (size_t)(tap / kernel->taps) * share;
    size_t at = (size_t)(p->end - p->begin) * before
                + (size_t)(t - p->begin) * share;

    dynconv_ask(dot->x, p, at, (size_t)kernel->rows * share, false);
    dynconv_ask(dot->dy, p, at, (size_t)kernel->rows * share, false);
}

/* The sums of a piece. Blocks of the same taps follow one another, so that
 * rows of x that they share are still in the first-level cache. The last block
 * may make sums again that the one before it made. */
static void dot_piece(const struct dot *dot)
{
    struct kernel kernel = kernel_for(dot->x->dtype, dot->d->taps);
    int begin = dot->piece->begin, end = dot->piece->end;

    for (int tap = 0; tap < dot->d->taps; tap += kernel.taps)
        if (end - begin >= kernel.rows)
            for (int t = begin; t < end; t += kernel.rows) {
                dot_ask(&kernel, dot, t, tap);
                dot_rows(&kernel, dot, int_min(t, end - kernel.rows), tap);
            }
        else
            for (int t = begin; t < end; t++)
                dot_row(&kernel, dot, t, tap);
}

/* Exchanges rows and taps of the sums, VLEN of both at a time: dp (rows,
 * stride) becomes turned (taps, line), with 0 where a row has no such tap. */
INLINE void turn_rows(const struct dot *dot, float *turned)
{
    const struct dynconv *d = dot->d;
    const struct dynconv_piece *p = dot->piece;

    for (int t = p->begin; t < p->end; t += VLEN)
        for (int tap = 0; tap < d->taps; tap += VLEN) {
            const float *dp = dot->dp + (t - p->begin) * dot->stride + tap;
            vi origin = d->pad - t - tap - vec_numbers();
            vi first = p->sentence.begin + origin;
            vi end = p->sentence.end + origin;
            vf row[VLEN];

            UNROLL
            for (int i = 0; i < VLEN; i++)
                row[i] = vf_load(dp + i * dot->stride);
            conv_transpose_square(row);
            UNROLL
            for (int i = 0; i < VLEN; i++)
                if (tap + i < d->taps)
                    vf_store(turned + (tap + i) * d->line + (t - p->begin),
                             (vf)((first <= i) & (end > i) & (vi)row[i]));
        }
}

/* The gradients by logits of VLEN rows from row t on, and of VLEN taps: from
 * the softmax s and the gradients dp by it, both (taps, line), and the sum of
 * their products over the taps. */
INLINE void store_square(const enum dtype dtype, const struct dot *dot, int t,
                         int head, int tap, const float *s, const float *dp,
                         vf sum)
{
    const struct dynconv *d = dot->d;
    const struct operand *to = &d->call->operand[DYNCONV_WGRAD_DLOGITS];
    int taps = int_min(d->taps - tap, VLEN);
    size_t line = (size_t)to->dim[1];
    size_t at = (size_t)t * line + (size_t)(head * d->taps + tap);
    vf row[VLEN];

    UNROLL
    for (int i = 0; i < VLEN; i++) {
        int from = (tap + i) * d->line;

        row[i] = vf_set(0);
        if (i < taps)
            row[i] = vf_load(s + from) * (vf_load(dp + from) - sum);
    }
    conv_transpose_square(row);
    UNROLL
    for (int i = 0; i < VLEN; i++)
        if (t + i < dot->piece->end)
            dynconv_store(dtype, to, at + (size_t)i * line, taps % VLEN,
                          row[i]);
}

INLINE void store_dlogits(const enum dtype dtype, const struct dot *dot,
                          int head, const float *s, const float *dp)
{
    const struct dynconv *d = dot->d;
    const struct dynconv_piece *p = dot->piece;

    for (int t = p->begin; t < p->end; t += VLEN, s += VLEN, dp += VLEN) {
        vf sum = { 0 };

        for (int k = 0; k < d->taps; k++)
            sum += vf_load(s + k * d->line) * vf_load(dp + k * d->line);
        for (int tap = 0; tap < d->taps; tap += VLEN)
            store_square(dtype, dot, t, head, tap, s, dp, sum);
    }
}

static void sum_products(const struct dynconv *d,
                         const struct dynconv_piece *p, int head, float *s)
{
    const struct operand *o = d->call->operand;
    const struct operand *x = &o[DYNCONV_WGRAD_X];
    float *turned = s - dynconv_zeros(d) + dynconv_window(d);
    struct dot dot = { d, p, &o[DYNCONV_WGRAD_DY], x,
                       (size_t)(head * d->width), turned + d->taps * d->line,
                       dp_stride(d) };

    KERNEL(dynconv_softmax)(d, p->begin, p->end, head, s);
    dot_piece(&dot);
    turn_rows(&dot, turned);
    if (d->drops)
        KERNEL(dynconv_drop)(d, &p->sentence, p->begin, p->end, head, turned);
    DTYPE_SWITCH(o[DYNCONV_WGRAD_DLOGITS].dtype, store_dlogits, &dot, head, s,
                 turned);
}

static struct dynconv dynconv_wgrad_of(const struct call *c)
{
    return dynconv_of(c, DYNCONV_WGRAD_DY, DYNCONV_WGRAD_LOGITS,
                      DYNCONV_WGRAD_ENDS, DYNCONV_ROWS);
}

size_t KERNEL(dynconv_wgrad_scratch)(const struct call *c)
{
    struct dynconv d = dynconv_wgrad_of(c);

    return (size_t)c->threads * (dynconv_window(&d) + dp_floats(&d))
           * sizeof(float);
}

void KERNEL(dynconv_wgrad)(const struct call *c)
{
    struct dynconv d = dynconv_wgrad_of(c);

    KERNEL(dynconv_run)(&d, dp_floats(&d), sum_products);
}
