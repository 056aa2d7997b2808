/*
 * Storing in blocks of 8 or 4 bits, and reading that: cases and references.
 */
#include <float.h>

#include "kernels/squeeze.h"
#include "tests/op_cases.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

/* master: with a batch norm's stat; overflow: a block has a NaN, the next one
 * an infinity; scaled: all numbers of a block are equal, those of another 0. */
#define BOTH(...) \
    { .dtype = DTYPE_8BIT, __VA_ARGS__ }, { .dtype = DTYPE_4BIT, __VA_ARGS__ }

static const struct shape squeeze_shapes[] = {
    BOTH(.n = 1, .c = 1),
    BOTH(.n = 5, .c = 51),
    BOTH(.n = 16, .c = 16, .parts = 3),
    BOTH(.n = 1, .c = 257, .offset = 3),
    BOTH(.n = 9, .c = 64, .overflow = true),
    BOTH(.n = 13, .c = 64, .scaled = true),
    BOTH(MAP(3, 4, 5, 33), .parts = 2),
    BOTH(.n = 77, .c = 5, .master = true),
    BOTH(MAP(2, 9, 7, 16), .parts = 2, .master = true),
    BOTH(.n = 9, .c = 64, .overflow = true, .master = true),
    BOTH(.n = 1, .c = 700, .master = true),
    BOTH(.n = 7, .c = 64, .offset = -1000),
    BOTH(.n = 70, .c = 1024, .large = true)
};

enum { STREAM = 9 };

static void describe_squeeze(struct problem *p)
{
    shape_map(p, SQUEEZE_X);
    p->call.operand[SQUEEZE_STORED] = p->call.operand[SQUEEZE_X];
    p->call.operand[SQUEEZE_STORED].dtype = p->shape->dtype;
    p->call.attr.squeeze.stream = STREAM;
    if (p->shape->master)
        shape_operand(p, SQUEEZE_STAT, DTYPE_F32, 2, STAT_ROWS, p->shape->c);
}

static void describe_expand(struct problem *p)
{
    shape_map(p, EXPAND_X);
    p->call.operand[EXPAND_STORED] = p->call.operand[EXPAND_X];
    p->call.operand[EXPAND_STORED].dtype = p->shape->dtype;
}

/* Zeros, as a ReLU leaves them. */
static void prepare_squeeze(struct problem *p)
{
    double *x = p->before[SQUEEZE_X].value;
    size_t n = operand_elements(&p->call.operand[SQUEEZE_X]);

    for (size_t i = 2; i < n; i += 3)
        x[i] = copysign(0, x[i]);
    for (size_t i = 0; p->shape->scaled && i < n; i++)
        x[i] = i / BLOCK_NUMBERS == 0 ? 0.75 : i / BLOCK_NUMBERS == 1 ? 0
                                                                      : x[i];
    if (p->shape->overflow) {
        x[BLOCK_NUMBERS / 2 + 1] = NAN;
        x[BLOCK_NUMBERS + 7] = -INFINITY;
    }
}

/* Of a block: its least number and its unit. */
static void block_range(const double *x, size_t n, enum dtype dtype,
                        double *least, double *unit)
{
    double greatest = -INFINITY, odd = 0;

    *least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        odd += x[i] * 0;
        if (x[i] != 0) {
            *least = fmin(*least, x[i]);
            greatest = fmax(greatest, x[i]);
        }
    }
    *unit = greatest > *least
                ? (greatest - *least) / (squeeze_most(dtype) - 1) : 0;
    *unit += odd;
}

static double chance(const struct call *c, size_t i)
{
    uint64_t key = squeeze_key(c->batch->seed, c->batch->step, STREAM);
    struct philox draw = squeeze_draw(key, c->part->first.of[EXTENT_SAMPLES],
                                      (uint32_t)(i / SQUEEZE_GROUP));
    int k = (int)(i % SQUEEZE_GROUP);

    return ((draw.x[k / 2] >> 16 * (k % 2) & 0xFFFF) + 0.5) / 65536;
}

/* The input of the ReLU that reads x, for another x. */
static double behind(const struct call *c, const struct exact *t, size_t i,
                     double x)
{
    size_t channels = (size_t)c->operand[SQUEEZE_STAT].dim[1];
    const double *stat = t[SQUEEZE_STAT].value + i % channels;

    return stat[STAT_SCALE * channels] * x + stat[STAT_SHIFT * channels];
}

/* A number, and the error that is allowed: where chance and number all but
 * meet, or a number and the ReLU's corner, either neighbour is right. */
struct rounded {
    double number, error;
};

/* Moves a number back that has changed its side of the ReLU. */
static struct rounded same_side(const struct call *c, const struct exact *t,
                                size_t i, struct rounded r, double unit)
{
    double x = t[SQUEEZE_X].value[i], at, seen;

    if (!operand_given(&c->operand[SQUEEZE_STAT]))
        return r;
    seen = behind(c, t, i, x);
    at = behind(c, t, i, r.number);
    if (fmin(fabs(seen), fabs(at)) < 1e-5)
        r.error = unit;
    if ((seen > 0) != (at > 0))
        r.number += r.number < x ? unit : r.number > x ? -unit : 0;
    return r;
}

static void squeeze_one(const struct call *c, struct exact *t, size_t i,
                        double least, double unit)
{
    double x = t[SQUEEZE_X].value[i], units, whole;
    double magnitude = fabs(least) + fabs(x) + 256 * unit;
    struct rounded r = { 0 };

    if (x == 0 || !(unit > 0)) {
        exact_set(&t[SQUEEZE_STORED], i, x == 0 ? 0 : x + unit, fabs(x));
        return;
    }
    units = (x - least) / unit + chance(c, i);
    whole = floor(units);
    r.number = least + unit * fmin(whole, squeeze_most(
                                       c->operand[SQUEEZE_STORED].dtype) - 1);
    if (fmin(units - whole, whole + 1 - units) * unit < 1e-6 * magnitude)
        r.error = unit;
    r = same_side(c, t, i, r, unit);
    exact_set(&t[SQUEEZE_STORED], i, r.number,
              magnitude + r.error / FLT_EPSILON);
}

void reference_squeeze(const struct call *c, struct exact *t)
{
    size_t n = operand_elements(&c->operand[SQUEEZE_X]);
    double least = 0, unit = 0;

    for (size_t i = 0; i < n; i++) {
        if (i % BLOCK_NUMBERS == 0)
            block_range(t[SQUEEZE_X].value + i,
                        n - i < BLOCK_NUMBERS ? n - i : BLOCK_NUMBERS,
                        c->operand[SQUEEZE_STORED].dtype, &least, &unit);
        squeeze_one(c, t, i, least, unit);
    }
}

void reference_expand(const struct call *c, struct exact *t)
{
    for (size_t i = 0; i < operand_elements(&c->operand[EXPAND_X]); i++)
        exact_set(&t[EXPAND_X], i, t[EXPAND_STORED].value[i],
                  fabs(t[EXPAND_STORED].value[i]));
}

const struct subject subject_squeeze = {
    SHAPES(squeeze_shapes),
    .describe = describe_squeeze,
    .prepare = prepare_squeeze
};

const struct subject subject_expand = {
    SHAPES(squeeze_shapes),
    .describe = describe_expand
};
