/*
 * Sparse weights: rewiring moves nonzeros and keeps their number, indices are
 * read as they were written, and plans have the bytes that arithmetic gives.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/philox.h"
#include "tests/engine.h"
#include "tests/tensors.h"

/* The types in which a pool's numbers are stored. */
struct stored {
    enum dtype dtype;
    bool master;
};

/* The operands of rewiring. */
struct rewired {
    struct tensors *t;       /* its values: the magnitudes that count */
    struct stored stored;
    void *w, *momentum;
    float threshold;
    struct batch batch;
    struct call call;
    uint64_t *before, *after; /* bitmaps */
};

static struct operand vector(enum dtype dtype, size_t n, void *data)
{
    return (struct operand){ .data = data, .dtype = dtype, .rank = 1,
                             .dim = { (int)n } };
}

static struct rewired rewired_new(enum rewire_method method, double density,
                                  struct stored stored)
{
    struct rewired r = {
        .t = tensors_new((const size_t[]){ 300, 5000, 2304 }, density),
        .stored = stored, .threshold = 1e-3f
    };
    size_t n = r.t->pool.nonzeros;

    r.w = calloc(n, sizeof(float));
    r.momentum = calloc(n, sizeof(float));
    r.after = bitmap_of(r.t);
    r.batch = (struct batch){ .seed = 1, .rewire = true };
    r.call = (struct call){
        .operand = {
            [REWIRE_MOMENT_0] = vector(stored.dtype, n, r.momentum),
            [REWIRE_W] = vector(stored.dtype, n, r.w),
            [REWIRE_INDEX] = vector(
                DTYPE_I32, pool_index_bytes(&r.t->pool) / 4, r.t->index),
        },
        .threads = 2
    };
    if (stored.master)
        r.call.operand[REWIRE_MASTER] =
            vector(DTYPE_F32, n, r.t->values);
    r.call.attr.rewire.method = method;
    return r;
}

static void rewired_free(struct rewired *r)
{
    free(r->before);
    free(r->after);
    free(r->w);
    free(r->momentum);
    tensors_free(r->t);
}

/* Stores weights; without a master copy, magnitudes are those of the stored
 * weights. */
static void set_weights(struct rewired *r, const float *from)
{
    enum dtype dtype = r->stored.dtype;

    for (size_t i = 0; i < r->t->pool.nonzeros; i++) {
        float_store(r->w, i, dtype, from[i]);
        float_store(r->momentum, i, dtype, 1);
        r->t->values[i] =
            r->stored.master ? from[i] : float_load(r->w, i, dtype);
    }
}

static void rewire(struct device *device, struct rewired *r)
{
    free(r->before);
    r->before = r->after;
    r->call.attr.rewire.pool = &r->t->pool;
    r->call.operand[REWIRE_THRESHOLD] =
        vector(DTYPE_F32, 1, &r->threshold);
    r->call.batch = &r->batch;
    run_call(&cpu_backend, device, OP_rewire, &r->call);
    r->after = bitmap_of(r->t);
    for (size_t i = 0; i < r->t->pool.nonzeros && !r->stored.master; i++)
        r->t->values[i] = float_load(r->w, i, r->stored.dtype);
    r->batch.step++;
}

/* The number after it has been stored. */
static float rounded(enum dtype dtype, float x)
{
    uint32_t room;

    float_store(&room, 0, dtype, x);
    return float_load(&room, 0, dtype);
}

/* The rules of every rewiring, given the weights before it. */
static void check_rewired(const struct rewired *r, const float *old)
{
    const struct tensors *t = r->t;
    enum dtype dtype = r->stored.dtype;
    const uint64_t *bits = r->after;
    struct pool_index index = pool_index_of(&t->pool, t->index);
    size_t now = 0, was = 0;

    cr_assert_eq(pool_count(bits, t->pool.words), t->pool.nonzeros);
    for (int m = 0; m < 3; m++) {
        size_t end = t->member[m].word * 64 + t->member[m].elements;
        size_t n = 0;
        for (size_t bit = t->member[m].word * 64; bit < end; bit++) {
            bool b = pool_bit(r->before, bit), a = pool_bit(bits, bit);
            if (a && b)
                cr_assert_eq(t->values[now], old[was]);
            if (a && !b)
                cr_assert_eq(t->values[now], 0);
            if (a)
                cr_assert_eq(float_load(r->momentum, now, dtype), b);
            if (a)
                cr_assert_eq(float_load(r->w, now, dtype),
                             rounded(dtype, t->values[now]));
            if (a)
                cr_assert_eq(pool_piece(&index, bit, 1).first, now);
            now += a;
            was += b;
            n += a;
        }
        cr_assert_geq(n, 1);
    }
}

