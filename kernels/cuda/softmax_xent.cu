/*
 * softmax_xent: cross-entropy of the softmax of the logits, and its gradient
 * with the weight that a sample has in the mean over the whole batch, times the
 * loss scale if there is one. Metrics are not scaled.
 *   in logits (N, K), labels (N) int32, scale (LOSS_SCALE_COUNT) or empty
 *   update metrics (METRIC_COUNT) float64: sum of losses, number correct
 *   out dlogits (N, K), may take over logits
 *
 * scratch: each sample's terms of the two metrics, (N, 2) doubles.
 */
#include "kernels/cuda/cuda.h"

/* The index of the largest of x[n], the first if several are equal, by a warp;
 * *max is its value. */
static __device__ inline int arg_max(const float *x, int n, float *max)
{
    int best = warp_lane() < n ? warp_lane() : 0;

    for (int k = best; k < n; k += WARP_LANES)
        if (x[k] > x[best])
            best = k;
    *max = x[best];
    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2) {
        float value = __shfl_xor_sync(0xFFFFFFFF, *max, mask);
        int at = __shfl_xor_sync(0xFFFFFFFF, best, mask);

        if (value > *max || (value == *max && at < best)) {
            *max = value;
            best = at;
        }
    }
    return best;
}

/* One warp for a sample; scale may be NULL. */
static __global__ void samples(int n, int classes, float batch,
                               const float *logits, const int32_t *labels,
                               const float *scale, float *dlogits,
                               double *added)
{
    wait_for_earlier();

    size_t sample = warp_index();
    float weight = (scale ? scale[LOSS_SCALE_FACTOR] : 1) / batch;
    float max, of_label, sum = 0;
    int best, label;

    if (sample >= (size_t)n)
        return;
    logits += sample * (size_t)classes;
    dlogits += sample * (size_t)classes;
    label = labels[sample];
    best = arg_max(logits, classes, &max);
    of_label = logits[label] - max;
    for (int k = warp_lane(); k < classes; k += WARP_LANES)
        sum += expf(logits[k] - max);
    sum = warp_sum(sum);
    for (int k = warp_lane(); k < classes; k += WARP_LANES)
        dlogits[k] = expf(logits[k] - max) * (weight / sum)
                     - (k == label ? weight : 0);
    if (warp_lane() == 0) {
        added[2 * sample + METRIC_LOSS] = log((double)sum) - of_label;
        added[2 * sample + METRIC_HITS] = best == label;
    }
}

/* One warp for each of the two metrics. */
static __global__ void add_samples(int n, const double *added,
                                   double *metrics)
{
    wait_for_earlier();

    size_t metric = warp_index();
    double sum = 0;

    for (int i = warp_lane(); i < n; i += WARP_LANES)
        sum += added[2 * (size_t)i + metric];
    sum = warp_sum(sum);
    if (warp_lane() == 0)
        metrics[metric] += sum;
}

void cuda_softmax_xent(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *logits = &o[SOFTMAX_XENT_LOGITS];
    const struct operand *scale = &o[SOFTMAX_XENT_SCALE];
    double *added = static_cast<double *>(c->scratch);
    int n = logits->dim[0];

    launch(q, ((unsigned)n + BLOCK_WARPS - 1) / BLOCK_WARPS, BLOCK_THREADS, 0,
           samples, n, logits->dim[1], (float)c->batch->terms,
           data_of<float>(logits),
           data_of<int32_t>(&o[SOFTMAX_XENT_LABELS]),
           data_if_given<float>(scale),
           data_of<float>(&o[SOFTMAX_XENT_DLOGITS]), added);
    launch(q, 1, 2 * WARP_LANES, 0, add_samples, n, added,
           data_of<double>(&o[SOFTMAX_XENT_METRICS]));
}
