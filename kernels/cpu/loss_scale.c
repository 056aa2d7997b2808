/*
 * loss_scale: adapts the loss scale at the end of an update, and writes to the
 * metrics whether this one was skipped. A gradient that was not finite halves
 * the scale, and the update was skipped; LOSS_SCALE_PERIOD updates without one
 * double it (Micikevicius et al., "Mixed precision training", 2018).
 *   update metrics (METRIC_COUNT) float64, scale (LOSS_SCALE_COUNT)
 */
#include <math.h>

#include "kernels/cpu/cpu.h"

void KERNEL(loss_scale)(const struct call *c)
{
    double *metrics = c->operand[LOSS_SCALE_METRICS].data;
    float *scale = c->operand[LOSS_SCALE_SCALE].data;
    float *factor = &scale[LOSS_SCALE_FACTOR];
    float *clean = &scale[LOSS_SCALE_CLEAN];

    metrics[METRIC_SKIPPED] = scale[LOSS_SCALE_OVERFLOW];
    metrics[METRIC_LOSS_SCALE] = *factor;
    if (scale[LOSS_SCALE_OVERFLOW]) {
        *factor = fmaxf(*factor / 2, LOSS_SCALE_MIN);
        *clean = 0;
    } else if (++*clean >= LOSS_SCALE_PERIOD) {
        *factor = fminf(*factor * 2, LOSS_SCALE_MAX);
        *clean = 0;
    }
    scale[LOSS_SCALE_OVERFLOW] = 0;
}