/* Makes weights as training would leave them: some near zero, and all of the
 * first member. */
static void train(struct rewired *r, float *fresh)
{
    size_t first = pool_count(r->after, r->t->member[1].word);

    for (size_t i = 0; i < first; i++)
        fresh[i] *= 1e-6f;
    set_weights(r, fresh);
}

static void rewire_often(enum rewire_method method, double density,
                         struct stored stored)
{
    char why[WHY_SIZE];
    struct device *device;
    struct rewired r = rewired_new(method, density, stored);
    size_t bytes = r.t->pool.nonzeros * sizeof(float), moved = 0;
    float *old = malloc(bytes);

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, 2, why));
    for (uint32_t i = 0; i < 1000; i++) {
        float *fresh = noise(r.t->pool.nonzeros, i);
        train(&r, fresh);
        memcpy(old, r.t->values, bytes);
        rewire(device, &r);
        check_rewired(&r, old);
        for (size_t k = 0; k < r.t->pool.words; k++)
            moved += (size_t)__builtin_popcountll(
                r.before[k] & ~r.after[k]);
        free(fresh);
    }
    cr_expect_gt(moved, 1000);
    cpu_backend.close(device);
    rewired_free(&r);
    free(old);
}

Test(sparse, rewiring_keeps_the_number_of_nonzeros)
{
    static const double densities[] = { 0.02, 0.3, 0.97 };
    static const struct stored ways[] = {
        { DTYPE_F32, false }, { DTYPE_F16, false }, { DTYPE_BF16, true }
    };

    for (int i = 0; i < 3; i++) {
        rewire_often(REWIRE_DSR, densities[i], ways[i]);
        rewire_often(REWIRE_SET, densities[i], ways[(i + 1) % 3]);
    }
}

/* All weights below the threshold are dropped, and none of their places gets a
 * new nonzero. */
Test(sparse, dsr_drops_what_is_below_the_threshold)
{
    char why[WHY_SIZE];
    struct device *device;
    struct rewired r = rewired_new(REWIRE_DSR, 0.3,
                                   (struct stored){ DTYPE_F32, false });
    float *old = noise(r.t->pool.nonzeros, 7);
    size_t k = 0;

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, 2, why));
    r.threshold = 0.25f;
    set_weights(&r, old);
    rewire(device, &r);
    for (size_t bit = 0; bit < r.t->pool.words * 64; bit++)
        if (pool_bit(r.before, bit)) {
            cr_assert_eq(pool_bit(r.after, bit), fabsf(old[k]) >= 0.25f);
            k++;
        }
    /* Far more than the target were dropped: the threshold halves. */
    cr_expect_eq(r.threshold, 0.125f);
    r.threshold = 1e-12f;
    rewire(device, &r);
    cr_expect_lt(r.threshold, 1e-12f); /* new nonzeros are still 0 */
    cpu_backend.close(device);
    rewired_free(&r);
    free(old);
}

Test(sparse, set_drops_a_tenth_of_each_member)
{
    char why[WHY_SIZE];
    struct device *device;
    struct rewired r = rewired_new(REWIRE_SET, 0.3,
                                   (struct stored){ DTYPE_F16, false });
    size_t n[3];

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, 2, why));
    for (int m = 0; m < 3; m++)
        n[m] = pool_count(r.after + r.t->member[m].word,
                          pool_member_words(&r.t->member[m]));
    rewire(device, &r);
    for (int m = 0; m < 3; m++) {
        const uint64_t *bits = r.after + r.t->member[m].word;
        size_t kept = 0, words = pool_member_words(&r.t->member[m]);
        for (size_t i = 0; i < words; i++)
            kept += (size_t)__builtin_popcountll(
                bits[i] & r.before[r.t->member[m].word + i]);
        cr_expect_eq(kept, n[m] - n[m] / 10);
        cr_expect_eq(pool_count(bits, words), n[m]);
    }
    cpu_backend.close(device);
    rewired_free(&r);
}

