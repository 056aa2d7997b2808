/*
 * dynconv_wgrad: the gradient of a dynamic convolution (dynconv.c) by the
 * logits of its weights.
 *   in dy (T, C), x (T, C), logits (T, H * K), ends (N) int32
 *   out dlogits (T, H * K)
 *
 * With s the softmax of a row's K logits of a head, and f the factors of
 * dropout,
 *   dp[k] = f[k] * sum over the head's channels c of dy[t, c] * x[t + k - pad, c]
 *   dlogits[k] = s[k] * (dp[k] - sum over j of s[j] * dp[j])
 * where dp is 0 for taps that meet a row outside of t's sentence.
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
 * gradients by them.
 */
#include "kernels/cpu/dynconv_core.h"
#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

/* Sums of a block: they, a vector of dy for each row, and one of x fill the
 * registers. The taps are a multiple of 4. */
#ifdef __AVX512F__
enum { BLOCK_ROWS = 3, BLOCK_TAPS = 8 };
#elif defined(__AVX2__)
enum { BLOCK_ROWS = 3, BLOCK_TAPS = 4 };
#else
enum { BLOCK_ROWS = 2, BLOCK_TAPS = 4 };
#endif

struct dot {
    const struct dynconv *d;
    const struct dynconv_piece *piece;
    const struct operand *dy, *x;
    size_t column;       /* the head's first */
    float *dp;           /* (rows of the piece, stride) */
};

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

/* Adds the products of a vector of channels. */
INLINE void add_products(const enum dtype dtype, const int rows,
                         const int taps, const struct dot *dot, size_t dy,
                         size_t x, int lanes,
                         vf sum[BLOCK_ROWS][BLOCK_TAPS])
{
    size_t channels = (size_t)dot->x->dim[1];
    vf g[BLOCK_ROWS];

    UNROLL
    for (int r = 0; r < rows; r++)
        g[r] = dynconv_load(dtype, dot->dy, dy + (size_t)r * channels, lanes);
    UNROLL
    for (int j = 0; j < rows + taps - 1; j++) {
        vf v = dynconv_load(dtype, dot->x, x + (size_t)j * channels, lanes);

        UNROLL
        for (int r = 0; r < rows; r++)
            if (j >= r && j - r < taps)
                sum[r][j - r] += g[r] * v;
    }
}

/* The sums of rows [t, t + rows) and taps [tap, tap + taps). */
INLINE void dot_block(const enum dtype dtype, const int rows,
                      const struct dot *dot, int t, int tap)
{
    const struct dynconv *d = dot->d;
    size_t channels = (size_t)dot->x->dim[1];
    size_t dy = (size_t)t * channels + dot->column;
    size_t x = (size_t)(t + tap - d->pad) * channels + dot->column;
    float *to = dot->dp + (t - dot->piece->begin) * d->stride + tap;
    vf sum[BLOCK_ROWS][BLOCK_TAPS] = { 0 };
    int left = d->width;

    for (; left >= VLEN; left -= VLEN, dy += VLEN, x += VLEN)
        add_products(dtype, rows, BLOCK_TAPS, dot, dy, x, 0, sum);
    if (left > 0)
        add_products(dtype, rows, BLOCK_TAPS, dot, dy, x, left, sum);
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int k = 0; k < BLOCK_TAPS; k += 4)
            store_sums(to + r * d->stride + k, sum[r] + k);
}

