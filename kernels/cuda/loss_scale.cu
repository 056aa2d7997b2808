/*
 * loss_scale: adapts the loss scale at the end of an update, and writes to the
 * metrics whether this one was skipped. A gradient that was not finite halves
 * the scale, and the update was skipped; LOSS_SCALE_PERIOD updates without one
 * double it (Micikevicius et al., "Mixed precision training", 2018).
 *   update metrics (METRIC_COUNT) float64, scale (LOSS_SCALE_COUNT)
 */
#include "kernels/cuda/cuda.h"

static __global__ void loss_scale(double *metrics, float *scale)
{
    wait_for_earlier();

    float *factor = &scale[LOSS_SCALE_FACTOR];
    float *clean = &scale[LOSS_SCALE_CLEAN];

    if (thread_index() > 0)
        return;
    metrics[METRIC_SKIPPED] = scale[LOSS_SCALE_OVERFLOW];
    metrics[METRIC_LOSS_SCALE] = *factor;
    if (scale[LOSS_SCALE_OVERFLOW] != 0) {
        *factor = fmaxf(*factor / 2, LOSS_SCALE_MIN);
        *clean = 0;
    } else if (++*clean >= LOSS_SCALE_PERIOD) {
        *factor = fminf(*factor * 2, LOSS_SCALE_MAX);
        *clean = 0;
    }
    scale[LOSS_SCALE_OVERFLOW] = 0;
}

void cuda_loss_scale(struct queue *q, const struct call *c)
{
    launch(q, 1, WARP_LANES, 0, loss_scale,
           data_of<double>(&c->operand[LOSS_SCALE_METRICS]),
           data_of<float>(&c->operand[LOSS_SCALE_SCALE]));
}
