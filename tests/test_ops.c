/*
 * Every kernel of every instruction set that works here, and of CUDA, on an
 * emulated device and on a real one if there is one, against the
 * double-precision reference; and every gradient's reference against finite
 * differences of its forward operation's. One table says which shapes; add
 * operands, loading through a stat and sharing of storage are tried wherever
 * the operation list allows them, with 1, 2 and 3 threads on the CPU.
 *
 * Before a call, outputs, scratch and a guard around each hold NaN patterns:
 * what is left unwritten, or read and not meant to be, shows.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)0)
#endif

#include "kernels/cpu/isa.h"
#include "kernels/half.h"
#include "kernels/philox.h"
#include "tests/op_reference.h"

enum { GUARD = 256, POISON = 0xFF };

/* What an operation is tried on. */
struct target {
    const char *name;
    const struct backend *backend;
    int max_threads;
    bool in_host_memory; /* the arena can be looked at as it is */
    bool rounds_loads;   /* a convolution's operand that is loaded through a
                            stat is rounded to the type it is stored in */
    double tolerance;    /* of sums, in roundings of the magnitude */
};

static const struct target cpu_targets[] = {
#ifdef __x86_64__
    { "avx512", &cpu_backend, 3, true, false, 8 },
    { "avx2", &cpu_backend, 3, true, false, 8 },
#endif
    { "generic", &cpu_backend, 3, true, false, 8 }
};

enum { CPU_TARGETS = sizeof(cpu_targets) / sizeof(cpu_targets[0]) };

static const struct target emulated_target = {
    "emulated", &cuda_backend, 1, true, true, 8
};

/* Matrix units cut off what they add, and do not round it. */
static const struct target device_target = {
    "cuda", &cuda_backend, 1, false, true, 32
};

struct shape {
    int n, h, w, c;      /* (N, H, W, C); h = 0: (N, C) */
    int kh, kw, co;      /* of convolutions; co also outputs and classes */
    int stride, pad;
    int parts;           /* microbatches in the batch; 0 is 1 */
    double offset;       /* added to the values of the first operand */
    enum dtype dtype;
    bool nesterov;
    bool scaled;         /* with a loss scale ... */
    bool overflow;       /* ... and a gradient that is not finite */
    bool master;         /* with a master copy of the weights */
    bool large;          /* too slow for finite differences */
};

#define MAP(n_, h_, w_, c_) .n = n_, .h = h_, .w = w_, .c = c_
#define TO(kh_, kw_, co_) .kh = kh_, .kw = kw_, .co = co_

static const struct shape any_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .nesterov = true },
    { MAP(2, 8, 8, 16), .parts = 3, .dtype = DTYPE_F64 },
    { MAP(3, 3, 17, 33), .nesterov = true, .dtype = DTYPE_I32 }
};

static const struct shape sgd_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .nesterov = true },
    { MAP(3, 3, 17, 33), .scaled = true },
    { MAP(3, 3, 16, 33), .master = true, .nesterov = true },
    { MAP(3, 3, 17, 33), .scaled = true, .overflow = true },
    { MAP(3, 3, 32, 64), .nesterov = true, .scaled = true, .master = true }
};

static const struct shape scale_shapes[] = {
    { MAP(1, 1, 1, 1), .scaled = true },
    { MAP(1, 1, 1, 1), .scaled = true, .overflow = true },
    { MAP(3, 3, 17, 33), .scaled = true },
    { MAP(3, 3, 17, 33), .scaled = true, .overflow = true },
    { MAP(3, 3, 32, 64), .scaled = true, .overflow = true }
};

static const struct shape conv_shapes[] = {
    { MAP(1, 1, 1, 1), TO(1, 1, 1), .stride = 1 },
    { MAP(1, 1, 1, 3), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(1, 5, 7, 3), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(2, 8, 8, 16), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(3, 7, 5, 17), TO(3, 3, 33), .stride = 1, .pad = 1 },
    { MAP(1, 8, 8, 33), TO(3, 3, 1), .stride = 1, .pad = 1 },
    { MAP(1, 8, 8, 1), TO(3, 3, 17), .stride = 1, .pad = 1 },
    { MAP(2, 8, 8, 16), TO(3, 3, 33), .stride = 2, .pad = 1 },
    { MAP(1, 5, 7, 33), TO(3, 3, 17), .stride = 2, .pad = 1 },
    { MAP(2, 1, 8, 16), TO(3, 3, 16), .stride = 2, .pad = 1 },
    { MAP(2, 7, 8, 17), TO(1, 1, 16), .stride = 1 },
    { MAP(2, 8, 7, 16), TO(1, 1, 32), .stride = 2 },
    { MAP(5, 1, 1, 16), TO(1, 1, 3), .stride = 1 },
    { MAP(1, 7, 7, 3), TO(3, 3, 5), .stride = 1 },
    { MAP(1, 8, 7, 3), TO(5, 5, 16), .stride = 1, .pad = 2 },
    { MAP(1, 7, 8, 3), TO(1, 3, 16), .stride = 3, .pad = 1 },
    { MAP(2, 6, 6, 4), TO(2, 2, 4), .stride = 2 },
    { MAP(2, 9, 9, 5), TO(3, 3, 3), .stride = 1, .pad = 1 },
    { MAP(2, 16, 16, 64), TO(3, 3, 80), .stride = 1, .pad = 1, .large = true },
    { MAP(3, 17, 16, 48), TO(3, 3, 64), .stride = 2, .pad = 1, .large = true },
    { MAP(1, 4, 4, 300), TO(3, 3, 136), .stride = 1, .pad = 1, .large = true }
};

static const struct shape bn_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 1, 1, 33) },
    { MAP(2, 0, 0, 16) },
    { MAP(1, 5, 7, 3), .parts = 4 },
    { MAP(1, 5, 1, 1) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17), .parts = 10 },
    { MAP(2, 8, 8, 33) },
    { MAP(4, 8, 7, 17), .offset = 100 },
    { MAP(4, 16, 13, 300), .large = true }
};

static const struct shape bn_stats_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 1, 1, 33), .offset = 1000 },
    { MAP(2, 0, 0, 16) },
    { MAP(1, 5, 7, 3), .parts = 4 },
    { MAP(1, 5, 1, 1) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17), .parts = 10 },
    { MAP(4, 8, 7, 17), .offset = 4096 },
    { MAP(8, 16, 16, 33), .offset = -30000 },
    { MAP(4, 16, 13, 300) }
};

static const struct shape pool_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17) },
    { MAP(2, 8, 1, 33) }
};

static const struct shape linear_shapes[] = {
    { .n = 1, .c = 1, .co = 1 },
    { .n = 1, .c = 128, .co = 10 },
    { .n = 7, .c = 17, .co = 33 },
    { .n = 3, .c = 33, .co = 1 },
    { .n = 16, .c = 16, .co = 16 },
    { .n = 2, .c = 3, .co = 17 }
};

static const struct shape xent_shapes[] = {
    { .n = 1, .co = 1 },
    { .n = 1, .co = 10, .parts = 2 },
    { .n = 7, .co = 3, .parts = 3 },
    { .n = 7, .co = 3, .parts = 3, .scaled = true },
    { .n = 33, .co = 17, .offset = 80 },
    { .n = 100, .co = 10 }
};

