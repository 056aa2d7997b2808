/*
 * dynconv: the dynamic convolution of Wu, Fan, Baevski, Dauphin and Auli, "Pay
 * less attention with lightweight and dynamic convolutions" (ICLR 2019), on
 * packed sentences.
 *   in x (T, C), logits (T, H * K), ends (N) int32
 *   out y (T, C)
 *
 * p = softmax of a row's K logits of a head, then dropout. With h the head of
 * channel c, which has C / H of them,
 *   y[t, c] = sum over k of p[t, h, k] * x[t + k - pad, c]
 * where rows outside of t's sentence are left out. pad is K - 1 if the
 * convolution is causal, else K / 2.
 *
 * scratch: per thread, the weights of DYNCONV_ROWS rows of one head.
 */
#include "kernels/cpu/dynconv_core.h"

static void sum_x(const struct dynconv *d, const struct dynconv_piece *p,
                  int head, float *w)
{
    const struct operand *o = d->call->operand, none = { 0 };
    struct dynconv_band band = {
        .in = &o[DYNCONV_X], .out = &o[DYNCONV_Y], .add = &none,
        .first = -d->pad, .w = w, .by_row = 1, .by_tap = d->line
    };

    KERNEL(dynconv_softmax)(d, p->begin, p->end, head, w);
    if (d->drops)
        KERNEL(dynconv_drop)(d, &p->sentence, p->begin, p->end, head, w);
    KERNEL(dynconv_band)(d, &band, p, head);
}

static struct dynconv dynconv_forward_of(const struct call *c)
{
    return dynconv_of(c, DYNCONV_X, DYNCONV_LOGITS, DYNCONV_ENDS,
                      DYNCONV_ROWS);
}

size_t KERNEL(dynconv_scratch)(const struct call *c)
{
    struct dynconv d = dynconv_forward_of(c);

    return (size_t)c->threads * dynconv_window(&d) * sizeof(float);
}

void KERNEL(dynconv)(const struct call *c)
{
    struct dynconv d = dynconv_forward_of(c);

    KERNEL(dynconv_run)(&d, 0, sum_x);
}
