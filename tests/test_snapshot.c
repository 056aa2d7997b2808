/*
 * Snapshots that no run has written, with a valid checksum: all are refused
 * before anything is changed, and none makes kernels read or write where they
 * must not.
 */
#define _GNU_SOURCE

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/half.h"
#include "kernels/pool_index.h"
#include "tests/forge.h"
#include "tests/small_run.h"
#include "train/snapshot.h"

/* The run stops after two of four steps of an epoch. */
enum { STEP = 6, BATCH = 2 };

static struct trainer *open_trainer(const char *const more[])
{
    static const char *const base[] = {
        "depth=10", "width=1", "data=shapes", "batch=2", "epochs=3",
        "epoch_samples=8", "valid_samples=2", "threads=2", NULL
    };

    return small_run(base, more);
}

/* A run, the snapshot that it wrote, and the name of the snapshots made from
 * it. */
struct bench {
    struct trainer *trainer;
    struct forge good;
    char path[32];
};

static void bench_init(struct bench *b, const char *const settings[])
{
    struct error e;

    strcpy(b->path, "/tmp/memdial-test-XXXXXX");
    close(mkstemp(b->path));
    b->trainer = open_trainer(settings);
    b->trainer->step = STEP;
    b->trainer->epoch = (struct tally){ .loss = 92.25, .hits = 3,
                                        .terms = 2 * BATCH };
    cr_assert(snapshot_save(b->trainer, b->path, &e), "%s", e.text);
    forge_open(&b->good, b->path);
}

static void bench_done(struct bench *b)
{
    trainer_free(b->trainer);
    forge_done(&b->good);
    unlink(b->path);
}

/* A copy to change; the caller releases it. */
static struct forge copy(const struct bench *b)
{
    struct forge f = { json_deep_copy(b->good.header),
                       malloc(b->good.tensor_bytes), b->good.tensor_bytes };

    memcpy(f.tensors, b->good.tensors, f.tensor_bytes);
    return f;
}