/* A call with all it needs: operands before it, and after it as they should
 * be. */
struct problem {
    enum op_code op;
    const struct shape *shape;
    bool with_add, with_through, with_tf32, with_sums;
    enum dtype storage;  /* of what may be stored in less than floats */
    struct call call;    /* no data, no scratch, no threads */
    struct batch batch;
    struct loader loader;
    struct exact before[CALL_MAX_OPERANDS], after[CALL_MAX_OPERANDS];
    float *through;
};

/* How one operation is tried. */
struct subject {
    const struct shape *shapes;
    int count;
    void (*describe)(struct problem *); /* sets shapes and attributes */
    void (*prepare)(struct problem *);  /* changes random values; or NULL */
    int add;             /* the slot of its addend; 0 if it has none */
    int sums;            /* of the sums of tiles that it writes or reads */
    /* A scalar of which v[at], when it moves, has derivatives v[gradient]. */
    double (*objective)(const struct problem *, double *const v[]);
    struct derivative {
        int gradient, at;
    } derivative[3];
    int derivatives;
};

static const char *const name_of[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = #name,
#include "kernels/op_list.h"
#undef OP
};

static bool is_output(enum op_code op, int slot)
{
    return strchr("wuo", op_access[op][slot]) != NULL;
}

static int slots_of(enum op_code op)
{
    return (int)strlen(op_access[op]);
}

/* The output that may take over the storage of 's' operands: the last that is
 * written; -1 if there is none. */
static int output_slot(enum op_code op)
{
    const char *last = strrchr(op_access[op], 'w');

    return last ? (int)(last - op_access[op]) : -1;
}

/* Uniform in (-1, 1), the same in every run. */
static double uniform(uint32_t stream, size_t i)
{
    struct philox p = philox(7, i / 4, PHILOX_DRAW, stream);

    return 2 * (double)philox_unit(p.x[i % 4]) - 1;
}

static void shape_operand(struct problem *p, int slot, enum dtype dtype,
                          int rank, ...)
{
    struct operand *o = &p->call.operand[slot];
    va_list dims;

    va_start(dims, rank);
    o->dtype = dtype;
    o->rank = rank;
    for (int i = 0; i < rank; i++)
        o->dim[i] = va_arg(dims, int);
    va_end(dims);
}

/* (N, H, W, C), or (N, C), in the storage type. */
static void shape_map(struct problem *p, int slot)
{
    const struct shape *s = p->shape;

    if (s->h > 0)
        shape_operand(p, slot, p->storage, 4, s->n, s->h, s->w, s->c);
    else
        shape_operand(p, slot, p->storage, 2, s->n, s->c);
}

/* The sums of tiles of the tensor in another slot, if they are tried. */
static void shape_sums(struct problem *p, int slot, int of)
{
    const struct operand *o = &p->call.operand[of];

    if (p->with_sums)
        shape_operand(p, slot, DTYPE_F32, 3, (int)tiles_of(operand_rows(o)),
                      SUM_ROWS, o->dim[o->rank - 1]);
}

static void describe_load(struct problem *p)
{
    shape_map(p, LOAD_X);
    shape_operand(p, LOAD_LABELS, DTYPE_I32, 1, p->shape->n);
}

static void describe_zero(struct problem *p)
{
    shape_map(p, ZERO_X);
    if (p->storage == DTYPE_F32)
        p->call.operand[ZERO_X].dtype = p->shape->dtype;
}

static void describe_report(struct problem *p)
{
    shape_operand(p, REPORT_METRICS, DTYPE_F64, 1, METRIC_COUNT);
}

static void describe_conv_slots(struct problem *p, int x, int w, int y)
{
    const struct shape *s = p->shape;

    p->call.attr.conv.stride = s->stride;
    p->call.attr.conv.pad = s->pad;
    shape_operand(p, x, p->storage, 4, s->n, s->h, s->w, s->c);
    shape_operand(p, w, p->storage, 4, s->kh, s->kw, s->c, s->co);
    shape_operand(p, y, p->storage, 4, s->n,
                  (s->h + 2 * s->pad - s->kh) / s->stride + 1,
                  (s->w + 2 * s->pad - s->kw) / s->stride + 1, s->co);
}

static void describe_conv(struct problem *p)
{
    describe_conv_slots(p, CONV_X, CONV_W, CONV_Y);
    shape_sums(p, CONV_SUMS, CONV_Y);
}

static void describe_conv_dgrad(struct problem *p)
{
    describe_conv_slots(p, CONV_DGRAD_DX, CONV_DGRAD_W, CONV_DGRAD_DY);
    shape_sums(p, CONV_DGRAD_SUMS, CONV_DGRAD_DX);
    if (p->with_sums) {
        shape_map(p, CONV_DGRAD_X);
        shape_operand(p, CONV_DGRAD_STAT, DTYPE_F32, 2, STAT_ROWS,
                      p->shape->c);
    }
}

static void describe_conv_wgrad(struct problem *p)
{
    describe_conv_slots(p, CONV_WGRAD_X, CONV_WGRAD_DW, CONV_WGRAD_DY);
}

static void describe_norm(struct problem *p)
{
    p->call.attr.norm.eps = 1e-5f;
    p->call.attr.norm.momentum = 0.1f;
}

static void describe_bn_stats(struct problem *p)
{
    int c = p->shape->c;

    describe_norm(p);
    shape_map(p, BN_STATS_X);
    shape_operand(p, BN_STATS_GAMMA, DTYPE_F32, 1, c);
    shape_operand(p, BN_STATS_BETA, DTYPE_F32, 1, c);
    shape_operand(p, BN_STATS_RUNNING, DTYPE_F32, 2, RUNNING_ROWS, c);
    shape_operand(p, BN_STATS_STAT, DTYPE_F32, 2, STAT_ROWS, c);
    shape_sums(p, BN_STATS_SUMS, BN_STATS_X);
}

static void describe_bn_running(struct problem *p)
{
    int c = p->shape->c;

    describe_norm(p);
    shape_operand(p, BN_RUNNING_GAMMA, DTYPE_F32, 1, c);
    shape_operand(p, BN_RUNNING_BETA, DTYPE_F32, 1, c);
    shape_operand(p, BN_RUNNING_RUNNING, DTYPE_F32, 2, RUNNING_ROWS, c);
    shape_operand(p, BN_RUNNING_STAT, DTYPE_F32, 2, STAT_ROWS, c);
}

static void describe_bn_relu(struct problem *p)
{
    describe_norm(p);
    shape_map(p, BN_RELU_X);
    shape_operand(p, BN_RELU_STAT, DTYPE_F32, 2, STAT_ROWS, p->shape->c);
    shape_map(p, BN_RELU_Z);
}

