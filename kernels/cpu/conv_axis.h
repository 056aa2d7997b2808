/*
 * One spatial dimension, rows or columns, of a convolution: output position i
 * of class a is output index i * classes + a, and strip position i of plane p
 * is input index origin + i * step + p.
 *
 * A convolution has one class and `step` = its stride. Its transpose has step
 * 1, and as many classes as the stride: output pixels a stride apart see the
 * same taps, and each tap is seen by one class only.
 */
#ifndef MEMDIAL_CONV_AXIS_H
#define MEMDIAL_CONV_AXIS_H

#include "kernels/cpu/cpu.h"

struct conv_axis {
    bool transposed;
    int taps, pad;
    int in, out;
    int step, planes, origin;
    int classes;
    int length;  /* output positions of class 0; other classes: or one less */
    int halo;    /* strip positions = output positions + halo */
};

struct conv_axis KERNEL(conv_axis)(bool transposed, int in, int out, int taps,
                                   int stride, int pad);

/* Whether outputs of this class see the tap; if so, the plane that it is in,
 * and its distance along it. */
bool KERNEL(conv_axis_tap)(const struct conv_axis *a, int class, int tap,
                           int *plane, int *offset);

/* Output positions of a class. */
int KERNEL(conv_axis_length)(const struct conv_axis *a, int class);

/* a / b, rounded down. */
static inline int conv_floor(int a, int b)
{
    return a / b - (a % b < 0);
}

#endif