Test(sparse, shares_are_in_proportion)
{
    struct pool_share s[4] = { { 10, 100, 0, 0 }, { 30, 100, 0, 0 },
                               { 60, 5, 0, 0 }, { 0, 0, 0, 0 } };

    pool_share_out(s, 4, 45);
    cr_expect_eq(s[0].got, 10);
    cr_expect_eq(s[1].got, 30);
    cr_expect_eq(s[2].got, 5);
    cr_expect_eq(s[3].got, 0);
    s[2].room = 100;
    pool_share_out(s, 4, 7); /* 0.7 2.1 4.2 */
    cr_expect_eq(s[0].got, 1);
    cr_expect_eq(s[1].got, 2);
    cr_expect_eq(s[2].got, 4);
}

/* The bytes of values that belong to the pool, per kind. */
static size_t pool_bytes(const struct engine *engine, const char *name)
{
    int i = engine_instance(engine, name);

    cr_assert_geq(i, 0, "%s", name);
    return engine->job->plan->instances[i].bytes;
}

/* Reads every piece of an index of `bits`, in the given code. */
static void check_index(struct pool pool, int low_bits, const uint64_t *bits)
{
    struct pool_index x;
    size_t places, before = 0;
    void *index;

    pool.low_bits = low_bits;
    pool.nonzeros = pool_count(bits, pool.words);
    places = pool.words * 64;
    index = encoded(&pool, bits);
    x = pool_index_of(&pool, index);
    for (size_t i = 0; i < pool.words; i++)
        cr_assert_eq(pool_word(&x, i), bits[i]);
    for (size_t at = 0; at < places; before += pool_bit(bits, at++)) {
        uint32_t mask = 0;
        for (int n = 1; n <= 32 && at + (size_t)n <= places; n++) {
            struct pool_piece piece = pool_piece(&x, at, n);
            mask |= (uint32_t)pool_bit(bits, at + (size_t)n - 1) << (n - 1);
            cr_assert_eq(piece.mask, mask, "%d low bits, %d from %zu on",
                         low_bits, n, at);
            cr_assert_eq(piece.first, before);
        }
    }
    free(index);
}

/* Nonzeros anywhere: at random, one member full and another almost empty, only
 * the last place, none, all. */
Test(sparse, index_reads_as_it_was_written)
{
    enum { WORDS = 27 };
    struct pool pool = { .words = WORDS };
    uint64_t patterns[5][WORDS] = { 0 };

    for (int i = 0; i < WORDS; i++) {
        for (int k = 0; k < 64; k++)
            if (philox_unit(philox(1, (uint64_t)(64 * i + k), PHILOX_DRAW,
                                   0).x[0]) < 0.1f)
                patterns[0][i] |= (uint64_t)1 << k;
        patterns[1][i] = i >= 9 && i < 19 ? UINT64_MAX : i == 2;
        patterns[4][i] = UINT64_MAX;
    }
    patterns[2][WORDS - 1] = (uint64_t)1 << 63;
    for (int p = 0; p < 5; p++)
        for (int low = 0; low <= POOL_MAX_LOW_BITS; low++)
            check_index(pool, low, patterns[p]);
}

/* 1,451,520 weights in 24 members of whole words. */
Test(sparse, plan_has_the_bytes_of_the_nonzeros)
{
    struct engine engine = engine_open((const char *[]){
        "depth=28", "width=2", "batch=1", "threads=1", "sparsity=0.7",
        NULL });
    size_t nonzeros = 435456, words = 1451520 / 64;

    cr_expect_eq(pool_bytes(&engine, "pool.w"), 4 * nonzeros);
    cr_expect_eq(pool_bytes(&engine, "pool.w.gradient"), 4 * nonzeros);
    cr_expect_eq(pool_bytes(&engine, "pool.w.momentum"), 4 * nonzeros);
    cr_expect_eq(pool_bytes(&engine, "pool.index"),
                 8 * words + 4 * ((words + 7) / 8));
    cr_expect_lt(engine_instance(&engine, "g1.b1.conv1.w"), 0);
    cr_expect_eq(graph_parameters(engine.job->graph), 1467610);
    cr_expect_eq(graph_nonzeros(engine.job->graph),
                 1467610 - 1451520 + (int64_t)nonzeros);
    cr_expect_eq(engine.job->plan->live[0][KIND_INDEX],
                 pool_bytes(&engine, "pool.index"));
    engine_close(&engine);
}

/* From 76% on codes of differences are smaller: 1 + 3 bits for a nonzero, and
 * 1 for each 8 weights, at 90%. */