static void describe_bn_relu_grad(struct problem *p)
{
    int c = p->shape->c;

    describe_norm(p);
    shape_map(p, BN_RELU_GRAD_DZ);
    shape_map(p, BN_RELU_GRAD_X);
    shape_operand(p, BN_RELU_GRAD_STAT, DTYPE_F32, 2, STAT_ROWS, c);
    shape_operand(p, BN_RELU_GRAD_DGAMMA, DTYPE_F32, 1, c);
    shape_operand(p, BN_RELU_GRAD_DBETA, DTYPE_F32, 1, c);
    shape_map(p, BN_RELU_GRAD_DX);
    shape_sums(p, BN_RELU_GRAD_SUMS, BN_RELU_GRAD_X);
}

static void describe_avg_pool(struct problem *p)
{
    shape_map(p, AVG_POOL_X);
    shape_operand(p, AVG_POOL_Y, DTYPE_F32, 2, p->shape->n, p->shape->c);
}

static void describe_avg_pool_grad(struct problem *p)
{
    shape_operand(p, AVG_POOL_GRAD_DY, DTYPE_F32, 2, p->shape->n,
                  p->shape->c);
    shape_map(p, AVG_POOL_GRAD_DX);
}

static void describe_linear_slots(struct problem *p, int x, int w, int y)
{
    const struct shape *s = p->shape;

    shape_operand(p, x, DTYPE_F32, 2, s->n, s->c);
    shape_operand(p, w, p->storage, 2, s->c, s->co);
    shape_operand(p, y, DTYPE_F32, 2, s->n, s->co);
}

static void describe_linear(struct problem *p)
{
    describe_linear_slots(p, LINEAR_X, LINEAR_W, LINEAR_Y);
    shape_operand(p, LINEAR_B, DTYPE_F32, 1, p->shape->co);
}

static void describe_linear_dgrad(struct problem *p)
{
    describe_linear_slots(p, LINEAR_DGRAD_DX, LINEAR_DGRAD_W,
                          LINEAR_DGRAD_DY);
}

static void describe_linear_wgrad(struct problem *p)
{
    describe_linear_slots(p, LINEAR_WGRAD_X, LINEAR_WGRAD_DW,
                          LINEAR_WGRAD_DY);
    shape_operand(p, LINEAR_WGRAD_DB, DTYPE_F32, 1, p->shape->co);
}

static void describe_scale(struct problem *p, int slot)
{
    if (p->shape->scaled)
        shape_operand(p, slot, DTYPE_F32, 1, LOSS_SCALE_COUNT);
}

static void describe_softmax_xent(struct problem *p)
{
    int n = p->shape->n, classes = p->shape->co;

    shape_operand(p, SOFTMAX_XENT_LOGITS, DTYPE_F32, 2, n, classes);
    shape_operand(p, SOFTMAX_XENT_LABELS, DTYPE_I32, 1, n);
    describe_scale(p, SOFTMAX_XENT_SCALE);
    shape_operand(p, SOFTMAX_XENT_METRICS, DTYPE_F64, 1, METRIC_COUNT);
    shape_operand(p, SOFTMAX_XENT_DLOGITS, DTYPE_F32, 2, n, classes);
}

static void describe_check_finite(struct problem *p)
{
    shape_map(p, CHECK_FINITE_GRADIENT);
    describe_scale(p, CHECK_FINITE_SCALE);
}

static void describe_sgd(struct problem *p)
{
    shape_map(p, SGD_W);
    shape_map(p, SGD_MOMENTUM);
    shape_map(p, SGD_GRADIENT);
    describe_scale(p, SGD_SCALE);
    if (p->shape->master) {
        p->call.operand[SGD_MASTER] = p->call.operand[SGD_W];
        p->call.operand[SGD_MASTER].dtype = DTYPE_F32;
    }
    p->call.attr.sgd.stream = 5;
}

static void describe_loss_scale(struct problem *p)
{
    shape_operand(p, LOSS_SCALE_METRICS, DTYPE_F64, 1, METRIC_COUNT);
    describe_scale(p, LOSS_SCALE_SCALE);
}

/* The nearest number that the type can hold: written from its definition, as
 * so many digits and no less than a least exponent. */
static double round_to(enum dtype dtype, double x)
{
    int digits = dtype == DTYPE_BF16 ? 8 : 11;
    int least = dtype == DTYPE_BF16 ? -126 : -14, exponent;
    double unit;

    if (dtype == DTYPE_F32 || x == 0 || !isfinite(x))
        return (float)x;
    exponent = ilogb(x) > least ? ilogb(x) : least;
    unit = ldexp(1, exponent - digits + 1);
    return rint(x / unit) * unit;
}

/* Makes values what their dtype can hold. */
static void round_values(const struct operand *o, double *value)
{
    for (size_t i = 0; i < operand_elements(o); i++)
        if (o->dtype == DTYPE_I32)
            value[i] = round(value[i]);
        else if (o->dtype != DTYPE_F64)
            value[i] = round_to(o->dtype, value[i]);
}

/* Rewiring itself is in test_sparse.c. */
static void describe_rewire(struct problem *p)
{
    static struct pool_member member = { 0, 100 };
    static const struct pool pool = { 1, &member, 2, 100, 30, 0 };

    p->call.attr.rewire.pool = &pool;
    shape_operand(p, REWIRE_THRESHOLD, DTYPE_F32, 1, 1);
    shape_operand(p, REWIRE_MOMENTUM, DTYPE_F32, 1, 30);
    shape_operand(p, REWIRE_W, DTYPE_F32, 1, 30);
    shape_operand(p, REWIRE_INDEX, DTYPE_I32, 1, 5);
}

static void prepare_bn_running(struct problem *p)
{
    int c = p->shape->c;
    double *running = p->before[BN_RUNNING_RUNNING].value;

    for (int i = 0; i < c; i++)
        running[RUNNING_VAR * c + i] += 1.125;
}

/*
 * Makes stat the statistics of x, and keeps relu's argument clear of 0, where
 * a rounding would decide which branch is taken and where no finite
 * difference is a derivative.
 */
static void prepare_stat(struct problem *p, int x_slot, int stat_slot)
{
    const struct operand *o = &p->call.operand[x_slot];
    size_t n = operand_elements(o), c = (size_t)p->shape->c, near = 1;
    double *x = p->before[x_slot].value;
    double *stat = p->before[stat_slot].value;
    double gamma[c], beta[c];

    for (size_t i = 0; i < c; i++) {
        double g = uniform(100, i), b = uniform(101, i);

        gamma[i] = g + copysign(1, g);
        beta[i] = b / 2 + copysign(0.2, b);
    }
    for (int tries = 0; near && tries < 1000; tries++) {
        near = 0;
        round_values(o, x);
        stat_reference(x, n / c, (int)c, gamma, beta,
                       (double)p->call.attr.norm.eps, stat);
        for (size_t i = 0; i < n; i++)
            if (fabs(stat[STAT_SCALE * c + i % c] * x[i]
                     + stat[STAT_SHIFT * c + i % c]) < 0.02) {
                near++;
                x[i] += uniform(102 + (uint32_t)tries, i) / 2;
            }
    }
    cr_assert_eq(near, 0);
}

static void prepare_bn_relu(struct problem *p)
{
    prepare_stat(p, BN_RELU_X, BN_RELU_STAT);
}

static void prepare_conv_dgrad(struct problem *p)
{
    if (p->with_sums)
        prepare_stat(p, CONV_DGRAD_X, CONV_DGRAD_STAT);
}

