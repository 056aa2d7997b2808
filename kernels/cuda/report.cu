/*
 * report: hands results to the host.
 *   in metrics (METRIC_COUNT) float64, translations (N, steps) int32; either
 *   may be empty
 */
#include "kernels/cuda/cuda.h"

static void hand_over(struct queue *q, const struct operand *from, void *to)
{
    if (operand_given(from))
        queue_put(q, cudaMemcpyAsync(to, from->data, operand_bytes(from),
                                     cudaMemcpyDeviceToHost, q->stream));
}

void cuda_report(struct queue *q, const struct call *c)
{
    hand_over(q, &c->operand[REPORT_METRICS], q->report);
    hand_over(q, &c->operand[REPORT_TRANSLATIONS], c->batch->translations);
}