/* The sums of few taps of a row. */
INLINE void dot_few(const enum dtype dtype, const struct dot *dot, int t,
                    struct taps taps)
{
    const struct dynconv *d = dot->d;
    size_t channels = (size_t)dot->x->dim[1];
    size_t dy = (size_t)t * channels + dot->column;
    float *to = dot->dp + (t - dot->piece->begin) * d->stride;

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

/* The sums of one row and those of its taps that are in [tap, tap +
 * BLOCK_TAPS). */
INLINE void dot_row(const enum dtype dtype, const struct dot *dot, int t,
                    int tap)
{
    struct taps all = taps_of(dot->d, &dot->piece->sentence, t);

    if (all.end <= tap || all.begin >= tap + BLOCK_TAPS)
        return;
    if (all.end - all.begin < BLOCK_TAPS) {
        dot_few(dtype, dot, t, all);
        return;
    }
    if (tap < all.begin)
        tap = all.begin;
    dot_block(dtype, 1, dot, t, int_min(tap, all.end - BLOCK_TAPS));
}

/* Whether all rows of x that a block reads are in the tensor. */
static inline bool is_inside(const struct dot *dot, int t, int tap)
{
    int first = t + tap - dot->d->pad;

    return first >= 0
           && first + BLOCK_ROWS + BLOCK_TAPS - 1 <= dot->x->dim[0];
}

/* Whether any of a block's rows has one of its taps. */
static inline bool has_taps(const struct dot *dot, int t, int tap)
{
    const struct sentence *s = &dot->piece->sentence;
    struct taps first = taps_of(dot->d, s, t);
    struct taps last = taps_of(dot->d, s, t + BLOCK_ROWS - 1);

    return first.end > tap && last.begin < tap + BLOCK_TAPS;
}

INLINE void dots(const enum dtype dtype, const struct dot *dot)
{
    const struct dynconv_piece *p = dot->piece;

    for (int tap = 0; tap < dot->d->taps; tap += BLOCK_TAPS) {
        int t = p->begin;

        for (; t + BLOCK_ROWS <= p->end; t += BLOCK_ROWS) {
            if (!has_taps(dot, t, tap))
                continue;
            if (is_inside(dot, t, tap))
                dot_block(dtype, BLOCK_ROWS, dot, t, tap);
            else
                for (int r = 0; r < BLOCK_ROWS; r++)
                    dot_row(dtype, dot, t + r, tap);
        }
        for (; t < p->end; t++)
            dot_row(dtype, dot, t, tap);
    }
}

/* Makes 0 of what is no gradient by a tap. */
static inline void clear_others(const struct dynconv *d, struct taps taps,
                                float *dp)
{
    for (int k = 0; k < d->taps; k += VLEN)
        vf_store(dp + k, (vf)(dynconv_lanes(taps.begin - k, taps.end - k)
                              & (vi)vf_load(dp + k)));
}

/* Turns the gradients by a row's weights into those by its logits. */
static inline void turn(const struct dynconv *d, const float *s, float *dp)
{
    vf sum = { 0 };
    float all;

    for (int k = 0; k < d->taps; k += VLEN)
        sum += vf_load(s + k) * vf_load(dp + k);
    all = vf_sum(sum);
    for (int k = 0; k < d->taps; k += VLEN)
        vf_store(dp + k, vf_load(s + k) * (vf_load(dp + k) - all));
}

static void sum_products(const struct dynconv *d,
                         const struct dynconv_piece *p, int head, float *s)
{
    const struct operand *o = d->call->operand;
    const struct operand *dlogits = &o[DYNCONV_WGRAD_DLOGITS];
    float *dp = s + DYNCONV_ROWS * d->stride;
    struct dot dot = { d, p, &o[DYNCONV_WGRAD_DY], &o[DYNCONV_WGRAD_X],
                       (size_t)(head * d->width), dp };

    KERNEL(dynconv_softmax)(d, p->begin, p->end, head, s);
    DTYPE_SWITCH(dot.x->dtype, dots, &dot);
    for (int t = p->begin; t < p->end; t++)
        clear_others(d, taps_of(d, &p->sentence, t),
                     dp + (t - p->begin) * d->stride);
    if (d->drops)
        KERNEL(dynconv_drop)(d, &p->sentence, p->begin, p->end, head, dp);
    for (int t = p->begin; t < p->end; t++) {
        turn(d, s, dp);
        stage_put(dlogits, (size_t)(t * d->heads + head) * (size_t)d->taps,
                  (size_t)d->taps, dp);
        s += d->stride;
        dp += d->stride;
    }
}

size_t KERNEL(dynconv_wgrad_scratch)(const struct call *c)
{
    return (size_t)c->threads * 2 * dynconv_window(c, DYNCONV_ROWS)
           * sizeof(float);
}

void KERNEL(dynconv_wgrad)(const struct call *c)
{
    struct dynconv d = dynconv_of(c, DYNCONV_WGRAD_DY, DYNCONV_WGRAD_LOGITS,
                                  DYNCONV_WGRAD_ENDS);

    size_t window = dynconv_window(c, DYNCONV_ROWS);

    KERNEL(dynconv_run)(&d, window, window, sum_products);
}