static void prepare_bn_stats(struct problem *p)
{
    const struct operand *x = &p->call.operand[BN_STATS_X];

    round_values(x, p->before[BN_STATS_X].value);
    if (p->with_sums)
        moments_reference(&p->before[BN_STATS_X], operand_rows(x),
                          p->shape->c, &p->before[BN_STATS_SUMS]);
}

static void prepare_bn_relu_grad(struct problem *p)
{
    const struct operand *dz = &p->call.operand[BN_RELU_GRAD_DZ];

    prepare_stat(p, BN_RELU_GRAD_X, BN_RELU_GRAD_STAT);
    round_values(dz, p->before[BN_RELU_GRAD_DZ].value);
    if (p->with_sums)
        gradient_sums_reference(&p->before[BN_RELU_GRAD_DZ],
                                p->before[BN_RELU_GRAD_X].value,
                                p->before[BN_RELU_GRAD_STAT].value,
                                operand_rows(dz), p->shape->c,
                                &p->before[BN_RELU_GRAD_SUMS]);
}

/* A scale that has seen 7 clean updates. */
static void prepare_scale(struct problem *p, int slot)
{
    double *scale = p->before[slot].value;

    if (!p->shape->scaled)
        return;
    scale[LOSS_SCALE_FACTOR] = 1024;
    scale[LOSS_SCALE_CLEAN] = 7;
    scale[LOSS_SCALE_OVERFLOW] = p->shape->overflow;
}

static void prepare_check_finite(struct problem *p)
{
    size_t n = operand_elements(&p->call.operand[CHECK_FINITE_GRADIENT]);
    double *gradient = p->before[CHECK_FINITE_GRADIENT].value;

    prepare_scale(p, CHECK_FINITE_SCALE);
    p->before[CHECK_FINITE_SCALE].value[LOSS_SCALE_OVERFLOW] = 0;
    if (p->shape->overflow)
        gradient[n - 1] = n % 2 ? -INFINITY : NAN;
}

static void prepare_sgd(struct problem *p)
{
    prepare_scale(p, SGD_SCALE);
}

static void prepare_loss_scale(struct problem *p)
{
    prepare_scale(p, LOSS_SCALE_SCALE);
}

/* Labels, and logits so coarse that many are equal. */
static void prepare_softmax_xent(struct problem *p)
{
    int n = p->shape->n, classes = p->shape->co;

    for (int i = 0; i < n; i++)
        p->before[SOFTMAX_XENT_LABELS].value[i]
            = floor((uniform(100, (size_t)i) + 1) / 2 * classes);
    prepare_scale(p, SOFTMAX_XENT_SCALE);
    for (int i = 0; i < n * classes; i++) {
        double *logit = &p->before[SOFTMAX_XENT_LOGITS].value[i];

        *logit = round(*logit * 4) / 2;
    }
}

/*
 * The inner product of v[from[out]] and what a forward operation makes, its
 * slot s being slot from[s] of the problem, or empty if that is negative.
 */
static double forward(const struct problem *p, double *const v[],
                      enum op_code op, const int from[], int out)
{
    const struct operand *y = &p->call.operand[from[out]];
    size_t n = operand_elements(y);
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    struct call c = { .attr = p->call.attr, .batch = &p->batch };
    double sum = 0;

    for (int s = 0; s <= out; s++)
        if (from[s] >= 0) {
            t[s].value = v[from[s]];
            c.operand[s] = p->call.operand[from[s]];
        }
    t[out].value = calloc(n, sizeof(double));
    t[out].magnitude = calloc(n, sizeof(double));
    op_reference(op, &c, t);
    for (size_t i = 0; i < n; i++)
        sum += t[out].value[i] * v[from[out]][i];
    free(t[out].value);
    free(t[out].magnitude);
    return sum;
}

static double objective_conv_dgrad(const struct problem *p, double *const v[])
{
    return forward(p, v, OP_conv, (int[]){
        [CONV_X] = CONV_DGRAD_DX, [CONV_W] = CONV_DGRAD_W, [CONV_ADD] = -1,
        [CONV_Y] = CONV_DGRAD_DY
    }, CONV_Y);
}

static double objective_conv_wgrad(const struct problem *p, double *const v[])
{
    return forward(p, v, OP_conv, (int[]){
        [CONV_X] = CONV_WGRAD_X, [CONV_W] = CONV_WGRAD_DW, [CONV_ADD] = -1,
        [CONV_Y] = CONV_WGRAD_DY
    }, CONV_Y);
}

static double objective_avg_pool_grad(const struct problem *p,
                                      double *const v[])
{
    return forward(p, v, OP_avg_pool, (int[]){
        [AVG_POOL_X] = AVG_POOL_GRAD_DX, [AVG_POOL_Y] = AVG_POOL_GRAD_DY
    }, AVG_POOL_Y);
}

static double objective_linear_dgrad(const struct problem *p,
                                     double *const v[])
{
    return forward(p, v, OP_linear, (int[]){
        [LINEAR_X] = LINEAR_DGRAD_DX, [LINEAR_W] = LINEAR_DGRAD_W,
        [LINEAR_B] = -1, [LINEAR_Y] = LINEAR_DGRAD_DY
    }, LINEAR_Y);
}

static double objective_linear_wgrad(const struct problem *p,
                                     double *const v[])
{
    return forward(p, v, OP_linear, (int[]){
        [LINEAR_X] = LINEAR_WGRAD_X, [LINEAR_W] = LINEAR_WGRAD_DW,
        [LINEAR_B] = LINEAR_WGRAD_DB, [LINEAR_Y] = LINEAR_WGRAD_DY
    }, LINEAR_Y);
}

/* Batch norm of x with statistics of its own, and gamma and beta moved from
 * those in stat by v[DGAMMA] and v[DBETA]. */
static double objective_bn_relu_grad(const struct problem *p,
                                     double *const v[])
{
    const struct operand *o = &p->call.operand[BN_RELU_GRAD_X];
    size_t n = operand_elements(o), c = (size_t)p->shape->c;
    const double *x = v[BN_RELU_GRAD_X], *given = v[BN_RELU_GRAD_STAT];
    double gamma[c], beta[c], sum = 0;
    double *stat = calloc(STAT_ROWS * c, sizeof(*stat));

    for (size_t i = 0; i < c; i++) {
        double scale = given[STAT_SCALE * c + i];

        gamma[i] = scale / given[STAT_RSTD * c + i]
                   + v[BN_RELU_GRAD_DGAMMA][i];
        beta[i] = given[STAT_SHIFT * c + i]
                  + given[STAT_MEAN * c + i] * scale
                  + v[BN_RELU_GRAD_DBETA][i];
    }
    stat_reference(x, n / c, (int)c, gamma, beta,
                   (double)p->call.attr.norm.eps, stat);
    for (size_t i = 0; i < n; i++)
        sum += v[BN_RELU_GRAD_DZ][i]
               * fmax(stat[STAT_SCALE * c + i % c] * x[i]
                      + stat[STAT_SHIFT * c + i % c], 0);
    free(stat);
    return sum;
}