static void put_file(const struct bench *b, const void *data, size_t bytes)
{
    FILE *f = fopen(b->path, "wb");

    cr_assert(f);
    cr_assert_eq(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

static uint64_t arena_hash(const struct trainer *t)
{
    const char *p = t->executor->arena;
    uint64_t hash = 0xCBF29CE484222325u;

    for (size_t i = 0; i < t->job->plan->arena_bytes; i++)
        hash = (hash ^ (unsigned char)p[i]) * 0x100000001B3u;
    return hash;
}

/* The file in its present form is refused, and nothing is changed. */
static void expect_refused(struct bench *b, const char *what, const char *why)
{
    struct trainer *t = b->trainer;
    uint64_t before = arena_hash(t);
    struct error e = { 0 };

    t->step = 2;
    cr_expect_not(snapshot_load(t, b->path, &e), "%s: was loaded", what);
    cr_expect_not(snapshot_matches(t, b->path, NULL), "%s", what);
    cr_expect(strstr(e.text, why), "%s: not for '%s' but: %s", what, why,
              e.text);
    cr_expect_eq(strncmp(e.text, b->path, strlen(b->path)), 0, "%s", e.text);
    cr_expect_eq(e.code, EXIT_INPUT);
    cr_expect_eq(t->step, 2);
    cr_expect_eq(arena_hash(t), before, "%s: state has changed", what);
}

static void put_forged(const struct bench *b, const struct forge *f)
{
    size_t bytes;
    unsigned char *file = forge_seal(f, &bytes);

    put_file(b, file, bytes);
    free(file);
}

static void expect_forged_refused(struct bench *b, struct forge *f,
                                  const char *what, const char *why)
{
    put_forged(b, f);
    expect_refused(b, what, why);
    forge_done(f);
}

static void expect_loads(struct bench *b, const struct forge *f)
{
    struct error e = { 0 };

    put_forged(b, f);
    cr_expect(snapshot_load(b->trainer, b->path, &e), "%s", e.text);
    cr_expect(isfinite(trainer_step(b->trainer).loss));
}

Test(forged, metadata)
{
    static const struct { const char *name, *text, *why; } cases[] = {
        { "format", "pt", "foreign" },
        { "format", NULL, "foreign" },
        { "version", "3garbage", "version 3garbage" },
        { "version", " 3", "version  3" },
        { "version", "03", "version 03" },
        { "version", "2", "version 2" },
        { "version", "4", "version 4" },
        { "version", NULL, "version" },
        { "data", "dictionaries", "with dictionaries, but" },
        { "data", NULL, "no run comes to" },
        { "run", "batch=2", "set them alike" },
        { "run", NULL, "set them alike" },
        { "colour", "red", "no run comes to" },
        { "step", "-1", "no run comes to step -1" },
        { "step", "-2", "no run comes to" },
        { "step", "five", "no run comes to step five" },
        { "step", "6garbage", "no run comes to" },
        { "step", " 6", "no run comes to" },
        { "step", "+6", "no run comes to" },
        { "step", "06", "no run comes to" },
        { "step", "0x6", "no run comes to" },
        { "step", "6.0", "no run comes to" },
        { "step", "", "no run comes to" },
        { "step", NULL, "no run comes to" },
        { "step", "5", "no run comes to" },
        { "step", "9223372036854775808", "no run comes to" },
        { "step", "9223372036854775806", "no run comes to" },
        { "step", "-9223372036854775806", "no run comes to" },
        { "step", "4000002", "no run comes to" },
        { "epoch_terms", "0", "no run comes to" },
        { "epoch_terms", "5", "no run comes to" },
        { "epoch_terms", "-4", "no run comes to" },
        { "epoch_terms", "many", "no run comes to" },
        { "epoch_loss", "nan", "no run comes to" },
        { "epoch_loss", "-nan", "no run comes to" },
        { "epoch_loss", "inf", "no run comes to" },
        { "epoch_loss", "1e999", "no run comes to" },
        { "epoch_loss", "92.250", "no run comes to" },
        { "epoch_loss", "92.25x", "no run comes to" },
        { "epoch_loss", "0x5c", "no run comes to" },
        { "epoch_loss", "", "no run comes to" },
        { "epoch_loss", NULL, "no run comes to" },
        { "epoch_hits", "nan", "no run comes to" },
        { "epoch_hits", "-1", "no run comes to" },
        { "epoch_hits", "5", "no run comes to" },
        { "epoch_loss", "-1", "no run comes to" },
        { "epoch_loss", "-0", "no run comes to" },
        { "epoch_hits", "3.5", "no run comes to" },
        { "epoch_hits", "-0", "no run comes to" },
        { "epoch_hits", NULL, "no run comes to" },
        { "checksum", NULL, "checksum" },
    };
    struct bench b;
    struct forge f;

    bench_init(&b, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        f = copy(&b);
        forge_metadata(&f, cases[i].name, cases[i].text);
        expect_forged_refused(&b, &f, cases[i].name, cases[i].why);
    }
    /* At the end of an epoch, with the sums of one. */
    f = copy(&b);
    forge_metadata(&f, "step", "10");
    forge_metadata(&f, "epoch_samples", "0");
    forge_metadata(&f, "epoch_hits", "0");
    expect_forged_refused(&b, &f, "sums of no samples", "no run comes to");
    /* A snapshot of another epoch, and of a longer run than this one. */
    f = copy(&b);
    forge_metadata(&f, "step", "10");
    expect_loads(&b, &f);
    forge_metadata(&f, "step", "3999998");
    expect_loads(&b, &f);
    forge_metadata(&f, "epoch_loss", "92.125");
    expect_loads(&b, &f);
    forge_done(&f);
    bench_done(&b);
}

/* A snapshot of a run with other batches and random numbers is refused. */
Test(forged, settings_that_must_agree)
{
    static const char *const others[][2] = { { "batch=4" }, { "seed=5" } };
    struct bench b;

    bench_init(&b, NULL);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        trainer_free(b.trainer);
        b.trainer = open_trainer(others[i]);
        expect_refused(&b, others[i][0], others[i][0]);
    }
    bench_done(&b);
}

Test(forged, header)
{
    struct bench b;
    struct forge f;
    json_t *entry;

    bench_init(&b, NULL);
    f = copy(&b);
    json_object_del(f.header, "head.linear.w");
    expect_forged_refused(&b, &f, "a tensor is missing", "head.linear.w");
    f = copy(&b);
    entry = json_deep_copy(json_object_get(f.header, "head.linear.w"));
    json_object_set_new(f.header, "another", entry);
    expect_forged_refused(&b, &f, "a tensor too many", "another model");
    f = copy(&b);
    entry = json_object_get(f.header, "head.linear.w");
    json_object_set_new(entry, "dtype", json_string("F64"));
    expect_forged_refused(&b, &f, "another type", "head.linear.w");
    f = copy(&b);
    entry = json_object_get(json_object_get(f.header, "head.linear.w"),
                            "data_offsets");
    json_array_set_new(entry, 0, json_integer(0));
    expect_forged_refused(&b, &f, "another offset", "head.linear.w");
    f = copy(&b);
    json_object_set_new(f.header, "__metadata__", json_array());
    expect_forged_refused(&b, &f, "no metadata", "foreign");
    bench_done(&b);
}

/* Where bytes have changed, that is said, not what they seem to say. */
Test(forged, damage)
{
    static const char *const places[] = { "memdial", "version", "\"3\"",
                                          "batch=2", "F32", "head.linear.w" };
    struct bench b;
    size_t bytes;
    unsigned char *file;

    bench_init(&b, NULL);
    file = forge_seal(&b.good, &bytes);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char *at = memmem(file, bytes, places[i], strlen(places[i]));

        cr_assert(at, "%s", places[i]);
        at[1] ^= 1;
        put_file(&b, file, bytes);
        expect_refused(&b, places[i], "damaged");
        /* Of other sizes too, as long as it may be this run's. */
        put_file(&b, file, bytes - 1);
        expect_refused(&b, places[i], "damaged");
        at[1] ^= 1;
    }
    free(file);
    bench_done(&b);
}

