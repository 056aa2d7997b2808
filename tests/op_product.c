#include "tests/op_product.h"

#include "tests/op_exact.h"

/* The elements from one on. */
static struct exact exact_from(const struct exact *t, size_t at)
{
    return (struct exact){ t->value + at, t->magnitude + at };
}

/* Adds n elements, multiplied with one, to as many others. */
static void add_multiples(const struct exact *into, const struct exact *one,
                          const struct exact *of, int n)
{
    double value = *one->value, magnitude = *one->magnitude;

    for (int k = 0; k < n; k++)
        exact_add_with(into, (size_t)k, value * of->value[k],
                       magnitude * of->magnitude[k]);
}

/* Adds the dot product of n elements and as many others to one. */
static void add_dot(const struct exact *into, const struct exact *a,
                    const struct exact *b, int n)
{
    double value = 0, magnitude = 0;

    for (int k = 0; k < n; k++) {
        value += a->value[k] * b->value[k];
        magnitude += a->magnitude[k] * b->magnitude[k];
    }
    exact_add_with(into, 0, value, magnitude);
}

static void add_products(const struct reach *e, const struct exact *t[3],
                         int into, size_t x, size_t w, size_t y)
{
    struct exact outputs = exact_from(t[PRODUCT_Y], y);

    for (int i = 0; i < e->ci; i++) {
        struct exact one = exact_from(t[PRODUCT_X], x + (size_t)i);
        struct exact row = exact_from(t[PRODUCT_W],
                                      w + (size_t)i * (size_t)e->co);

        if (into == PRODUCT_X)
            add_dot(&one, &row, &outputs, e->co);
        else if (into == PRODUCT_W)
            add_multiples(&row, &one, &outputs, e->co);
        else
            add_multiples(&outputs, &one, &row, e->co);
    }
}

void convolve(const struct reach *e, const struct exact *t[3], int into)
{
    for (int n = 0; n < e->n; n++)
        for (int ho = 0; ho < e->ho; ho++)
            for (int wo = 0; wo < e->wo; wo++)
                for (int kh = 0; kh < e->kh; kh++)
                    for (int kw = 0; kw < e->kw; kw++) {
                        int h = ho * e->stride + kh - e->pad;
                        int w = wo * e->stride + kw - e->pad;

                        if (h < 0 || h >= e->h || w < 0 || w >= e->w)
                            continue;
                        add_products(
                            e, t, into,
                            (size_t)(((n * e->h + h) * e->w + w) * e->ci),
                            (size_t)((kh * e->kw + kw) * e->ci * e->co),
                            (size_t)(((n * e->ho + ho) * e->wo + wo)
                                     * e->co));
                    }
}