/* The mean loss over the batch, scaled. */
static double objective_softmax_xent(const struct problem *p,
                                     double *const v[])
{
    size_t n = operand_elements(&p->call.operand[SOFTMAX_XENT_LOGITS]);
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    double metrics[METRIC_COUNT] = { 0 }, magnitude[METRIC_COUNT];

    t[SOFTMAX_XENT_LOGITS].value = v[SOFTMAX_XENT_LOGITS];
    t[SOFTMAX_XENT_LABELS].value = v[SOFTMAX_XENT_LABELS];
    t[SOFTMAX_XENT_SCALE].value = v[SOFTMAX_XENT_SCALE];
    t[SOFTMAX_XENT_METRICS] = (struct exact){ metrics, magnitude };
    t[SOFTMAX_XENT_DLOGITS].value = calloc(n, sizeof(double));
    t[SOFTMAX_XENT_DLOGITS].magnitude = calloc(n, sizeof(double));
    op_reference(OP_softmax_xent, &p->call, t);
    free(t[SOFTMAX_XENT_DLOGITS].value);
    free(t[SOFTMAX_XENT_DLOGITS].magnitude);
    return metrics[METRIC_LOSS] / p->batch.terms
           * (p->shape->scaled ? v[SOFTMAX_XENT_SCALE][LOSS_SCALE_FACTOR] : 1);
}

#define SHAPES(array) \
    .shapes = array, .count = sizeof(array) / sizeof(array[0])

static const struct subject subjects[OP_COUNT] = {
    [OP_load] = { SHAPES(any_shapes), .describe = describe_load },
    [OP_zero] = { SHAPES(any_shapes), .describe = describe_zero },
    [OP_report] = { SHAPES(any_shapes), .describe = describe_report },
    [OP_conv] = {
        SHAPES(conv_shapes), .describe = describe_conv, .add = CONV_ADD,
        .sums = CONV_SUMS
    },
    [OP_conv_dgrad] = {
        SHAPES(conv_shapes), .describe = describe_conv_dgrad,
        .prepare = prepare_conv_dgrad, .add = CONV_DGRAD_ADD,
        .sums = CONV_DGRAD_SUMS, .objective = objective_conv_dgrad,
        .derivative = { { CONV_DGRAD_DX, CONV_DGRAD_DX } }, .derivatives = 1
    },
    [OP_conv_wgrad] = {
        SHAPES(conv_shapes), .describe = describe_conv_wgrad,
        .objective = objective_conv_wgrad,
        .derivative = { { CONV_WGRAD_DW, CONV_WGRAD_DW } }, .derivatives = 1
    },
    [OP_bn_stats] = {
        SHAPES(bn_stats_shapes), .describe = describe_bn_stats,
        .prepare = prepare_bn_stats, .sums = BN_STATS_SUMS
    },
    [OP_bn_running] = {
        SHAPES(bn_shapes), .describe = describe_bn_running,
        .prepare = prepare_bn_running
    },
    [OP_bn_relu] = { SHAPES(bn_shapes), .describe = describe_bn_relu,
        .prepare = prepare_bn_relu },
    [OP_bn_relu_grad] = {
        SHAPES(bn_shapes), .describe = describe_bn_relu_grad,
        .prepare = prepare_bn_relu_grad, .add = BN_RELU_GRAD_ADD,
        .sums = BN_RELU_GRAD_SUMS, .objective = objective_bn_relu_grad,
        .derivative = { { BN_RELU_GRAD_DX, BN_RELU_GRAD_X },
                        { BN_RELU_GRAD_DGAMMA, BN_RELU_GRAD_DGAMMA },
                        { BN_RELU_GRAD_DBETA, BN_RELU_GRAD_DBETA } },
        .derivatives = 3
    },
    [OP_avg_pool] = { SHAPES(pool_shapes), .describe = describe_avg_pool },
    [OP_avg_pool_grad] = {
        SHAPES(pool_shapes), .describe = describe_avg_pool_grad,
        .add = AVG_POOL_GRAD_ADD, .objective = objective_avg_pool_grad,
        .derivative = { { AVG_POOL_GRAD_DX, AVG_POOL_GRAD_DX } },
        .derivatives = 1
    },
    [OP_linear] = { SHAPES(linear_shapes), .describe = describe_linear },
    [OP_linear_dgrad] = {
        SHAPES(linear_shapes), .describe = describe_linear_dgrad,
        .add = LINEAR_DGRAD_ADD, .objective = objective_linear_dgrad,
        .derivative = { { LINEAR_DGRAD_DX, LINEAR_DGRAD_DX } },
        .derivatives = 1
    },
    [OP_linear_wgrad] = {
        SHAPES(linear_shapes), .describe = describe_linear_wgrad,
        .objective = objective_linear_wgrad,
        .derivative = { { LINEAR_WGRAD_DW, LINEAR_WGRAD_DW },
                        { LINEAR_WGRAD_DB, LINEAR_WGRAD_DB } },
        .derivatives = 2
    },
    [OP_softmax_xent] = {
        SHAPES(xent_shapes), .describe = describe_softmax_xent,
        .prepare = prepare_softmax_xent,
        .objective = objective_softmax_xent,
        .derivative = { { SOFTMAX_XENT_DLOGITS, SOFTMAX_XENT_LOGITS } },
        .derivatives = 1
    },
    [OP_check_finite] = {
        SHAPES(scale_shapes), .describe = describe_check_finite,
        .prepare = prepare_check_finite
    },
    [OP_sgd] = {
        SHAPES(sgd_shapes), .describe = describe_sgd, .prepare = prepare_sgd
    },
    [OP_loss_scale] = {
        SHAPES(scale_shapes), .describe = describe_loss_scale,
        .prepare = prepare_loss_scale
    },
    [OP_rewire] = { SHAPES(any_shapes), .describe = describe_rewire }
};

/* What the reference of load expects. */
static void load_sample(void *arg, int index, void *const slot[])
{
    const struct problem *p = arg;
    const struct operand *x = &p->call.operand[LOAD_X];
    size_t each = operand_elements(x) / (size_t)x->dim[0];
    float *values = slot[LOAD_X];
    int32_t *label = slot[LOAD_LABELS];

    for (size_t i = 0; i < each; i++)
        values[i] = (float)(index * 1000 + (int)(i % 1000));
    *label = index + 7;
}

/* Random values, or for outputs zeros, and room for magnitudes. */
static struct exact exact_new(const struct problem *p, int slot)
{
    const struct operand *o = &p->call.operand[slot];
    size_t n = operand_elements(o);
    double offset = slot == 0 ? p->shape->offset : 0;
    struct exact t = { calloc(n, sizeof(double)), calloc(n, sizeof(double)) };

    if (!strchr("wo", op_access[p->op][slot]))
        for (size_t i = 0; i < n; i++)
            t.value[i] = offset + uniform((uint32_t)slot, i);
    return t;
}

static struct exact exact_copy(const struct exact *t, size_t n)
{
    struct exact copy = { calloc(n, sizeof(double)),
                          calloc(n, sizeof(double)) };

    for (size_t i = 0; i < n; i++)
        copy.value[i] = t->value[i];
    return copy;
}

static void exact_free(struct exact *t)
{
    free(t->value);
    free(t->magnitude);
}