/* Sizes in a file are not believed, and large files are not read. */
Test(forged, sizes, .timeout = 60)
{
    static const uint64_t sizes[] = { 0, 1, 1 << 20, 1 << 26, 1u << 31,
                                      (uint64_t)1 << 63, UINT64_MAX,
                                      UINT64_MAX - 7 };
    struct bench b;
    size_t bytes;
    unsigned char *file;

    bench_init(&b, NULL);
    file = forge_seal(&b.good, &bytes);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        unsigned char start[8];
        memcpy(start, file, 8);
        for (int k = 0; k < 8; k++)
            file[k] = (unsigned char)(sizes[i] >> 8 * k);
        put_file(&b, file, bytes);
        expect_refused(&b, "the header's size", "");
        /* A sparse file of 200 GB. */
        if (truncate(b.path, 200000000000) == 0)
            expect_refused(&b, "the header's size", "");
        memcpy(file, start, 8);
    }
    put_file(&b, file, bytes);
    if (truncate(b.path, 200000000000) == 0)
        expect_refused(&b, "200 GB of tensors", "damaged");
    put_file(&b, file, bytes - 1);
    expect_refused(&b, "a byte is missing", "truncated");
    put_file(&b, file, bytes);
    cr_assert_eq(truncate(b.path, (off_t)bytes + 1), 0);
    expect_refused(&b, "a byte too many", "damaged");
    free(file);
    bench_done(&b);
}

/* A text replaces the header, as large as this run's may be. */
Test(forged, header_text)
{
#define OURS "{\"__metadata__\":{\"format\":\"memdial\""
    static const struct { const char *text, *why; } headers[] = {
        { "{", "no safetensors header" },
        { "{}", "a foreign safetensors file" },
        { "[]", "no safetensors header" },
        { OURS "}}", "snapshot version" },
        { OURS ",\"version\":\"0\"}}", "snapshot version 0" },
        { "{\"a\":{},\"a\":{}}", "duplicate" },
        { "{\"a\":\"\\u0000\"}", "not JSON" },
        { "{\"a\":1e999}", "not JSON" },
        { "{\"a\":\"\xff\"}", "not JSON" },
        { "{{{{{{{{{{{{{{{{", "not JSON" },
        { "{\"a\":[[[[[[[[[[[[[[[[[[", "not JSON" },
    };
    struct bench b;

    bench_init(&b, NULL);
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        size_t length = strlen(headers[i].text);
        char file[256] = { (char)length };
        memcpy(file + 8, headers[i].text, length);
        put_file(&b, file, 8 + length);
        expect_refused(&b, headers[i].text, headers[i].why);
    }
    bench_done(&b);
}

