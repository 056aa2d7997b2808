/*
 * Convolution and its two gradients are one sum of products of elements of
 * x, w and y, read in three ways: y += x w, dx += dy w, dw += x dy. A linear
 * layer is the convolution of 1x1 images.
 */
#ifndef MEMDIAL_TESTS_OP_PRODUCT_H
#define MEMDIAL_TESTS_OP_PRODUCT_H

#include "tests/op_reference.h"

enum { PRODUCT_X, PRODUCT_W, PRODUCT_Y };

struct reach {
    int n, h, w, ci;     /* x (n, h, w, ci) */
    int kh, kw, co;      /* w (kh, kw, ci, co) */
    int ho, wo;          /* y (n, ho, wo, co) */
    int stride, pad;
};

/* Adds the products of two of the tensors to the other, t[into]. */
void convolve(const struct reach *, const struct exact *t[3], int into);

#endif
