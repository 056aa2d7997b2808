/*
 * The 16-bit types: every conversion against its definition in double
 * precision, the vector units against each other bit for bit, and stochastic
 * rounding against its mean.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/cpu/isa.h"
#include "kernels/half.h"
#include "kernels/philox.h"

enum { ALL = 1 << 16 };

static const enum dtype dtypes[] = { DTYPE_BF16, DTYPE_F16 };

/* The parameters of a type. */
static const struct format {
    int mantissa, bias;
} formats[] = { [DTYPE_BF16] = { 7, 127 }, [DTYPE_F16] = { 10, 15 } };

/* The number that sixteen bits stand for, by the standard's formula. */
static double value_of(uint16_t h, enum dtype dtype)
{
    const struct format *f = &formats[dtype];
    int exponent = (h & 0x7FFF) >> f->mantissa;
    int fraction = h & ((1 << f->mantissa) - 1);
    int most = (1 << (15 - f->mantissa)) - 1;
    double size;

    if (exponent == most)
        size = fraction ? NAN : INFINITY;
    else if (exponent == 0)
        size = ldexp(fraction, 1 - f->bias - f->mantissa);
    else
        size = ldexp(fraction + (1 << f->mantissa),
                     exponent - f->bias - f->mantissa);
    return h & 0x8000 ? -size : size;
}

/* The bits of infinity: smaller numbers, as integers, are in order below. */
static uint16_t infinity_of(enum dtype dtype)
{
    return dtype == DTYPE_BF16 ? 0x7F80 : 0x7C00;
}

/* The nearest of all positive numbers of a type, found by bisection. A number
 * between the largest and the next power also goes to the nearer of them. */
static uint16_t nearest_to(float x, enum dtype dtype)
{
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    uint32_t low = 0, high = infinity_of(dtype);
    double size = fabs((double)x), above;

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (value_of((uint16_t)middle, dtype) <= size)
            low = middle;
        else
            high = middle;
    }
    above = high == infinity_of(dtype)
                ? 2 * value_of((uint16_t)low, dtype)
                      - value_of((uint16_t)(low - 1), dtype)
                : value_of((uint16_t)high, dtype);
    above -= size;
    size -= value_of((uint16_t)low, dtype);
    return sign | (uint16_t)(size > above || (size == above && low % 2)
                                 ? high : low);
}

static float load(enum dtype dtype, uint16_t h)
{
    return dtype == DTYPE_BF16 ? bf16_load(h) : f16_load(h);
}

static uint16_t store(enum dtype dtype, float x)
{
    return dtype == DTYPE_BF16 ? bf16_store(x) : f16_store(x);
}

/* Floats worth trying: all exact ones, those in the middle between two and
 * their neighbours, and random ones. Returns how many. */
static size_t make_floats(enum dtype dtype, float **floats)
{
    size_t n = 0;
    float *x = malloc(6 * ALL * sizeof(*x));

    for (uint32_t h = 0; h < ALL; h++) {
        double here = value_of((uint16_t)h, dtype);
        float middle = (float)((here + value_of((uint16_t)(h ^ 1), dtype)) / 2);

        x[n++] = (float)here;
        x[n++] = middle;
        x[n++] = nextafterf(middle, INFINITY);
        x[n++] = nextafterf(middle, -INFINITY);
    }
    for (uint32_t i = 0; i < 2 * ALL; i++)
        x[n++] = float_of_bits(philox(3, i, PHILOX_DRAW, 0).x[0]);
    *floats = x;
    return n;
}

Test(half, every_number_reads_as_what_it_is)
{
    for (int d = 0; d < 2; d++)
        for (uint32_t h = 0; h < ALL; h++) {
            float found = load(dtypes[d], (uint16_t)h);
            double expected = value_of((uint16_t)h, dtypes[d]);

            if (isnan(expected))
                cr_assert(isnan(found), "%d %04x", d, h);
            else
                cr_assert(found == expected && !signbit(found) == !(h >> 15),
                          "%d %04x: %g, not %g", d, h, (double)found,
                          expected);
        }
}

Test(half, stores_the_nearest_number)
{
    for (int d = 0; d < 2; d++) {
        float *x;
        size_t n = make_floats(dtypes[d], &x);

        for (size_t i = 0; i < n; i++) {
            uint16_t found = store(dtypes[d], x[i]);

            if (isnan(x[i]))
                cr_assert(isnan(value_of(found, dtypes[d])), "%a: %04x",
                          (double)x[i], found);
            else
                cr_assert_eq(found, nearest_to(x[i], dtypes[d]),
                             "%d: %a: %04x, not %04x", d, (double)x[i], found,
                             nearest_to(x[i], dtypes[d]));
        }
        free(x);
    }
}

/* This holds of NaNs too: a run may go on on another machine. */
Test(half, has_the_same_bits_on_every_instruction_set)
{
    uint16_t all[ALL], narrow[6 * ALL];
    float wide[ALL], *x;
    const struct isa *isa;

    for (uint32_t h = 0; h < ALL; h++)
        all[h] = (uint16_t)h;
    for (int i = 0; (isa = isa_at(i)); i++)
        for (int d = 0; d < 2; d++) {
            size_t n = make_floats(dtypes[d], &x);

            isa->kernels->widen(dtypes[d], all, wide, ALL);
            for (uint32_t h = 0; h < ALL; h++)
                cr_assert_eq(float_bits(wide[h]),
                             float_bits(load(dtypes[d], (uint16_t)h)),
                             "%s: %d %04x", isa->name, d, h);
            isa->kernels->narrow(dtypes[d], x, narrow, n);
            for (size_t k = 0; k < n; k++)
                cr_assert_eq(narrow[k], store(dtypes[d], x[k]), "%s: %d %a",
                             isa->name, d, (double)x[k]);
            free(x);
        }
}

