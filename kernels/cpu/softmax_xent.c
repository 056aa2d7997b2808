/*
 * softmax_xent: cross-entropy of the softmax of the logits, and its gradient
 * with the weight that a sample has in the mean over the whole batch, times the
 * loss scale if there is one. Metrics are not scaled.
 *   in logits (N, K), labels (N) int32, scale (LOSS_SCALE_COUNT) or empty
 *   update metrics (METRIC_COUNT) float64: sum of losses, number correct
 *   out dlogits (N, K), may take over logits
 *
 * scratch: per thread, its part of the metrics, on a cache line of its own.
 */
#include <assert.h>
#include <math.h>

#include "kernels/cpu/cpu.h"

static int arg_max(const float *x, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

static void sample(const float *logits, int classes, int label, float weight,
                   double *metrics, float *dlogits)
{
    int best = arg_max(logits, classes);
    float max = logits[best], of_label = logits[label] - max, sum = 0;

    for (int k = 0; k < classes; k++) {
        float e = expf(logits[k] - max);

        dlogits[k] = e;
        sum += e;
    }
    for (int k = 0; k < classes; k++)
        dlogits[k] *= weight / sum;
    dlogits[label] -= weight;
    metrics[METRIC_LOSS] += log(sum) - of_label;
    metrics[METRIC_HITS] += best == label;
}

size_t KERNEL(softmax_xent_scratch)(const struct call *c)
{
    return (size_t)c->threads * CPU_ALIGNMENT;
}

void KERNEL(softmax_xent)(const struct call *c)
{
    const struct operand *o = &c->operand[SOFTMAX_XENT_LOGITS];
    size_t samples = (size_t)o->dim[0];
    int classes = o->dim[1];
    const float *logits = o->data;
    const int32_t *labels = c->operand[SOFTMAX_XENT_LABELS].data;
    double *metrics = c->operand[SOFTMAX_XENT_METRICS].data;
    float *dlogits = c->operand[SOFTMAX_XENT_DLOGITS].data;
    const struct operand *scale = &c->operand[SOFTMAX_XENT_SCALE];
    float factor = operand_given(scale)
                   ? ((const float *)scale->data)[LOSS_SCALE_FACTOR] : 1;
    float weight = factor / (float)c->batch->terms;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range part = range_share(samples, t, c->threads);
        double *own = scratch_part(c, CPU_ALIGNMENT, t);

        own[METRIC_LOSS] = own[METRIC_HITS] = 0;
        for (size_t n = part.begin; n < part.end; n++) {
            size_t at = n * (size_t)classes;

            assert(labels[n] >= 0 && labels[n] < classes);
            sample(logits + at, classes, labels[n], weight, own,
                   dlogits + at);
        }
    }

    for (int t = 0; t < c->threads; t++) {
        const double *part = scratch_part(c, CPU_ALIGNMENT, t);

        metrics[METRIC_LOSS] += part[METRIC_LOSS];
        metrics[METRIC_HITS] += part[METRIC_HITS];
    }
}