Test(sparse, plan_has_the_smaller_index)
{
    static const struct {
        const char *sparsity;
        size_t bits;
    } rows[] = { { "sparsity=0.75", 1451520 },
                 { "sparsity=0.8", 3 * 290304 + 1451520 / 4 },
                 { "sparsity=0.9", 4 * 145152 + 1451520 / 8 },
                 { "sparsity=0.98", 6 * 29030 + 1451520 / 32 } };
    size_t groups = 1451520 / 512;

    for (int i = 0; i < 4; i++) {
        struct engine engine = engine_open((const char *[]){
            "depth=28", "width=2", "batch=1", "threads=1", rows[i].sparsity,
            NULL });
        size_t bytes = pool_bytes(&engine, "pool.index");
        size_t least = rows[i].bits / 8 + 4 * groups;

        /* The index is whole words. */
        cr_expect(bytes >= least && bytes < least + 16, "%s: %zu, not %zu",
                  rows[i].sparsity, bytes, least);
        engine_close(&engine);
    }
}

/* The report has WRN-28-2 take 399 MB, and 60.7 times less. With every
 * technique it takes 66 to 97 times less, padding included. */
Test(sparse, techniques_together_keep_the_bytes)
{
    static const struct {
        const char *sparsity;
        size_t most, scratch;
    } rows[] = { { "sparsity=0.7", 6000000, 704 * 1024 },
                 { "sparsity=0.8", 5100000, 704 * 1024 },
                 { "sparsity=0.9", 4000000, 576 * 1024 } };

    for (int i = 0; i < 3; i++) {
        struct engine engine = engine_open((const char *[]){
            "depth=28", "width=2", "batch=100", "microbatch=10", "threads=2",
            "precision=fp16", "checkpoint=optimal", "recompute=norms",
            rows[i].sparsity, NULL });
        const struct plan *p = engine.job->plan;

        cr_expect_leq(p->arena_bytes, rows[i].most);
        for (int t = 0; t < p->schedule->step_count; t++)
            cr_expect_leq(p->live[t][KIND_WORKSPACE], rows[i].scratch);
        engine_close(&engine);
    }
}

Test(sparse, plan_counts_the_arithmetic_that_is_left)
{
    static const char *const names[] = { "sparsity=0", "sparsity=0.7",
                                         "sparsity=0.9", "sparsity=0.97" };
    double flops[4];

    for (int i = 0; i < 4; i++) {
        struct engine engine = engine_open((const char *[]){
            "depth=28", "width=2", "batch=1", "threads=1", names[i], NULL });
        flops[i] = schedule_flops(engine.job->schedule);
        engine_close(&engine);
    }
    cr_expect_float_eq(flops[1], flops[0], 0.01 * flops[0]);
    cr_expect_float_eq(flops[2], 0.1 * flops[0], 0.03 * flops[0]);
    cr_expect_float_eq(flops[3], 0.03 * flops[0], 0.03 * flops[0]);
}

/* Each layer has the same fraction, and the values it would have had. */
Test(sparse, begins_as_a_part_of_the_dense_net)
{
    struct engine sparse = engine_open((const char *[]){
        "depth=10", "width=1", "batch=1", "threads=1", "sparsity=0.7",
        NULL });
    struct engine dense = engine_open((const char *[]){
        "depth=10", "width=1", "batch=1", "threads=1", NULL });
    const struct pool *pool = sparse.job->graph->pool;
    const float *w = engine_data(&sparse,
                                 engine_instance(&sparse, "pool.w"));
    const void *index = engine_data(&sparse,
                                    engine_instance(&sparse, "pool.index"));
    const float *all = engine_data(&dense,
                                   engine_instance(&dense,
                                                   "g1.b1.conv1.w"));
    uint64_t *bits = calloc(pool->words, sizeof(*bits));
    size_t n = 0;

    pool_decode(pool, index, bits);
    for (int m = 0; m < pool->members; m++)
        cr_expect_float_eq(
            (double)pool_count(bits + pool->member[m].word,
                               pool_member_words(&pool->member[m])),
            0.3 * (double)pool->member[m].elements, 1);
    for (size_t i = 0; i < pool->member[0].elements; i++)
        if (pool_bit(bits, i))
            cr_assert_eq(w[n++], all[i]);
    free(bits);
    engine_close(&sparse);
    engine_close(&dense);
}
