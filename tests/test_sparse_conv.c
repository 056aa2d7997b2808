/*
 * Convolutions and linear layers with sparse weights agree with dense ones on
 * the same weights with their zeros filled in. A linear layer is tried where a
 * convolution is of images of one pixel.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/philox.h"
#include "tests/target.h"
#include "tests/tensors.h"

/* Instruction sets of the CPU; and CUDA, on an emulated device, whose memory
 * is the host's. */
static const struct target targets[] = {
    { "avx512", &cpu_backend, .max_threads = 3 },
    { "avx2", &cpu_backend, .max_threads = 3 },
    { "generic", &cpu_backend, .max_threads = 3 },
    { "emulated", &cuda_backend, .max_threads = 1,
      .module = "MEMDIAL_CUDA_EMULATED" }
};

enum { TARGETS = sizeof(targets) / sizeof(*targets) };

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
    { 5, 1, 33, 17, 1, 1, 0.3, ANYWHERE },
    { 7, 1, 17, 16, 1, 1, 1, ANYWHERE },
    { 100, 1, 96, 70, 1, 1, 0.1, ANYWHERE },
    { 61, 1, 70, 96, 1, 1, 0.02, ANYWHERE },
};

enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* A call of one of the products, all but its filter; slots are those of x,
 * filter and y, or what takes their place. */
struct product {
    enum op_code code;
    int x, w, y;
    int out, add;        /* out is x, w or y; add < 0: none */
    bool linear;
};

static const struct product products[] = {
    { OP_conv, CONV_X, CONV_W, CONV_Y, CONV_Y, CONV_ADD, false },
    { OP_conv_dgrad, CONV_DGRAD_DX, CONV_DGRAD_W, CONV_DGRAD_DY, CONV_DGRAD_DX,
      CONV_DGRAD_ADD, false },
    { OP_conv_wgrad, CONV_WGRAD_X, CONV_WGRAD_DW, CONV_WGRAD_DY,
      CONV_WGRAD_DW, -1, false },
    { OP_linear, LINEAR_X, LINEAR_W, LINEAR_Y, LINEAR_Y, -1, true },
    { OP_linear_dgrad, LINEAR_DGRAD_DX, LINEAR_DGRAD_W, LINEAR_DGRAD_DY,
      LINEAR_DGRAD_DX, LINEAR_DGRAD_ADD, true },
    { OP_linear_wgrad, LINEAR_WGRAD_X, LINEAR_WGRAD_DW, LINEAR_WGRAD_DY,
      LINEAR_WGRAD_DW, -1, true },
};

enum { PRODUCTS = sizeof(products) / sizeof(*products) };

static bool has_product(const struct shape *s, const struct product *p)
{
    return !p->linear || (s->side == 1 && s->kernel == 1);
}

/* Numbers as the type stores them, in a new array. */
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

/* Makes matrices of operands that are of one pixel: (N, C), and (Ci, Co). */
static void flatten(struct call *c)
{
    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        struct operand *o = &c->operand[i];

        if (!operand_given(o))
            continue;
        o->rank = 2;
        o->dim[0] *= o->dim[2];
        o->dim[1] = o->dim[3];
    }
}