/* A stat to load operand o through, at which some values are cut off and a
 * zero of padding is not what an x of zero would give. */
static float *through_new(const struct operand *o)
{
    size_t c = (size_t)o->dim[o->rank - 1];
    float *stat = calloc(STAT_ROWS * c, sizeof(*stat));

    for (size_t i = 0; i < c; i++) {
        stat[STAT_MEAN * c + i] = stat[STAT_RSTD * c + i] = NAN;
        stat[STAT_SCALE * c + i] = (float)(2 * uniform(200, i));
        stat[STAT_SHIFT * c + i] = (float)(uniform(201, i) + 0.25);
    }
    return stat;
}

static void problem_init(struct problem *p, enum op_code op,
                         const struct shape *shape, enum dtype storage,
                         bool with_add, bool with_through, bool with_tf32,
                         bool with_sums)
{
    const struct subject *subject = &subjects[op];
    int parts = shape->parts ? shape->parts : 1;

    *p = (struct problem){
        .op = op, .shape = shape, .storage = storage, .with_add = with_add,
        .with_through = with_through, .with_tf32 = with_tf32,
        .with_sums = with_sums,
        .batch = { .terms = parts * shape->n, .samples = shape->n,
                   .first = (parts - 1) * shape->n, .learning_rate = 0.1f,
                   .momentum = 0.9f, .weight_decay = 0.05f,
                   .nesterov = shape->nesterov, .tf32 = with_tf32 }
    };
    p->loader = (struct loader){ .sample = load_sample, .arg = p };
    p->batch.loader = &p->loader;
    p->call.batch = &p->batch;
    subject->describe(p);
    if (with_add) {
        const struct operand *out = &p->call.operand[output_slot(op)];

        p->call.operand[subject->add] = *out;
    }
    if (with_through) {
        int slot = (int)(strchr(op_access[op], 'l') - op_access[op]);

        p->through = through_new(&p->call.operand[slot]);
        p->call.operand[slot].through = p->through;
    }
    for (int s = 0; s < slots_of(op); s++)
        p->before[s] = exact_new(p, s);
    if (subject->prepare)
        subject->prepare(p);
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        const struct operand *o = &p->call.operand[s];

        round_values(o, p->before[s].value);
        p->after[s] = exact_copy(&p->before[s], operand_elements(o));
    }
    op_reference(op, &p->call, p->after);
}

static void problem_done(struct problem *p)
{
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        exact_free(&p->before[s]);
        exact_free(&p->after[s]);
    }
    free(p->through);
}

static const char *problem_text(const struct problem *p)
{
    static char text[256];
    const struct shape *s = p->shape;

    snprintf(text, sizeof(text),
             "%s: (%d, %d, %d, %d) kernel %dx%d to %d, stride %d, pad %d, "
             "parts %d, offset %g%s%s%s%s%s%s%s%s%s", name_of[p->op], s->n, s->h,
             s->w, s->c, s->kh, s->kw, s->co, s->stride, s->pad, s->parts,
             s->offset, s->nesterov ? ", nesterov" : "",
             s->scaled ? ", scaled" : "", s->overflow ? ", overflow" : "",
             s->master ? ", master" : "",
             p->storage == DTYPE_BF16 ? ", bf16"
             : p->storage == DTYPE_F16 ? ", fp16" : "",
             p->with_add ? ", add" : "",
             p->with_through ? ", through" : "",
             p->with_tf32 ? ", tf32" : "", p->with_sums ? ", sums" : "");
    return text;
}

/* Compares an element of the reference's gradient with the slope of the
 * objective. */
static void check_slope(const struct problem *p, double *const v[],
                        const struct exact *gradient, int at, size_t i)
{
    double (*objective)(const struct problem *, double *const v[])
        = subjects[p->op].objective;
    double here = v[at][i], step = 1e-5, slope;

    v[at][i] = here + step;
    slope = objective(p, v);
    v[at][i] = here - step;
    slope = (slope - objective(p, v)) / (2 * step);
    v[at][i] = here;
    cr_expect(fabs(slope - gradient->value[i])
                  <= 1e-5 * (1 + gradient->magnitude[i]),
              "%s: derivative by slot %d, element %zu: %.9g, but finite "
              "difference %.9g", problem_text(p), at, i, gradient->value[i],
              slope);
}

/* Compares the reference of a gradient with finite differences at about 24
 * elements. Gradients are at values before the call, and at zero of what only
 * the forward operation reads. */
static void check_derivatives(const struct problem *p)
{
    const struct subject *subject = &subjects[p->op];
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    double *v[CALL_MAX_OPERANDS] = { 0 };

    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        size_t n = operand_elements(&p->call.operand[s]);

        if (n == 0)
            continue;
        t[s] = exact_copy(&p->before[s], n);
        if (is_output(p->op, s))
            memset(t[s].value, 0, n * sizeof(double));
        v[s] = calloc(n, sizeof(double));
        memcpy(v[s], t[s].value, n * sizeof(double));
    }
    op_reference(p->op, &p->call, t);
    for (int d = 0; d < subject->derivatives; d++) {
        const struct derivative *by = &subject->derivative[d];
        size_t n = operand_elements(&p->call.operand[by->at]);

        for (size_t i = 0; i < n; i += n / 24 + 1)
            check_slope(p, v, &t[by->gradient], by->at, i);
    }
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        exact_free(&t[s]);
        free(v[s]);
    }
}

static double element(const struct operand *o, size_t i)
{
    switch (o->dtype) {
    case DTYPE_F32:
        return ((const float *)o->data)[i];
    case DTYPE_I32:
        return ((const int32_t *)o->data)[i];
    case DTYPE_BF16:
    case DTYPE_F16:
        return float_load(o->data, i, o->dtype);
    default:
        return ((const double *)o->data)[i];
    }
}

static void store(const struct operand *o, const double *value)
{
    for (size_t i = 0; i < operand_elements(o); i++)
        switch (o->dtype) {
        case DTYPE_F32:
            ((float *)o->data)[i] = (float)value[i];
            break;
        case DTYPE_I32:
            ((int32_t *)o->data)[i] = (int32_t)value[i];
            break;
        case DTYPE_BF16:
        case DTYPE_F16:
            float_store(o->data, i, o->dtype, (float)value[i]);
            break;
        default:
            ((double *)o->data)[i] = value[i];
        }
}

/* The operands of a call, and after them its scratch and the stat that one of
 * them is loaded through. */
enum { SCRATCH = CALL_MAX_OPERANDS, THROUGH, STORAGES };

/* Where one of them lies, with a guard on either side. */
struct storage {
    size_t at, bytes;
};

/* One call of a kernel, in an arena of its own. */
struct trial {
    const struct target *target;
    struct device *device;
    enum op_code op;
    struct call call;
    struct batch batch;
    double report[METRIC_COUNT];
    int shared;          /* slot whose storage the output takes, or -1 */
    bool done;
    struct storage storage[STORAGES];
    size_t bytes;
    char *arena;
    unsigned char *host; /* what is in the arena, before or after the call */
};

static size_t round_to_guard(size_t bytes)
{
    return (bytes + GUARD - 1) / GUARD * GUARD;
}

