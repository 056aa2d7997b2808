/*
 * dynconv_dgrad: the gradient of a dynamic convolution (dynconv.c) by its
 * input.
 *   in dy (T, C), logits (T, H * K), ends (N) int32, add (T, C) or empty
 *   out dx (T, C), may take over add
 *
 *   dx[s, c] = sum over k of p[t, h, k] * dy[t, c] + add[s, c], t = s - k + pad
 * where rows t outside of s's sentence are left out.
 *
 * This is the same product as forward, with other weights: those of K rows on a
 * diagonal. So a piece needs the weights of K - 1 rows more than its own.
 *
 * scratch: per thread, the weights of DYNCONV_ROWS + K - 1 rows of one head.
 */
#include "kernels/cpu/dynconv_core.h"

static void sum_dy(const struct dynconv *d, const struct dynconv_piece *p,
                   int head, float *w)
{
    const struct operand *o = d->call->operand;
    const struct sentence *s = &p->sentence;
    int last = d->taps - 1, before = p->begin + d->pad - last;
    int begin = before > s->begin ? before : s->begin;
    int end = int_min(p->end + d->pad, s->end);
    struct dynconv_band band = {
        .in = &o[DYNCONV_DGRAD_DY], .out = &o[DYNCONV_DGRAD_DX],
        .add = &o[DYNCONV_DGRAD_ADD],
        .first = d->pad - last, .w = w,
        .at = (ptrdiff_t)(before - begin) + (ptrdiff_t)last * d->line,
        .by_row = 1, .by_tap = 1 - d->line
    };

    KERNEL(dynconv_softmax)(d, begin, end, head, w);
    if (d->drops)
        KERNEL(dynconv_drop)(d, s, begin, end, head, w);
    KERNEL(dynconv_band)(d, &band, p, head);
}

static struct dynconv dynconv_dgrad_of(const struct call *c)
{
    return dynconv_of(c, DYNCONV_DGRAD_DY, DYNCONV_DGRAD_LOGITS,
                      DYNCONV_DGRAD_ENDS,
                      DYNCONV_ROWS + c->attr.dynconv.taps - 1);
}

size_t KERNEL(dynconv_dgrad_scratch)(const struct call *c)
{
    struct dynconv d = dynconv_dgrad_of(c);

    return (size_t)c->threads * dynconv_window(&d) * sizeof(float);
}

void KERNEL(dynconv_dgrad)(const struct call *c)
{
    struct dynconv d = dynconv_dgrad_of(c);

    KERNEL(dynconv_run)(&d, 0, sum_dy);
}