static struct call call_of(const struct product *p, const struct shape *s,
                           enum dtype dtype, void *x, void *y, void *add,
                           int threads)
{
    int pad = (s->kernel - 1) / 2;
    int out = (s->side + 2 * pad - s->kernel) / s->stride + 1;
    struct call c = { .attr.conv = { .stride = s->stride, .pad = pad },
                      .threads = threads };

    c.operand[p->x] = map(dtype, s->n, s->side, s->ci, x);
    c.operand[p->y] = map(dtype, s->n, out, s->co, y);
    if (p->add >= 0 && add) {
        c.operand[p->add] = c.operand[p->out];
        c.operand[p->add].data = add;
    }
    c.operand[p->w] = (struct operand){
        .dtype = dtype, .rank = 4,
        .dim = { s->kernel, s->kernel, s->ci, s->co }
    };
    if (p->linear)
        flatten(&c);
    return c;
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

/* The subject of a comparison, for its message. */
struct trial {
    const struct target *target;
    enum dtype dtype;
    const struct product *product;
    const struct shape *shape;
    int threads;
};

/* Errors are measured in roundings of the sum of absolute values; a result is
 * stored once more, half a step of the least numbers of binary16 away. */
static bool close_to(const struct trial *t, double found, double expected,
                     double magnitude)
{
    double error = 16 * FLT_EPSILON * magnitude
                   + 2.01 * rounding(t->dtype) * fabs(expected)
                   + (t->dtype == DTYPE_F16 ? 0x1p-25 : 0);
    bool close = fabs(found - expected) <= error;

    if (!close)
        cr_expect_fail("operation %d of %d %dx%d %d->%d, kernel %d stride %d "
                       "density %g, type %d, %s, %d threads: %g, not %g",
                       t->product->code, t->shape->n, t->shape->side,
                       t->shape->side, t->shape->ci, t->shape->co,
                       t->shape->kernel, t->shape->stride,
                       t->shape->density, t->dtype, t->target->name, t->threads,
                       found, expected);
    return close;
}

/* Whether an element of a filter is nonzero, at random. */
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

/* The product in double precision, nonzero by nonzero, and the sums of the
 * absolute values of its terms: `n` elements of y, or of x where it is that
 * which is made. */
static void exact_product(const struct trial *t, const void *x, const void *w,
                          const void *y, const void *add, size_t n,
                          double *sum, double *magnitude)
{
    const struct shape *s = t->shape;
    int k = s->kernel, pad = (k - 1) / 2;
    int out = (s->side + 2 * pad - k) / s->stride + 1;
    bool forward = t->product->out == t->product->y;

    for (size_t i = 0; i < n; i++) {
        sum[i] = add ? float_load(add, i, t->dtype) : 0;
        magnitude[i] = fabs(sum[i]);
    }
    for (int f = 0; f < k * k * s->ci * s->co; f++) {
        double weight = float_load(w, (size_t)f, t->dtype);
        int output = f % s->co, input = f / s->co % s->ci;
        int tap = f / s->co / s->ci;

        if (weight == 0)
            continue;
        for (int i = 0; i < s->n * out * out; i++) {
            int image = i / out / out;
            int row = i / out % out * s->stride + tap / k - pad;
            int column = i % out * s->stride + tap % k - pad;
            size_t at_y = (size_t)(i * s->co + output);
            size_t at_x = (size_t)(((image * s->side + row) * s->side
                                    + column) * s->ci + input);
            double term;

            if (row < 0 || row >= s->side || column < 0 || column >= s->side)
                continue;
            term = weight * (forward ? float_load(x, at_x, t->dtype)
                                     : float_load(y, at_y, t->dtype));
            sum[forward ? at_y : at_x] += term;
            magnitude[forward ? at_y : at_x] += fabs(term);
        }
    }
}

/* Room for the sums of the result as the input of a batch norm, where all rows
 * are one tile; else NULL. */
static float *sums_of_result(const struct trial *t, struct call *c)
{
    struct operand *sums = &c->operand[CONV_SUMS];
    int channels = t->shape->co;

    if (t->product->code != OP_conv
        || t->target->backend->tile_rows != TILE_ALL_ROWS)
        return NULL;
    *sums = (struct operand){ .rank = 3, .dim = { 1, SUM_ROWS, channels } };
    sums->data = calloc((size_t)(SUM_ROWS * channels), sizeof(float));
    return sums->data;
}

/* The sums are those of the n elements of the result, in double precision. */
static void check_sums(const struct trial *t, const void *y, size_t n,
                       const float *sums)
{
    size_t channels = (size_t)t->shape->co, rows = n / channels;
    bool close = true;

    for (size_t k = 0; k < channels && close; k++) {
        double mean = 0, square = 0, squares = 0;

        for (size_t i = k; i < n; i += channels)
            mean += float_load(y, i, t->dtype) / (double)rows;
        for (size_t i = k; i < n; i += channels) {
            double d = float_load(y, i, t->dtype) - mean;

            squares += d * d;
            square += float_load(y, i, t->dtype) * float_load(y, i, t->dtype);
        }
        close = close_to(t, sums[SUM_MEAN * channels + k], mean,
                         sqrt(square / (double)rows))
                && close_to(t, sums[SUM_SQUARES * channels + k], squares,
                            square);
    }
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
    void *add = with_add && p->add >= 0 ? stored_noise(dtype, all, 3) : NULL;
    float *floats = densified(t, 1, t->values);
    void *values = stored_as(dtype, t->values, t->pool.nonzeros);
    void *dense = stored_as(dtype, floats, t->member[1].elements);
    struct call c = call_of(p, s, dtype, x, y, add, trial->threads);
    size_t n = operand_elements(&c.operand[p->out]);
    double *expected = calloc(2 * n, sizeof(*expected));
    void *found = stored_noise(dtype, n, 4);
    float *sums = sums_of_result(trial, &c);
    bool close = true;

    exact_product(trial, x, dense, y, add, n, expected, expected + n);
    c.operand[p->out].data = found;
    c.operand[p->w].data = values;
    c.operand[p->w].index = t->index;
    c.operand[p->w].pool = &t->pool;
    c.operand[p->w].member = 1;
    run_call(trial->target->backend, device, p->code, &c);
    for (size_t i = 0; i < n && close; i++)
        close = close_to(trial, float_load(found, i, dtype), expected[i],
                         expected[n + i]);
    if (sums && close)
        check_sums(trial, found, n, sums);
    free(sums);
    free(found);
    free(expected);
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

Test(sparse_conv, products_are_those_of_the_nonzeros)
{
    static const enum dtype dtypes[] = { DTYPE_F32, DTYPE_BF16, DTYPE_F16 };

    for (int i = 0; i < TARGETS; i++)
        for (int threads = 1; threads <= targets[i].max_threads; threads++) {
            struct device *device = target_open(&targets[i], threads);

            if (!device)
                continue;
            for (int s = 0; s < SHAPES; s++)
                for (int p = 0; p < PRODUCTS; p++) {
                    struct trial trial = {
                        &targets[i], dtypes[(s + threads) % 3], &products[p],
                        &shapes[s], threads
                    };

                    if (!has_product(&shapes[s], &products[p]))
                        continue;
                    if (products[p].out == products[p].w) {
                        check_wgrad(device, &trial);
                    } else {
                        check_product(device, &trial, false);
                        check_product(device, &trial, true);
                    }
                }
            target_close(&targets[i], device);
        }
}
