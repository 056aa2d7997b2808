/*
 * Sparse weights: convolutions agree with dense ones on the same weights with
 * their zeros filled in, rewiring moves nonzeros and never their number, and
 * plans have the bytes that arithmetic says.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/pool.h"
#include "tests/engine.h"

/* Instruction sets of the CPU; and CUDA, on an emulated device, whose memory
 * is the host's. */
static const struct target {
    const char *name;
    const struct backend *backend;
    int max_threads;
} targets[] = {
    { "avx512", &cpu_backend, 3 },
    { "avx2", &cpu_backend, 3 },
    { "generic", &cpu_backend, 3 },
    { "emulated", &cuda_backend, 1 }
};

enum { TARGETS = sizeof(targets) / sizeof(*targets) };

/* Opens a target's device; NULL if there is none here. */
static struct device *target_open(const struct target *target, int threads)
{
    char why[WHY_SIZE];
    struct device *device;
    const char *module = getenv("MEMDIAL_CUDA_EMULATED");

    if (target->backend == &cpu_backend)
        setenv("MEMDIAL_CPU_ISA", target->name, 1);
    else
        setenv("MEMDIAL_CUDA_MODULE", module ? module : "none", 1);
    return target->backend->open(&device, threads, why) ? device : NULL;
}

static float *noise(size_t n, uint32_t stream)
{
    float *x = malloc((n + 1) * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = 2 * philox_unit(philox(3, i, PHILOX_DRAW, stream).x[0]) - 1;
    return x;
}

/* A pool with its storage. */
struct tensors {
    struct pool pool;
    struct pool_member member[3];
    void *index;
    float *values;
};

/* A bitmap put into the pool's index, of as many bytes as it should have. */
static void *encoded(const struct pool *pool, const uint64_t *bits)
{
    void *index = malloc(pool_index_bytes(pool));

    pool_encode(pool, bits, index);
    return index;
}

/* The bitmap of an index, found by going through all of its bits. */
static uint64_t *bitmap_of(const struct tensors *t)
{
    const struct pool *p = &t->pool;
    uint64_t *bits = calloc(p->words, sizeof(*bits));
    const uint64_t *code = t->index;
    size_t unary = p->nonzeros + (p->words * 64 >> p->low_bits), n = 0;
    const uint64_t *low = code + (unary + 63) / 64;

    if (p->low_bits == 0) {
        memcpy(bits, code, p->words * sizeof(*bits));
        return bits;
    }
    for (size_t i = 0, high = 0; i < unary; i++) {
        size_t place = high << p->low_bits;
        if (!(code[i / 64] >> i % 64 & 1)) {
            high++;
            continue;
        }
        for (int k = 0; k < p->low_bits; k++) {
            size_t at = n * (size_t)p->low_bits + (size_t)k;
            place |= (size_t)(low[at / 64] >> at % 64 & 1) << k;
        }
        bits[place / 64] |= (uint64_t)1 << place % 64;
        n++;
    }
    cr_assert_eq(n, p->nonzeros);
    return bits;
}

/* Three members without nonzeros. */
static struct tensors *tensors_empty(const size_t elements[3])
{
    struct tensors *t = calloc(1, sizeof(*t));

    t->pool = (struct pool){ .members = 3, .member = t->member };
    for (int i = 0; i < 3; i++) {
        t->member[i] = (struct pool_member){ t->pool.words, elements[i] };
        t->pool.words += (elements[i] + 63) / 64;
        t->pool.elements += elements[i];
    }
    return t;
}

/* Gives them nonzeros where a bitmap says, which is freed. */
static struct tensors *tensors_fill(struct tensors *t, uint64_t *bits)
{
    t->pool.nonzeros = pool_count(bits, t->pool.words);
    t->pool.low_bits = pool_smallest_index(&t->pool);
    t->index = encoded(&t->pool, bits);
    t->values = noise(t->pool.nonzeros, 99);
    free(bits);
    return t;
}

/* Three members, `density` of each nonzero; 1 and 0 leave nothing to
 * chance. */
static struct tensors *tensors_new(const size_t elements[3], double density)
{
    struct tensors *t = tensors_empty(elements);
    uint64_t *bits = calloc(t->pool.words, sizeof(*bits));

    for (int i = 0; i < 3; i++)
        pool_choose(&t->pool, i, (struct pool_stream){ 5, PHILOX_PLACE, 0 },
                    bits, pool_bitmap(bits),
                    (size_t)ceil(density * (double)elements[i]), elements[i]);
    return tensors_fill(t, bits);
}

static void tensors_free(struct tensors *t)
{
    free(t->index);
    free(t->values);
    free(t);
}

/* A member with its zeros filled in, from values of the pool. */
static float *densified(const struct tensors *t, int member,
                        const float *values)
{
    float *dense = calloc(t->member[member].elements, sizeof(*dense));
    uint64_t *bits = bitmap_of(t);

    for (int m = 0; m <= member; m++)
        for (size_t i = 0; i < t->member[m].elements; i++) {
            size_t place = t->member[m].word * 64 + i;
            bool one = bits[place / 64] >> place % 64 & 1;
            if (one && m == member)
                dense[i] = *values;
            values += one;
        }
    free(bits);
    return dense;
}

/* Where nonzeros are: anywhere; or denser in some of each 32 input channels, or
 * output channels, than in others. */
enum where { ANYWHERE, BY_INPUT, BY_OUTPUT };

struct shape {
    int n, side, ci, co, kernel, stride;
    double density;          /* on the average of 96 channels */
    enum where where;
};

enum { MAX_CHANNELS = 96 };

static const struct shape shapes[] = {
    { 1, 5, 3, 5, 3, 1, 0.5, ANYWHERE },
    { 2, 8, 16, 16, 3, 1, 0.3, ANYWHERE },
    { 2, 7, 17, 33, 3, 1, 0.2, ANYWHERE },
    { 3, 8, 32, 64, 3, 2, 0.1, ANYWHERE },
    { 2, 9, 33, 17, 3, 2, 0.02, ANYWHERE },
    { 2, 6, 48, 40, 1, 1, 0.1, ANYWHERE },
    { 1, 8, 16, 16, 3, 1, 1, ANYWHERE },
    { 5, 16, 32, 32, 3, 1, 0.05, ANYWHERE },
    { 2, 32, 16, 32, 3, 1, 0.1, ANYWHERE },
    { 4, 8, 64, 64, 3, 1, 0.08, ANYWHERE },
    { 2, 16, 64, 32, 3, 2, 0.1, ANYWHERE },
    { 1, 29, 16, 16, 3, 1, 0.05, ANYWHERE },
    { 1, 35, 16, 32, 3, 1, 0.03, ANYWHERE },
    { 2, 8, 96, 40, 3, 1, 0.1, BY_INPUT },
    { 2, 9, 40, 96, 3, 2, 0.1, BY_OUTPUT },
    { 2, 8, 96, 40, 3, 2, 0.18, BY_INPUT },
    { 2, 9, 40, 96, 3, 1, 0.18, BY_OUTPUT },
};

enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* A call of one of the three products, all but its filter; slots are those of
 * x, filter and y, or what takes their place. */
struct product {
    enum op_code code;
    int x, w, y, add;    /* add < 0: none */
};

static const struct product products[] = {
    { OP_conv, CONV_X, CONV_W, CONV_Y, CONV_ADD },
    { OP_conv_dgrad, CONV_DGRAD_DX, CONV_DGRAD_W, CONV_DGRAD_DY,
      CONV_DGRAD_ADD },
    { OP_conv_wgrad, CONV_WGRAD_X, CONV_WGRAD_DW, CONV_WGRAD_DY, -1 },
};

/* The same numbers as the type stores them, in a new array. */
static void *stored_as(enum dtype dtype, const float *from, size_t n)
{
    void *to = calloc(n + 1, sizeof(float));

    for (size_t i = 0; i < n; i++)
        float_store(to, i, dtype, from[i]);
    return to;
}

static struct operand map(enum dtype dtype, int n, int side, int channels,
                          void *data)
{
    return (struct operand){ .data = data, .dtype = dtype, .rank = 4,
                             .dim = { n, side, side, channels } };
}

static struct call call_of(const struct product *p, const struct shape *s,
                           enum dtype dtype, void *x, void *y, void *add,
                           int threads)
{
    int pad = (s->kernel - 1) / 2;
    int out = (s->side + 2 * pad - s->kernel) / s->stride + 1;
    struct call c = { .attr.conv = { s->stride, pad }, .threads = threads };

    c.operand[p->x] = map(dtype, s->n, s->side, s->ci, x);
    c.operand[p->y] = map(dtype, s->n, out, s->co, y);
    if (p->add >= 0 && add) {
        c.operand[p->add] = c.operand[p->code == OP_conv ? p->y : p->x];
        c.operand[p->add].data = add;
    }
    c.operand[p->w] = (struct operand){
        .dtype = dtype, .rank = 4,
        .dim = { s->kernel, s->kernel, s->ci, s->co }
    };
    return c;
}

static void run_call(const struct backend *backend, struct device *device,
                     enum op_code code, struct call *c)
{
    size_t bytes = backend->scratch(code, c), alignment = backend->alignment;
    static const struct batch batch = { .terms = 1, .samples = 1 };

    if (!c->batch)
        c->batch = &batch;
    c->scratch = aligned_alloc(alignment,
                               (bytes + alignment) / alignment * alignment);
    memset(c->scratch, 0xFF, bytes);
    backend->run(device, code, c);
    free(c->scratch);
    c->scratch = NULL;
}

static void magnitudes(enum dtype dtype, void *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        float_store(x, i, dtype, fabsf(float_load(x, i, dtype)));
}

/* Half a unit in the last place, of numbers near 1. */
static float rounding(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? FLT_EPSILON / 2
                              : dtype == DTYPE_F16 ? 0x1p-11f : 0x1p-8f;
}

/* What a comparison is of, for its message. */
struct trial {
    const struct target *target;
    enum dtype dtype;
    const struct product *product;
    const struct shape *shape;
    int threads;
};

/* Errors are measured in roundings of the sum of absolute values, which is
 * the same product of absolute values; a result is stored once more. */
static bool close_to(const struct trial *t, float found, float expected,
                     float magnitude)
{
    float error = 16 * FLT_EPSILON * magnitude
                  + 2.01f * rounding(t->dtype) * fabsf(expected);
    bool close = fabsf(found - expected) <= error;

    if (!close)
        cr_expect_fail("operation %d of %d %dx%d %d->%d, kernel %d stride %d "
                       "density %g, type %d, %s, %d threads: %g, not %g",
                       t->product->code, t->shape->n, t->shape->side,
                       t->shape->side, t->shape->ci, t->shape->co,
                       t->shape->kernel, t->shape->stride,
                       t->shape->density, t->dtype, t->target->name, t->threads,
                       (double)found, (double)expected);
    return close;
}

/* Of an element of a filter, at random. */
static bool is_nonzero(const struct shape *s, size_t i)
{
    static const double times[] = { 0.1, 1, 1.9 }, dense[] = { 0.1, 0.1, 2.8 };
    int channel = s->where == BY_OUTPUT ? (int)i % s->co
                                        : (int)i / s->co % s->ci;
    double density = s->density * (s->density > 0.15 ? dense : times)
                                      [channel / 32 % 3];

    return philox_unit(philox(7, i, PHILOX_DRAW, 0).x[0]) < (float)density;
}

/* The middle one of three members is the filter. */
static struct tensors *filters(const struct shape *s)
{
    size_t elements = (size_t)(s->kernel * s->kernel * s->ci * s->co);
    const size_t all[3] = { 77, elements, 130 };
    struct tensors *t;
    uint64_t *bits;

    if (s->where == ANYWHERE)
        return tensors_new(all, s->density);
    t = tensors_empty(all);
    bits = calloc(t->pool.words, sizeof(*bits));
    for (size_t i = 0; i < elements; i++)
        if (is_nonzero(s, i))
            pool_set_bit(bits, pool_member_place(&t->member[1]) + i);
    return tensors_fill(t, bits);
}

/* Random numbers as the type stores them. */
static void *stored_noise(enum dtype dtype, size_t n, uint32_t stream)
{
    float *x = noise(n, stream);
    void *stored = stored_as(dtype, x, n);

    free(x);
    return stored;
}

static void check_product(struct device *device, const struct trial *trial,
                          bool with_add)
{
    const struct shape *s = trial->shape;
    const struct product *p = trial->product;
    enum dtype dtype = trial->dtype;
    struct tensors *t = filters(s);
    size_t all = (size_t)(s->n * s->side * s->side) * MAX_CHANNELS;
    void *x = stored_noise(dtype, all, 1), *y = stored_noise(dtype, all, 2);
    void *add = stored_noise(dtype, all, 3);
    float *floats = densified(t, 1, t->values);
    void *values = stored_as(dtype, t->values, t->pool.nonzeros);
    void *dense = stored_as(dtype, floats, t->member[1].elements);
    struct call c =
        call_of(p, s, dtype, x, y, with_add ? add : NULL, trial->threads);
    int out = p->code == OP_conv ? p->y : p->x;
    size_t n = operand_elements(&c.operand[out]);
    void *result[3];         /* sparse, dense, of absolute values */
    bool close = true;

    for (int i = 0; i < 3; i++) {
        result[i] = stored_noise(dtype, n, 4);
        c.operand[out].data = result[i];
        c.operand[p->w].data = i == 0 ? values : dense;
        c.operand[p->w].index = t->index;
        c.operand[p->w].pool = i == 0 ? &t->pool : NULL;
        c.operand[p->w].member = 1;
        if (i == 2) {
            magnitudes(dtype, x, all);
            magnitudes(dtype, y, all);
            magnitudes(dtype, add, all);
            magnitudes(dtype, dense, t->member[1].elements);
        }
        run_call(trial->target->backend, device, p->code, &c);
    }
    for (size_t i = 0; i < n && close; i++)
        close = close_to(trial, float_load(result[0], i, dtype),
                         float_load(result[1], i, dtype),
                         float_load(result[2], i, dtype));
    for (int i = 0; i < 3; i++)
        free(result[i]);
    free(x);
    free(y);
    free(add);
    free(floats);
    free(values);
    free(dense);
    tensors_free(t);
}

/* The gradient of all members: that of the filter as the dense kernel has it
 * where there are nonzeros, that of its neighbours untouched. */
static void check_wgrad(struct device *device, const struct trial *trial)
{
    const struct shape *s = trial->shape;
    const struct product *p = trial->product;
    enum dtype dtype = trial->dtype;
    struct tensors *t = filters(s);
    size_t all = (size_t)(s->n * s->side * s->side) * MAX_CHANNELS;
    size_t elements = t->member[1].elements, k = 0;
    void *x = stored_noise(dtype, all, 1), *y = stored_noise(dtype, all, 2);
    void *found = stored_noise(dtype, t->pool.nonzeros, 4);
    void *before = stored_noise(dtype, t->pool.nonzeros, 4);
    float *dense[2] = { calloc(elements, sizeof(float)),
                        calloc(elements, sizeof(float)) };
    struct call c = call_of(p, s, dtype, x, y, NULL, trial->threads);
    uint64_t *bits = bitmap_of(t);
    bool close = true;

    c.operand[p->w].data = found;
    c.operand[p->w].index = t->index;
    c.operand[p->w].pool = &t->pool;
    c.operand[p->w].member = 1;
    run_call(trial->target->backend, device, p->code, &c);
    c.operand[p->w].pool = NULL;
    c.operand[p->w].dtype = DTYPE_F32;
    for (int i = 0; i < 2; i++) {
        c.operand[p->w].data = dense[i];
        run_call(trial->target->backend, device, p->code, &c);
        magnitudes(dtype, x, all);
        magnitudes(dtype, y, all);
    }
    for (int m = 0; m < 3; m++)
        for (size_t i = 0; i < t->member[m].elements && close; i++)
            if (pool_bit(bits, t->member[m].word * 64 + i)) {
                float old = float_load(before, k, dtype);
                close = close_to(trial, float_load(found, k, dtype),
                                 old + (m == 1 ? dense[0][i] : 0),
                                 1 + (m == 1 ? dense[1][i] : 0));
                k++;
            }
    free(x);
    free(y);
    free(found);
    free(before);
    free(dense[0]);
    free(dense[1]);
    free(bits);
    tensors_free(t);
}

Test(sparse, convolutions_agree_with_dense_ones)
{
    static const enum dtype dtypes[] = { DTYPE_F32, DTYPE_BF16, DTYPE_F16 };

    for (int i = 0; i < TARGETS; i++)
        for (int threads = 1; threads <= targets[i].max_threads; threads++) {
            struct device *device = target_open(&targets[i], threads);

            if (!device)
                continue;
            for (int s = 0; s < SHAPES; s++)
                for (int p = 0; p < 3; p++) {
                    struct trial trial = {
                        &targets[i], dtypes[(s + threads) % 3], &products[p],
                        &shapes[s], threads
                    };
                    if (products[p].code == OP_conv_wgrad) {
                        check_wgrad(device, &trial);
                    } else {
                        check_product(device, &trial, false);
                        check_product(device, &trial, true);
                    }
                }
            targets[i].backend->close(device);
        }
}

/* How a pool's numbers are stored. */
struct stored {
    enum dtype dtype;
    bool master;
};

/* Room for everything rewiring works on. */
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
            [REWIRE_MOMENTUM] = vector(stored.dtype, n, r.momentum),
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

/* Stores weights; without a copy of them, what counts is what is stored. */
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

/* The number as it would be stored. */
static float rounded(enum dtype dtype, float x)
{
    uint32_t room;

    float_store(&room, 0, dtype, x);
    return float_load(&room, 0, dtype);
}

/* What every rewiring keeps to, given the weights before it. */
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

/* Weights as training would leave them: some near zero, those of the first
 * member all of them. */
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

    cr_assert(cpu_backend.open(&device, 2, why));
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

/* Dropped: all below the threshold, and nothing that was is grown again. */
Test(sparse, dsr_drops_what_is_below_the_threshold)
{
    char why[WHY_SIZE];
    struct device *device;
    struct rewired r = rewired_new(REWIRE_DSR, 0.3,
                                   (struct stored){ DTYPE_F32, false });
    float *old = noise(r.t->pool.nonzeros, 7);
    size_t k = 0;

    cr_assert(cpu_backend.open(&device, 2, why));
    r.threshold = 0.25f;
    set_weights(&r, old);
    rewire(device, &r);
    for (size_t bit = 0; bit < r.t->pool.words * 64; bit++)
        if (pool_bit(r.before, bit)) {
            cr_assert_eq(pool_bit(r.after, bit), fabsf(old[k]) >= 0.25f);
            k++;
        }
    /* Far more than the target: half as much from now on. */
    cr_expect_eq(r.threshold, 0.125f);
    r.threshold = 1e-12f;
    rewire(device, &r);
    cr_expect_lt(r.threshold, 1e-12f); /* what was grown is 0 still */
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

    cr_assert(cpu_backend.open(&device, 2, why));
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

/* Nonzeros anywhere: at random, one member full and another all but empty,
 * the last place alone, none, all. */
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
    cr_expect_eq(graph_parameters(engine.job->graph),
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

        /* What is there is whole words. */
        cr_expect(bytes >= least && bytes < least + 16, "%s: %zu, not %zu",
                  rows[i].sparsity, bytes, least);
        engine_close(&engine);
    }
}

/* The report's 60.7 times less of 399 MB, and more, 66 to 97 times: with every technique, all
 * told, padding included, what WRN-28-2 takes. */
Test(sparse, techniques_together_keep_the_bytes)
{
    static const struct {
        const char *sparsity;
        size_t most;
    } rows[] = { { "sparsity=0.7", 6000000 }, { "sparsity=0.8", 5100000 },
                 { "sparsity=0.9", 4100000 } };

    for (int i = 0; i < 3; i++) {
        struct engine engine = engine_open((const char *[]){
            "depth=28", "width=2", "batch=100", "microbatch=10", "threads=2",
            "precision=fp16", "checkpoint=optimal", "recompute=bn-relu",
            rows[i].sparsity, NULL });
        const struct plan *p = engine.job->plan;

        cr_expect_leq(p->arena_bytes, rows[i].most);
        for (int t = 0; t < p->schedule->step_count; t++)
            cr_expect_leq(p->live[t][KIND_WORKSPACE], 256 * 1024);
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
    cr_expect_float_eq(flops[2], (1 + 2 * 0.1) / 3 * flops[0],
                       0.03 * flops[0]);
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