static void reserve(struct trial *t, int i, size_t bytes)
{
    t->storage[i] = (struct storage){ t->bytes + GUARD, bytes };
    t->bytes += 2 * GUARD + round_to_guard(bytes);
}

static void lay_out(struct trial *t, const struct problem *p)
{
    int through = p->with_through
                  ? (int)(strchr(op_access[p->op], 'l') - op_access[p->op])
                  : -1;

    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        reserve(t, s, operand_elements(&t->call.operand[s])
                          * dtype_size(t->call.operand[s].dtype));
    reserve(t, SCRATCH, t->target->backend->scratch(p->op, &t->call));
    reserve(t, THROUGH, through < 0 ? 0 : STAT_ROWS * sizeof(float)
                * (size_t)t->call.operand[through].dim[
                      t->call.operand[through].rank - 1]);
}

/* A slot as the host sees it; after the call, the output where it is. */
static struct operand on_host(const struct trial *t, int s)
{
    struct operand o = t->call.operand[s];

    if (t->done && t->shared >= 0 && s == output_slot(t->op))
        s = t->shared;
    o.data = t->host + t->storage[s].at;
    return o;
}

/* Writes what there is before the call. */
static void fill(struct trial *t, const struct problem *p)
{
    memset(t->host, POISON, t->bytes);
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        struct operand o = on_host(t, s);

        if (operand_given(&o) && !strchr("wo", op_access[p->op][s]))
            store(&o, p->before[s].value);
    }
    if (p->through)
        memcpy(t->host + t->storage[THROUGH].at, p->through,
               t->storage[THROUGH].bytes);
    t->target->backend->write(t->device, t->arena, t->host, t->bytes);
}

static void bind(struct trial *t)
{
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        struct operand *o = &t->call.operand[s];

        o->data = t->arena + t->storage[s].at;
        if (o->through)
            o->through = (const float *)(const void *)
                (t->arena + t->storage[THROUGH].at);
    }
    if (t->shared >= 0)
        t->call.operand[output_slot(t->op)].data
            = t->call.operand[t->shared].data;
    if (t->storage[SCRATCH].bytes)
        t->call.scratch = t->arena + t->storage[SCRATCH].at;
}

/* Makes guards what is not even to be read, for the address sanitizer; or the
 * whole arena what it was. */
static void guard(const struct trial *t)
{
    for (int i = 0; t->target->in_host_memory && i < STORAGES; i++) {
        ASAN_POISON_MEMORY_REGION(t->arena + t->storage[i].at - GUARD, GUARD);
        ASAN_POISON_MEMORY_REGION(
            t->arena + t->storage[i].at + t->storage[i].bytes, GUARD);
    }
}

static void unguard(const struct trial *t)
{
    if (t->target->in_host_memory)
        ASAN_UNPOISON_MEMORY_REGION(t->arena, t->bytes);
}

static void trial_run(struct trial *t, const struct problem *p,
                      const struct target *target, struct device *device,
                      int threads, int shared)
{
    const struct backend *backend = target->backend;
    char why[WHY_SIZE] = "";

    *t = (struct trial){ .target = target, .device = device, .op = p->op,
                         .call = p->call, .batch = p->batch, .shared = shared };
    t->batch.report = t->report;
    t->call.batch = &t->batch;
    t->call.threads = threads;
    lay_out(t, p);
    t->host = malloc(t->bytes);
    t->arena = backend->alloc(device, t->bytes, why);
    cr_assert_not_null(t->arena, "%s", why);
    fill(t, p);
    bind(t);
    guard(t);
    backend->run(device, p->op, &t->call);
    unguard(t);
    t->done = true;
    backend->read(device, t->host, t->arena, t->bytes);
    cr_assert(backend->healthy(device, why), "%s", why);
}

static void trial_done(struct trial *t)
{
    t->target->backend->free(t->device, t->arena, t->bytes);
    free(t->host);
}

/* Nothing was written outside of what was reserved. */
static bool guards_intact(const struct trial *t)
{
    for (int i = 0; i < STORAGES; i++)
        for (size_t k = 0; k < GUARD; k++) {
            const unsigned char *data = t->host + t->storage[i].at;

            if (data[k - GUARD] != POISON
                || data[t->storage[i].bytes + k] != POISON)
                return false;
        }
    return true;
}

/* The result that a slot has sums of; else the slot itself. */
static int summed_slot(const struct problem *p, int slot)
{
    int out = output_slot(p->op);

    return op_access[p->op][slot] == 'o' && out >= 0 ? out : slot;
}

/* How far rounding of what is summed may move a sum, by its magnitude. */
static double sums_error(const struct problem *p, int slot)
{
    enum dtype dtype = p->call.operand[summed_slot(p, slot)].dtype;

    if (summed_slot(p, slot) == slot)
        return 0;
    return dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0;
}

/* How far storing in 16 bits may move a result: half a unit in the last place
 * if it is rounded to nearest, a whole one if stochastically. */
static double storage_error(const struct problem *p, int slot, double value)
{
    enum dtype dtype = p->call.operand[slot].dtype;
    bool random = p->op == OP_sgd
                  && !(slot == SGD_W && p->shape->master);
    double half = dtype == DTYPE_BF16 ? 0x1p-8 * fabs(value)
                  : dtype == DTYPE_F16
                        ? fmax(0x1p-11 * fabs(value), 0x1p-25) : 0;

    return random ? 2 * half : half;
}

/* How far rounding of loaded operands may move a sum, by its magnitude. TF32
 * rounds both factors of a product. */
static double load_error(const struct problem *p, const struct target *target,
                         int slot)
{
    enum dtype dtype = p->call.operand[slot].dtype;

    if (p->with_tf32)
        return 0x1p-10;
    if (!target->rounds_loads || !p->with_through || p->op == OP_avg_pool)
        return 0;
    return dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0;
}

/* Equal, or as near as allowed; a NaN is near no number but another NaN. */
static bool agree(double found, double expected, double allowed)
{
    return found == expected || (isnan(found) && isnan(expected))
           || fabs(found - expected) <= allowed;
}

/* Whether slot s is as it should be; says so if not. */
static bool check_slot(const struct problem *p, const struct trial *t, int s)
{
    const struct operand o = on_host(t, s);
    const struct exact *expected = &p->after[s];
    double relative = t->target->tolerance * (double)FLT_EPSILON
                      + load_error(p, t->target, summed_slot(p, s))
                      + sums_error(p, s);

    for (size_t i = 0; i < operand_elements(&o); i++) {
        double value = expected->value[i];
        double allowed = is_output(p->op, s)
                             ? relative * expected->magnitude[i] : 0;

        if (is_output(p->op, s))
            allowed += storage_error(p, s, fabs(value) + allowed);
        if (!agree(element(&o, i), value, allowed)) {
            cr_expect_fail("%s, %s, %d threads, shared %d: slot %d, element "
                           "%zu is %.9g, not %.9g; allowed %.3g",
                           problem_text(p), t->target->name, t->call.threads,
                           t->shared, s, i, element(&o, i), value, allowed);
            return false;
        }
    }
    return true;
}