/* A header goes on after a NUL, at which a reader that takes it for a string
 * would stop. */
Test(forged, header_with_a_nul)
{
    struct bench b;
    size_t bytes, end;
    unsigned char *file, *longer;

    bench_init(&b, NULL);
    file = forge_seal(&b.good, &bytes);
    longer = malloc(bytes + 1);
    end = bytes - b.good.tensor_bytes;
    for (size_t at = end; at > 9; at -= at / 3 + 1) {
        memcpy(longer, file, at);
        longer[at] = '\0';
        memcpy(longer + at + 1, file + at, bytes - at);
        longer[0]++;
        cr_assert_neq(longer[0], 0);
        forge_repair(longer, bytes + 1);
        put_file(&b, longer, bytes + 1);
        expect_refused(&b, "a NUL", at == end ? "NUL" : "damaged");
    }
    free(longer);
    free(file);
    bench_done(&b);
}

static size_t count_bits(const uint64_t *words, size_t from, size_t n)
{
    return pool_count(words + from, n);
}

/* Moves a bit of a bitmap. */
static void move_bit(uint64_t *bits, size_t from, size_t to)
{
    bits[from / POOL_WORD] &= ~((uint64_t)1 << from % POOL_WORD);
    bits[to / POOL_WORD] |= (uint64_t)1 << to % POOL_WORD;
}

/* The next place from `at` on that has a bit of this value. */
static size_t find_bit(const uint64_t *bits, size_t at, bool value)
{
    while (pool_bit(bits, at) != value)
        at++;
    return at;
}

/* Takes all bits of a member, and gives as many to the next. */
static void empty_member(const struct pool *p, uint64_t *bits)
{
    size_t from = pool_member_place(&p->member[0]);
    size_t to = pool_member_place(&p->member[1]);
    size_t n = count_bits(bits, p->member[0].word,
                          pool_member_words(&p->member[0]));

    for (; n > 0; n--) {
        from = find_bit(bits, from, true);
        to = find_bit(bits, to, false);
        move_bit(bits, from, to);
    }
}

static void expect_index_refused(struct bench *b, struct forge *f,
                                 const char *what)
{
    expect_forged_refused(b, f, what, "pool.index does not say where");
}

/* The index, which the test then spoils. */
static uint64_t *index_of(struct forge *f)
{
    size_t bytes;
    void *index = forge_tensor(f, "pool.index", &bytes);

    cr_assert(index);
    return index;
}

Test(forged, bitmap)
{
    const char *const settings[] = { "sparsity=0.5", NULL };
    const struct pool *p;
    struct bench b;
    struct forge f;
    uint64_t *bits;

    bench_init(&b, settings);
    p = b.trainer->job->graph->pool;
    cr_assert_eq(p->low_bits, 0);
    f = copy(&b);
    bits = index_of(&f);
    bits[3] |= (uint64_t)1 << find_bit(bits + 3, 0, false);
    expect_index_refused(&b, &f, "a nonzero too many");
    f = copy(&b);
    index_of(&f)[3] &= index_of(&f)[3] - 1;
    expect_index_refused(&b, &f, "a nonzero too few");
    f = copy(&b);
    bits = index_of(&f);
    memset(bits, 255, p->words * sizeof(*bits));
    expect_index_refused(&b, &f, "all ones");
    f = copy(&b);
    bits = index_of(&f);
    memset(bits, 0, p->words * sizeof(*bits));
    expect_index_refused(&b, &f, "all zeros");
    f = copy(&b);
    bits = index_of(&f);
    move_bit(bits, find_bit(bits, 0, true), find_bit(bits, 600, false));
    expect_index_refused(&b, &f, "counts of before");
    for (size_t i = 0; i < pool_groups(p); i += 7) {
        f = copy(&b);
        ((uint32_t *)(void *)(index_of(&f) + p->words))[i]++;
        expect_index_refused(&b, &f, "a wrong count");
    }
    /* The counts are right, and yet it is wrong. */
    f = copy(&b);
    bits = calloc(p->words, sizeof(*bits));
    memcpy(bits, index_of(&f), p->words * sizeof(*bits));
    empty_member(p, bits);
    pool_encode(p, bits, index_of(&f));
    expect_index_refused(&b, &f, "a member without nonzeros");
    /* The counts are right, and so is the rest. */
    f = copy(&b);
    memcpy(bits, index_of(&f), p->words * sizeof(*bits));
    move_bit(bits, find_bit(bits, 0, true), find_bit(bits, 600, false));
    pool_encode(p, bits, index_of(&f));
    expect_loads(&b, &f);
    forge_done(&f);
    free(bits);
    bench_done(&b);
}

