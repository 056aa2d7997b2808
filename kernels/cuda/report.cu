/*
 * report: hands the metrics to the host.
 *   in metrics (METRIC_COUNT) float64
 */
#include "kernels/cuda/cuda.h"

void cuda_report(struct queue *q, const struct call *c)
{
    queue_check(q, cudaMemcpyAsync(q->report, c->operand[REPORT_METRICS].data,
                                   METRIC_COUNT * sizeof(*q->report),
                                   cudaMemcpyDeviceToHost, q->stream));
}
