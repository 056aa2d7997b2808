/*
 * What rounding costs products of bf16 matrices, whose sums are floats: the
 * largest and the root mean square error, against sums in double precision of
 * the same numbers, relative to the root mean square of the results. Dot
 * products are emulated where the processor has none. The results stay floats;
 * beside them, the error of storing the exact ones as bf16.
 *
 *     linear_errors [THREADS]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/normal.h"
#include "kernels/cpu/isa.h"
#include "kernels/half.h"

enum { IN = 512, OUT = 512, PRODUCTS = 3 };

static const struct product {
    enum op_code code;
    const char *name;
    int x, w, y, out;
} products[PRODUCTS] = {
    { OP_linear, "linear", LINEAR_X, LINEAR_W, LINEAR_Y, LINEAR_Y },
    { OP_linear_dgrad, "linear_dgrad", LINEAR_DGRAD_DX, LINEAR_DGRAD_W,
      LINEAR_DGRAD_DY, LINEAR_DGRAD_DX },
    { OP_linear_wgrad, "linear_wgrad", LINEAR_WGRAD_X, LINEAR_WGRAD_DW,
      LINEAR_WGRAD_DY, LINEAR_WGRAD_DW }
};

static void *allocate(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

    if (!p)
        abort();
    return p;
}

/* A matrix of bf16, of normal numbers times `scale`; as after a ReLU if cut. */
static struct operand matrix(uint32_t stream, int rows, int columns,
                             float scale, bool cut)
{
    struct operand o = { .dtype = DTYPE_BF16, .rank = 2,
                         .dim = { rows, columns } };

    o.data = allocate(operand_bytes(&o));
    for (size_t i = 0; i < operand_elements(&o); i++) {
        float x = scale * normal(stream, i);

        float_store(o.data, i, DTYPE_BF16, cut ? fmaxf(x, 0) : x);
    }
    return o;
}

/* x is as after a ReLU, w as at the beginning, y as gradients are. */
struct matrices {
    struct operand x, w, y;
};

static struct matrices matrices_new(int rows)
{
    return (struct matrices){ matrix(1, rows, IN, 1, true),
                              matrix(2, IN, OUT, 1 / sqrtf(IN), false),
                              matrix(3, rows, OUT, 1, false) };
}

static struct call call_of(const struct matrices *m, const struct product *p,
                           int threads)
{
    struct call c = { .threads = threads };
    struct operand *out = &c.operand[p->out];

    c.operand[p->x] = m->x;
    c.operand[p->w] = m->w;
    c.operand[p->y] = m->y;
    out->dtype = DTYPE_F32;
    out->data = allocate(operand_bytes(out));
    for (size_t i = 0; i < operand_elements(out); i++)
        ((float *)out->data)[i] = 0;
    return c;
}

/* Makes a product; returns its floats. */
static float *run(const struct isa *isa, const struct matrices *m,
                  const struct product *p, int threads)
{
    struct call c = call_of(m, p, threads);

    c.scratch = allocate(isa->kernels->scratch[p->code](&c));
    isa->kernels->run[p->code](&c);
    free(c.scratch);
    return c.operand[p->out].data;
}

static double element(const struct operand *o, int row, int column)
{
    return float_load(o->data, (size_t)(row * o->dim[1] + column), o->dtype);
}

static double exact_element(const struct matrices *m, const struct product *p,
                            int row, int column)
{
    int depth = p->out == p->x ? OUT : p->out == p->w ? m->x.dim[0] : IN;
    double sum = 0;

    for (int k = 0; k < depth; k++)
        if (p->out == p->y)
            sum += element(&m->x, row, k) * element(&m->w, k, column);
        else if (p->out == p->x)
            sum += element(&m->y, row, k) * element(&m->w, column, k);
        else
            sum += element(&m->x, k, row) * element(&m->y, k, column);
    return sum;
}

struct errors {
    double most, squares;
};

static void add_error(struct errors *e, double found, double exact)
{
    e->most = fmax(e->most, fabs(found - exact));
    e->squares += (found - exact) * (found - exact);
}

/* The errors of multiply-adds of floats, of dot products, and of storing the
 * result. */
enum { FLOATS, DOTS, STORED, WAYS };

static void measure(const struct isa *const isa[DOTS + 1],
                    const struct matrices *m, const struct product *p,
                    int threads)
{
    struct errors errors[WAYS] = { { 0 } };
    int rows = p->out == p->w ? IN : m->x.dim[0];
    float *found[] = { run(isa[FLOATS], m, p, threads),
                       run(isa[DOTS], m, p, threads) };
    double squares = 0;

    for (int i = 0; i < rows; i++)
        for (int j = 0; j < OUT; j++) {
            double exact = exact_element(m, p, i, j);

            for (int k = 0; k <= DOTS; k++)
                add_error(&errors[k], found[k][i * OUT + j], exact);
            add_error(&errors[STORED], bf16_load(bf16_store((float)exact)),
                      exact);
            squares += exact * exact;
        }
    printf("| %s, %d rows |", p->name, m->x.dim[0]);
    for (int k = 0; k < WAYS; k++)
        printf(" %.2e | %.2e |", errors[k].most / sqrt(squares / rows / OUT),
               sqrt(errors[k].squares / squares));
    putchar('\n');
    free(found[FLOATS]);
    free(found[DOTS]);
}

int main(int argc, char **argv)
{
    static const int rows[] = { 250, 1000 };
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    const struct isa *dots = isa_named("avx512-bf16");
    const struct isa *isa[] = { isa_named("avx512"), dots };

    if (!dots)
        isa[DOTS] = isa_named("avx512-bf16-emulated");
    if (!isa[FLOATS] || !isa[DOTS]) {
        printf("The processor has no AVX-512 to emulate dot products with.\n");
        return 0;
    }
    printf("Matrices of bf16, %d by %d (%s, %s): errors relative to the root "
           "mean square of the result\n\n"
           "| operation | floats: most | rms | dots: most | rms "
           "| stored as bf16: most | rms |\n|---|---|---|---|---|---|---|\n",
           IN, OUT, isa[FLOATS]->name, isa[DOTS]->name);
    for (int r = 0; r < 2; r++) {
        struct matrices m = matrices_new(rows[r]);

        for (int p = 0; p < PRODUCTS; p++)
            measure(isa, &m, &products[p], threads);
        free(m.x.data);
        free(m.w.data);
        free(m.y.data);
    }
    return 0;
}
