#include "tests/op_product.h"

#include "tests/op_exact.h"

static void add_products(const struct reach *e, const struct exact *t[3],
                         int into, size_t x, size_t w, size_t y)
{
    for (int i = 0; i < e->ci; i++)
        for (int o = 0; o < e->co; o++) {
            size_t at[3] = {
                [PRODUCT_X] = x + (size_t)i,
                [PRODUCT_W] = w + (size_t)i * (size_t)e->co + (size_t)o,
                [PRODUCT_Y] = y + (size_t)o
            };
            int a = (into + 1) % 3, b = (into + 2) % 3;

            exact_add_with(t[into], at[into],
                           t[a]->value[at[a]] * t[b]->value[at[b]],
                           t[a]->magnitude[at[a]] * t[b]->magnitude[at[b]]);
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
