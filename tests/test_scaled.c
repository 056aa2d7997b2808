/*
 * Moments in 8 bits: an element is its number on average, off by no more than a
 * unit of its block's scale; a block that gets nothing stays as it is; and in a
 * pool a member's gradients go to its nonzeros, and codes move with them.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/scaled.h"
#include "tests/target.h"
#include "tests/tensors.h"

static const struct target targets[] = {
    { "avx512", &cpu_backend, .max_threads = 3 },
    { "avx2", &cpu_backend, .max_threads = 3 },
    { "generic", &cpu_backend, .max_threads = 3 },
    { "emulated", &cuda_backend, .max_threads = 1,
      .module = "MEMDIAL_CUDA_EMULATED" }
};

enum { TARGETS = sizeof(targets) / sizeof(*targets) };

static void on_all_targets(void (*check)(const struct target *,
                                         struct device *, int threads))
{
    for (int i = 0; i < TARGETS; i++)
        for (int threads = 1; threads <= targets[i].max_threads; threads++) {
            struct device *device = target_open(&targets[i], threads);

            if (!device)
                continue;
            check(&targets[i], device, threads);
            target_close(&targets[i], device);
        }
}

static struct operand vector(enum dtype dtype, size_t n)
{
    struct operand o = { .dtype = dtype, .rank = 1, .dim = { (int)n } };

    return o;
}

/* The unit of each element's block, for the largest of these numbers. */
static double unit_of(enum dtype dtype, const float *x, size_t begin,
                      size_t end)
{
    double most = 0;

    for (size_t i = begin; i < end; i++)
        most = fmax(most, fabs((double)x[i]));
    return most / (dtype == DTYPE_I8 ? 127 : 255);
}

/* Whatever is drawn, a number that has a code of its own gets that. A mean of 0
 * beside a root of 0 must stay so: it is divided by that. */
Test(scaled, whole_codes_stay)
{
    static const float units[] = { 0, 0x1p-16f, 0.5f, 1 - 0x1p-15f,
                                   1 - 0x1p-16f };

    for (int code = -127; code <= 255; code++)
        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
            float x = (float)code;

            if (code <= 127)
                cr_expect_eq(scaled_code(DTYPE_I8, x, 1, units[i]), code);
            if (code >= 0)
                cr_expect_eq(scaled_code(DTYPE_U8, x, 1, units[i]), code);
        }
}

/* In 1,000 steps the mean of a rounding has a deviation of at most half a unit
 * over 31.6. */
static void check_mean(const struct target *target, struct device *device,
                       int threads)
{
    enum { N = 700, STEPS = 1000 };
    static const enum dtype dtypes[] = { DTYPE_I8, DTYPE_U8 };

    for (int d = 0; d < 2; d++) {
        struct operand y = vector(dtypes[d], N);
        float *x = noise(N, 5), *found = calloc(N, sizeof(*found));
        double *sum = calloc(N, sizeof(*sum));
        struct batch batch = { .seed = 4 };
        struct call c = { .batch = &batch, .threads = threads };

        y.data = calloc(1, operand_bytes(&y));
        for (size_t i = 0; i < N; i++)
            x[i] = d ? fabsf(x[i]) + 0.01f : x[i];
        c.attr.blend = (struct blend){ .stream = 1, .share = 1 };
        c.operand[BLEND_X] = vector(DTYPE_F32, N);
        c.operand[BLEND_X].data = x;
        c.operand[BLEND_Y] = y;
        for (batch.step = 0; batch.step < STEPS; batch.step++) {
            run_call(target->backend, device, OP_blend, &c);
            scaled_decode(&y, found);
            for (size_t i = 0; i < N; i++) {
                double unit = unit_of(dtypes[d], x, i / 256 * 256,
                                      i / 256 * 256 + 256 < N
                                          ? i / 256 * 256 + 256 : N);

                cr_assert_lt(fabs((double)(found[i] - x[i])), 1.001 * unit);
                sum[i] += (double)(found[i] - x[i]) / unit / STEPS;
            }
        }
        for (size_t i = 0; i < N; i++)
            cr_expect_lt(fabs(sum[i]), 5 * 0.5 / sqrt(STEPS),
                         "%s: element %zu is %g units off", target->name, i,
                         sum[i]);
        free(x);
        free(found);
        free(sum);
        free(y.data);
    }
}

Test(scaled, numbers_are_right_on_average, .timeout = 600)
{
    on_all_targets(check_mean);
}

