/*
 * What Adam needs of a step, on every backend.
 */
#ifndef MEMDIAL_ADAM_H
#define MEMDIAL_ADAM_H

#include <math.h>

#include "kernels/kernels.h"
#include "kernels/portable.h"

/* The random words that round roots are of the update's stream with this. */
#define ADAM_ROOT_STREAM 0x80000000u

/* The learning rate, the biases of mean and root after `step` earlier steps
 * corrected. */
PORTABLE float adam_rate(const struct adam *a, int64_t step, float rate)
{
    double t = (double)(step + 1);

    return (float)((double)rate * sqrt(1 - pow((double)a->beta2, t))
                   / (1 - pow((double)a->beta1, t)));
}

#endif