/* Tries lengths that are no multiple of a vector, and looks beyond the end. */
Test(half, converts_any_length)
{
    const struct isa *isa;

    for (int i = 0; (isa = isa_at(i)); i++)
        for (int d = 0; d < 2; d++)
            for (size_t n = 0; n < 70; n++) {
                float x[72], back[72];
                uint16_t h[72];

                for (size_t k = 0; k < 72; k++) {
                    x[k] = (float)k - 30;
                    h[k] = 0x1234;
                    back[k] = 1000;
                }
                isa->kernels->narrow(dtypes[d], x, h, n);
                isa->kernels->widen(dtypes[d], h, back, n);
                for (size_t k = 0; k < 72; k++)
                    cr_assert_eq(back[k], k < n ? x[k] : 1000);
                cr_assert_eq(h[n], 0x1234);
            }
}

static uint16_t store_random(enum dtype dtype, float x, uint32_t random)
{
    return dtype == DTYPE_BF16 ? bf16_store_random(x, random)
                               : f16_store_random(x, random);
}

/* Over all 65536 random numbers the results are only the two neighbours, and
 * their mean is the number to the last of these 16 bits. */
static void check_mean(enum dtype dtype, float x)
{
    uint16_t low = nearest_to(x, dtype), high;
    double mean = 0, unit;

    if (fabs(value_of(low, dtype)) > fabs((double)x))
        low--;
    high = low + 1;
    unit = fabs(value_of(high, dtype) - value_of(low, dtype));
    for (uint32_t r = 0; r < ALL; r++) {
        uint16_t h = store_random(dtype, x, r);

        cr_assert(h == low || h == high, "%d %a: %04x", dtype, (double)x, h);
        mean += value_of(h, dtype) / ALL;
    }
    cr_expect(fabs(mean - (double)x) <= unit / ALL, "%d %a: %a, unit %a",
              dtype, (double)x, mean, unit);
}

Test(half, stochastic_rounding_is_unbiased)
{
    static const float some[] = { 0x1p-14f, 0x1.fffffep-15f, 0x1.fffp-15f,
                                  0x1p-25f, 0x1.8p-24f, 1e-9f, 1.00001f,
                                  -1.00001f, 0, 65000 };

    for (int d = 0; d < 2; d++) {
        for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
            check_mean(dtypes[d], some[i]);
        for (uint32_t i = 0; i < 100; i++) {
            struct philox p = philox(5, i, PHILOX_DRAW, 0);

            check_mean(dtypes[d], ldexpf(2 * philox_unit(p.x[0]) - 1,
                                         (int)(p.x[1] % 34) - 25));
        }
    }
}

Test(half, stochastic_rounding_keeps_what_is_not_finite)
{
    static const uint32_t randoms[] = { 0, 1, 0x7FFF, 0xFFFF };

    for (int d = 0; d < 2; d++)
        for (int i = 0; i < 4; i++) {
            enum dtype t = dtypes[d];
            cr_expect(isnan(value_of(store_random(t, NAN, randoms[i]), t)));
            cr_expect_eq(store_random(t, INFINITY, randoms[i]),
                         infinity_of(t));
            cr_expect_eq(store_random(t, -INFINITY, randoms[i]),
                         0x8000 | infinity_of(t));
            cr_expect_eq(store_random(t, 1e5f, randoms[i]) == 0x7C00,
                         t == DTYPE_F16);
        }
}

enum { WEIGHTS = 1003 };

/* A step of 2^-20 times the element's number from 1, without momentum. */
static void run_sgd(const struct isa *isa, float *gradient, float *momentum,
                    uint16_t *w)
{
    struct batch batch = { .seed = 3, .step = 11, .learning_rate = 1 };
    struct call c = { .batch = &batch, .threads = 2 };
    struct operand row = { .rank = 1, .dim = { WEIGHTS } };

    for (int i = 0; i < WEIGHTS; i++) {
        gradient[i] = (float)i * 0x1p-20f;
        momentum[i] = 0;
        w[i] = bf16_store(1);
    }
    c.attr.update.stream = 7;
    c.operand[SGD_GRADIENT] = c.operand[SGD_MOMENTUM] = c.operand[SGD_W] = row;
    c.operand[SGD_GRADIENT].data = gradient;
    c.operand[SGD_MOMENTUM].data = momentum;
    c.operand[SGD_W].data = w;
    c.operand[SGD_W].dtype = DTYPE_BF16;
    isa->kernels->run[OP_sgd](&c);
}

/* An element has its own word of Philox, whatever the vectors' length. */
Test(half, updates_round_by_the_words_of_philox)
{
    static float gradient[WEIGHTS], momentum[WEIGHTS];
    static uint16_t w[WEIGHTS];

    for (int k = 0; isa_at(k); k++) {
        run_sgd(isa_at(k), gradient, momentum, w);
        for (uint32_t i = 0; i < WEIGHTS; i++) {
            struct philox word = philox(3, (uint64_t)11 << 32 | i / 4,
                                        PHILOX_ROUND, 7);

            cr_assert_eq(w[i],
                         bf16_store_random(1 - gradient[i],
                                           word.x[i % 4] & 0xFFFF),
                         "%s, element %u", isa_at(k)->name, i);
        }
    }
}