Test(forged, delta_codes)
{
    const char *const settings[] = { "sparsity=0.95", NULL };
    const struct pool *p;
    size_t words, low;
    struct bench b;
    struct forge f;
    uint64_t *bits;

    bench_init(&b, settings);
    p = b.trainer->job->graph->pool;
    cr_assert_gt(p->low_bits, 0);
    words = pool_bits_words(p);
    low = pool_low_words(p);
    f = copy(&b);
    memset(index_of(&f), 255, words * 8);
    expect_index_refused(&b, &f, "all in one place");
    f = copy(&b);
    memset(index_of(&f), 0, words * 8);
    expect_index_refused(&b, &f, "none");
    f = copy(&b);
    memset(index_of(&f), 0, words * 8);
    memset(index_of(&f) + words - p->nonzeros / 64, 255,
           p->nonzeros / 64 * 8);
    expect_index_refused(&b, &f, "past the end");
    f = copy(&b);
    memset(index_of(&f) + words, 255, low * 8);
    expect_index_refused(&b, &f, "low bits");
    for (size_t i = 0; i < words; i += 5) {
        f = copy(&b);
        bits = index_of(&f);
        bits[i] ^= (uint64_t)1 << i % 64;
        expect_index_refused(&b, &f, "a bit more or less");
        f = copy(&b);
        bits = index_of(&f);
        move_bit(bits, find_bit(bits, 600 + i * 32, true),
                 find_bit(bits, 0, false));
        expect_index_refused(&b, &f, "another place, the same number");
    }
    for (size_t i = 0; i < pool_groups(p); i += 7) {
        f = copy(&b);
        ((uint32_t *)(void *)(index_of(&f) + words + low))[i] = UINT32_MAX;
        expect_index_refused(&b, &f, "a wrong count");
    }
    f = copy(&b);
    bits = calloc(p->words, sizeof(*bits));
    pool_decode(p, index_of(&f), bits);
    empty_member(p, bits);
    pool_encode(p, bits, index_of(&f));
    expect_index_refused(&b, &f, "a member without nonzeros");
    f = copy(&b);
    memset(bits, 0, p->words * sizeof(*bits));
    pool_decode(p, index_of(&f), bits);
    move_bit(bits, find_bit(bits, 0, true), find_bit(bits, 600, false));
    pool_encode(p, bits, index_of(&f));
    expect_loads(&b, &f);
    forge_done(&f);
    free(bits);
    bench_done(&b);
}

/* Puts a number that kernels rely on, out of its range, into a tensor of a
 * file; these are not aligned. */
static void put_number(char *tensor, size_t element, enum dtype dtype,
                       float number)
{
    float aligned;

    float_store(&aligned, 0, dtype, number);
    memcpy(tensor + element * dtype_size(dtype), &aligned, dtype_size(dtype));
}

