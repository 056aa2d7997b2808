/*
 * Memory that will be wanted soon, asked for in portions while arithmetic
 * leaves it idle: `left` pieces of `lines` cache lines each, `step` bytes
 * apart, and then those of `next`, if there is one.
 */
#ifndef MEMDIAL_CONV_AHEAD_H
#define MEMDIAL_CONV_AHEAD_H

#include "kernels/cpu/cpu.h"

struct conv_ahead {
    const char *at;
    size_t step, lines, left, portion;
    size_t line;         /* the next of a piece that has begun */
    const struct conv_ahead *next;
};

/* Some channels of whole rows of an image of x (N, H, W, C); of one in blocks
 * nothing. */
struct conv_ahead KERNEL(conv_ahead)(const struct operand *x, int image,
                                     struct range rows, int channel,
                                     int channels);

/* Divides all pieces into `times` portions. */
void KERNEL(conv_ahead_divide)(struct conv_ahead *a, size_t times);

/* Asks for the next portion. */
static inline void conv_ahead_ask(struct conv_ahead *a)
{
    for (size_t n = a->portion, run; n > 0; n -= run) {
        const char *at;

        while (a->left == 0) {
            if (!a->next)
                return;
            a->at = a->next->at;
            a->step = a->next->step;
            a->lines = a->next->lines;
            a->left = a->next->left;
            a->next = a->next->next;
        }
        run = size_min(n, a->lines - a->line);
        at = a->at + a->line * CPU_ALIGNMENT;
        a->line += run;
        for (size_t i = 0; i < run; i++)
            __builtin_prefetch(at + i * CPU_ALIGNMENT, 0, 2);
        if (a->line == a->lines) {
            a->line = 0;
            a->left--;
            a->at += a->step;
        }
    }
}

#endif
