/*
 * Memory that will be wanted soon, asked for in portions while arithmetic
 * leaves it idle: `left` pieces of `lines` cache lines each, `step` bytes
 * apart; then `groups` groups of `pieces` more, each `skip` bytes behind the
 * end of the one before; and then those of `next`, if there is one.
 */
#ifndef MEMDIAL_CONV_AHEAD_H
#define MEMDIAL_CONV_AHEAD_H

#include "kernels/cpu/cpu.h"

struct conv_ahead {
    const char *at;
    size_t step, lines, left, portion;
    size_t line;         /* the next of a piece that has begun */
    size_t groups, pieces, skip;
    const struct conv_ahead *next;
};

/* Some channels of whole rows of an image of x (N, H, W, C); of one in blocks
 * nothing. */
struct conv_ahead KERNEL(conv_ahead)(const struct operand *x, int image,
                                     struct range rows, int channel,
                                     int channels);

/* Some rows and columns of the matrices of some taps of a filter, which have
 * `tap_rows` rows each; of one that is a member of a pool nothing. */
struct conv_ahead KERNEL(conv_ahead_taps)(const struct operand *filter,
                                          size_t tap_rows, struct range taps,
                                          struct range rows,
                                          struct range columns);

/* Divides all pieces into `times` portions. */
void KERNEL(conv_ahead_divide)(struct conv_ahead *a, size_t times);

/* Goes on to the next pieces; false if there are none. */
static inline bool conv_ahead_next(struct conv_ahead *a)
{
    while (a->left == 0 && (a->groups > 0 || a->next))
        if (a->groups > 0) {
            a->groups--;
            a->at += a->skip;
            a->left = a->pieces;
        } else {
            size_t portion = a->portion;

            *a = *a->next;
            a->portion = portion;
        }
    return a->left > 0;
}

/* Asks for the next portion. Portions come between short loops, so that the end
 * of a piece, which no processor foresees, is no branch. */
static inline void conv_ahead_ask(struct conv_ahead *a)
{
    for (size_t n = a->portion; n > 0; n--) {
        size_t done;

        if (a->left == 0 && !conv_ahead_next(a))
            return;
        __builtin_prefetch(a->at + a->line * CPU_ALIGNMENT, 0, 2);
        a->line++;
        done = a->line >= a->lines;
        a->line &= done - 1;
        a->at += a->step & -done;
        a->left -= done;
    }
}

#endif