/* Updates divide by roots. */
Test(forged, roots)
{
    static const char *const names[] = { "head.linear.w.root",
                                         "head.linear.b.root" };
    static const enum dtype dtypes[] = { DTYPE_BF16, DTYPE_F32 };
    const char *const settings[] = { "optimizer=adam", "precision=bf16", NULL };
    struct bench b;

    bench_init(&b, settings);
    for (int i = 0; i < 2; i++) {
        struct forge f = copy(&b);
        size_t bytes;
        void *data = forge_tensor(&f, names[i], &bytes);

        cr_assert(data, "no %s", names[i]);
        put_number(data, 5, dtypes[i], -1e-3f);
        expect_forged_refused(&b, &f, names[i], "is negative");
    }
    bench_done(&b);
}

Test(forged, numbers)
{
    static const struct {
        const char *name;
        size_t element;
        double number;
        const char *why;     /* NULL: it is right */
    } cases[] = {
        { "head.linear.b", 3, NAN, "is not finite" },
        { "head.linear.b", 9, -INFINITY, "is not finite" },
        { "head.linear.b", 9, -1, NULL },
        { "pool.w", 0, NAN, "is not finite" },
        { "pool.w.master", 100, INFINITY, "is not finite" },
        { "pool.w.momentum", 7, INFINITY, "is not finite" },
        { "head.bn.running", 0, -1, NULL },
        { "head.bn.running", 127, -1e-30, "has a negative variance" },
        { "head.bn.running", 127, 0, NULL },
        { "head.bn.running", 127, NAN, "is not finite" },
        { "pool.threshold", 0, -1e-3, "is negative" },
        { "pool.threshold", 0, NAN, "is not finite" },
        { "pool.threshold", 0, 0, NULL },
        { "head.loss.scale", LOSS_SCALE_FACTOR, 0, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_FACTOR, -1, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_FACTOR, 0.5, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_FACTOR, 3, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_FACTOR, 1 << 25, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_FACTOR, NAN, "is not finite" },
        { "head.loss.scale", LOSS_SCALE_FACTOR, 1, NULL },
        { "head.loss.scale", LOSS_SCALE_FACTOR, 1 << 24, NULL },
        { "head.loss.scale", LOSS_SCALE_CLEAN, -1, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_CLEAN, 0.5, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_CLEAN, 2000, "is no loss scale" },
        { "head.loss.scale", LOSS_SCALE_CLEAN, 1999, NULL },
        { "head.loss.scale", LOSS_SCALE_OVERFLOW, 1, "is no loss scale" },
    };
    const char *const settings[] = { "sparsity=0.9", "precision=fp16",
                                     "master_weights=fp32", NULL };
    struct bench b;

    bench_init(&b, settings);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct forge f = copy(&b);
        size_t bytes;
        void *data = forge_tensor(&f, cases[i].name, &bytes);
        const char *type = json_string_value(json_object_get(
            json_object_get(f.header, cases[i].name), "dtype"));

        cr_assert(data, "no %s", cases[i].name);
        put_number(data, cases[i].element,
                   strcmp(type, "F16") == 0 ? DTYPE_F16 : DTYPE_F32,
                   (float)cases[i].number);
        if (cases[i].why) {
            expect_forged_refused(&b, &f, cases[i].name, cases[i].why);
        } else {
            struct error e = { 0 };
            put_forged(&b, &f);
            cr_expect(snapshot_load(b.trainer, b.path, &e), "%s", e.text);
            forge_done(&f);
        }
    }
    bench_done(&b);
}

/* A run with a faulty state does not replace a good snapshot. */
Test(forged, is_not_written)
{
    struct bench b;
    struct error e = { 0 };
    size_t bytes;
    unsigned char *file, *again;
    struct forge f;

    bench_init(&b, NULL);
    file = forge_seal(&b.good, &bytes);
    b.trainer->epoch.terms = 1;
    cr_expect_not(snapshot_save(b.trainer, b.path, &e));
    cr_expect(strstr(e.text, "no snapshot written"), "%s", e.text);
    cr_expect_eq(e.code, EXIT_RUN);
    forge_open(&f, b.path);
    again = forge_seal(&f, &bytes);
    cr_expect_arr_eq(again, file, bytes);
    forge_done(&f);
    free(file);
    free(again);
    bench_done(&b);
}