static bool check_trial(const struct problem *p, const struct trial *t)
{
    bool good = guards_intact(t);

    cr_expect(good, "%s, %s, %d threads, shared %d: written outside",
              problem_text(p), t->target->name, t->call.threads, t->shared);
    for (int s = 0; good && s < slots_of(p->op); s++)
        if (s != t->shared)
            good &= check_slot(p, t, s);
    if (p->op == OP_report)
        cr_expect_arr_eq(t->report, p->before[REPORT_METRICS].value,
                         sizeof(t->report));
    return good;
}

static bool same_bits(const struct trial *a, const struct trial *b)
{
    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        if (memcmp(a->host + a->storage[s].at, b->host + b->storage[s].at,
                   b->storage[s].bytes))
            return false;
    return true;
}

static bool check_call(const struct problem *p, const struct target *target,
                       struct device *device, int threads, int shared)
{
    struct trial first, again;
    bool good;

    trial_run(&first, p, target, device, threads, shared);
    trial_run(&again, p, target, device, threads, shared);
    good = check_trial(p, &first);
    if (good && !same_bits(&first, &again)) {
        cr_expect_fail("%s, %s, %d threads, shared %d: other bits when run "
                       "again", problem_text(p), target->name, threads,
                       shared);
        good = false;
    }
    trial_done(&first);
    trial_done(&again);
    return good;
}

/* Opens a device; NULL if this machine does not have it. */
static struct device *target_open(const struct target *target, int threads)
{
    char why[WHY_SIZE];
    struct device *device;

    if (target->backend == &cpu_backend)
        setenv("MEMDIAL_CPU_ISA", target->name, 1);
    return target->backend->open(&device, threads, why) ? device : NULL;
}

static bool may_share(const struct problem *p, int slot)
{
    return op_access[p->op][slot] == 's'
           && operand_given(&p->call.operand[slot]);
}

/* Stops at the first failure, so that each row of the table has one. */
static bool check_device(const struct problem *p, const struct target *target,
                         int threads)
{
    struct device *device = target_open(target, threads);
    bool good;

    if (!device)
        return true;
    good = check_call(p, target, device, threads, -1);
    for (int s = 0; good && s < slots_of(p->op); s++)
        if (may_share(p, s))
            good = check_call(p, target, device, threads, s);
    target->backend->close(device);
    return good;
}

/* The kernels of every instruction set must ask for the scratch that the plan
 * has. */
static void check_scratch(const struct problem *p, const struct target *target,
                          int threads)
{
    const struct isa *isa = isa_named(target->name);
    size_t (*scratch)(const struct call *);
    struct call call = p->call;

    if (!isa)
        return;
    scratch = isa->kernels->scratch[p->op];
    call.threads = threads;
    call.batch = NULL;
    cr_expect_eq(scratch ? scratch(&call) : 0,
                 cpu_backend.scratch(p->op, &call), "%s: scratch for %s",
                 problem_text(p), target->name);
}

/* Whether it is enough that each kernel of the best instruction set runs: on
 * one thread, in one way, on nothing large. */
static bool is_short(void)
{
    return getenv("MEMDIAL_OPS_SHORT") != NULL;
}

static int threads_for(const struct target *target)
{
    if (is_short())
        return isa_named(target->name) == isa_at(0);
    return target->max_threads;
}

static void check_problem(const struct problem *p,
                          const struct target *targets, int count)
{
    if (targets == cpu_targets && subjects[p->op].objective && !p->with_add
        && !p->shape->large && p->storage == DTYPE_F32 && !is_short())
        check_derivatives(p);
    for (int i = 0; i < count; i++)
        for (int threads = 1; threads <= threads_for(&targets[i]); threads++) {
            check_scratch(p, &targets[i], threads);
            if (!check_device(p, &targets[i], threads))
                return;
        }
}

/* Products that may be of TF32. */
static bool multiplies(enum op_code op)
{
    return op == OP_conv || op == OP_conv_dgrad || op == OP_conv_wgrad
           || op == OP_linear || op == OP_linear_dgrad
           || op == OP_linear_wgrad;
}

/* Whether an operation is tried with sums of tiles: where there is something to
 * tell from a mean that its rounding to a float has not lost. */
static bool can_sum(enum op_code op, const struct shape *shape,
                    const struct target *targets)
{
    return targets->backend->sums_tiles && subjects[op].sums > 0
           && fabs(shape->offset) < 1000;
}

/* What is large is too slow on an emulated device to be tried in all ways. */
static void check_shape(enum op_code op, const struct shape *shape,
                        enum dtype storage, const struct target *targets,
                        int count)
{
    bool can_add = subjects[op].add > 0;
    bool can_load_through = strchr(op_access[op], 'l') != NULL;
    bool can_tf32 = targets->backend == &cuda_backend && storage == DTYPE_F32
                    && multiplies(op);
    bool few = is_short() || (shape->large && targets == &emulated_target);

    if (is_short() && shape->large)
        return;
    for (int add = few && can_add; add <= can_add; add++)
        for (int through = few && can_load_through;
             through <= can_load_through; through++)
            for (int tf32 = 0; tf32 <= can_tf32; tf32++)
                for (int sums = 0; sums <= can_sum(op, shape, targets);
                     sums++) {
                    struct problem p;

                    problem_init(&p, op, shape, storage, add, through, tf32,
                                 sums);
                    check_problem(&p, targets, count);
                    problem_done(&p);
                }
}

/* Whether any operand of an operation may be stored in 16 bits. */
static bool stores(enum op_code op)
{
    struct problem p = { .op = op, .shape = subjects[op].shapes,
                         .storage = DTYPE_F16 };
    bool any = false;

    subjects[op].describe(&p);
    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        any |= p.call.operand[s].dtype == DTYPE_F16;
    return any;
}

static void check_op(enum op_code op, const struct target *targets, int count)
{
    static const enum dtype storage[] = { DTYPE_F32, DTYPE_BF16, DTYPE_F16 };
    const struct subject *subject = &subjects[op];

    cr_assert_gt(subject->count, 0, "%s is not in the table", name_of[op]);
    for (int k = 0; k < (stores(op) ? 3 : 1); k++)
        for (int i = 0; i < subject->count; i++)
            check_shape(op, &subject->shapes[i], storage[k], targets, count);
}

/* Tries an operation of a module of CUDA's, which a variable names. */
static void check_cuda(enum op_code op, const char *variable,
                       const struct target *target)
{
    const char *path = getenv(variable);
    struct device_info info;

    if (!path || !*path)
        cr_skip_test("the module was not built");
    setenv("MEMDIAL_CUDA_MODULE", path, 1);
    cuda_backend.list(&info, 1);
    if (!info.usable)
        cr_skip_test("%s", info.line);
    check_op(op, target, 1);
}

#define OP(name, cpu, cuda, access, ...) \
    Test(ops, name) { check_op(OP_##name, cpu_targets, CPU_TARGETS); } \
    Test(ops_emulated, name) \
    { \
        check_cuda(OP_##name, "MEMDIAL_CUDA_EMULATED", &emulated_target); \
    } \
    Test(ops_device, name) \
    { \
        check_cuda(OP_##name, "MEMDIAL_CUDA_BUILT", &device_target); \
    }
#include "kernels/op_list.h"
#undef OP