/* Nothing is added to the second of three blocks. */
static void check_nothing(const struct target *target, struct device *device,
                          int threads)
{
    enum { N = 700 };
    struct operand y = vector(DTYPE_I8, N);
    float *x = noise(N, 5), *start = noise(N, 6);
    size_t bytes = operand_bytes(&y);
    unsigned char *before = malloc(bytes), *after = calloc(1, bytes);
    struct batch batch = { .seed = 4 };
    struct call c = { .batch = &batch, .threads = threads };
    float *scale = (float *)(void *)after + N / 4;

    memset(x + 256, 0, 256 * sizeof(*x));
    y.data = after;
    scaled_encode(&y, start);
    memcpy(before, after, bytes);
    c.attr.blend = (struct blend){ .keep = 1, .share = 1 };
    c.operand[BLEND_X] = vector(DTYPE_F32, N);
    c.operand[BLEND_X].data = x;
    c.operand[BLEND_Y] = y;
    run_call(target->backend, device, OP_blend, &c);
    cr_expect_neq(memcmp(before, after, 256), 0);
    cr_expect_arr_eq(before + 256, after + 256, 256);
    cr_expect_neq(memcmp(before + 512, after + 512, N - 512), 0);
    cr_expect_eq(scale[1], ((float *)(void *)before)[N / 4 + 1]);
    /* Decay alone changes no code. */
    memcpy(after, before, bytes);
    c.operand[BLEND_X] = (struct operand){ .rank = 0 };
    c.attr.blend.keep = 0.5f;
    run_call(target->backend, device, OP_blend, &c);
    cr_expect_arr_eq(before, after, N);
    cr_expect_eq(scale[2], ((float *)(void *)before)[N / 4 + 2] / 2);
    free(before);
    free(after);
    free(x);
    free(start);
}

Test(scaled, nothing_changes_nothing)
{
    on_all_targets(check_nothing);
}

/* A number that is not finite spoils its block, and no other. */
Test(scaled, what_is_not_finite_shows)
{
    enum { N = 700 };
    static const float bad[] = { NAN, INFINITY, -INFINITY };

    for (int k = 0; k < 3; k++) {
        struct operand y = vector(DTYPE_I8, N);
        float *x = noise(N, 5);

        y.data = calloc(1, operand_bytes(&y));
        x[300] = bad[k];
        scaled_encode(&y, x);
        scaled_decode(&y, x);
        cr_expect(!isfinite(x[300]));
        cr_expect(isfinite(x[0]) && isfinite(x[699]));
        free(y.data);
        free(x);
    }
}

/* The gradient of the second of three members that share groups. */
static void check_member(const struct target *target, struct device *device,
                         int threads, enum dtype dtype, double density)
{
    struct tensors *t = tensors_new((const size_t[]){ 300, 5000, 2304 },
                                    density);
    size_t n = t->pool.nonzeros, words = 0;
    struct operand all = vector(dtype, n), member, gradient;
    float *start = noise(n, 8), *dw = noise(5000, 9);
    float *found = calloc(n, sizeof(*found));
    uint64_t *bits = bitmap_of(t);
    struct batch batch = { .seed = 4 };
    struct part part = { .count = { { 1 } } };
    struct call c = { .batch = &batch, .part = &part, .threads = threads };

    all.pool = &t->pool;
    all.index = t->index;
    all.member = POOL_ALL;
    all.data = calloc(1, operand_bytes(&all) + n * sizeof(float));
    if (dtype_is_scaled(dtype)) {
        scaled_encode(&all, start);
        scaled_decode(&all, start);
    } else {
        memcpy(all.data, start, n * sizeof(*start));
    }
    member = all;
    member.member = 1;
    member.dim[0] = 5000;
    gradient = vector(DTYPE_F32, 5000);
    gradient.data = dw;
    c.operand[BLEND_X] = gradient;
    c.operand[BLEND_Y] = member;
    c.attr.blend = (struct blend){ .of_part = true, .keep = 1, .share = 2 };
    run_call(target->backend, device, OP_blend, &c);
    if (dtype_is_scaled(dtype))
        scaled_decode(&all, found);
    else
        memcpy(found, all.data, n * sizeof(*found));
    for (size_t place = 0; place < t->pool.words * 64; place++) {
        size_t from = t->member[1].word * 64;
        bool own = place >= from && place < from + 5000;
        size_t group = place / 512;
        bool shared = group == from / 512 || group == (from + 4999) / 512;
        double expected, allowed = 1e-6;

        if (!pool_bit(bits, place))
            continue;
        expected = (double)start[words]
                   + (own ? 2 * (double)dw[place - from] : 0);
        if (dtype_is_scaled(dtype) && (own || shared))
            allowed = 3.0 / 127 * 1.001;
        cr_assert_lt(fabs(found[words] - expected), allowed,
                     "%s, density %g: place %zu", target->name, density,
                     place);
        words++;
    }
    free(all.data);
    free(bits);
    free(start);
    free(found);
    free(dw);
    tensors_free(t);
}

static void check_members(const struct target *target, struct device *device,
                          int threads)
{
    static const double densities[] = { 0.02, 0.3, 0.97 };

    for (int i = 0; i < 3; i++) {
        check_member(target, device, threads, DTYPE_F32, densities[i]);
        check_member(target, device, threads, DTYPE_I8, densities[i]);
    }
}

Test(scaled, members_take_their_gradients)
{
    on_all_targets(check_members);
}
