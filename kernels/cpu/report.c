/*
 * report: hands results to the host.
 *   in metrics (METRIC_COUNT) float64, translations (N, steps) int32; either
 *   may be empty
 */
#include <string.h>

#include "kernels/cpu/cpu.h"

void KERNEL(report)(const struct call *c)
{
    const struct operand *metrics = &c->operand[REPORT_METRICS];
    const struct operand *translations = &c->operand[REPORT_TRANSLATIONS];

    if (operand_given(metrics))
        memcpy(c->batch->report, metrics->data, operand_bytes(metrics));
    if (operand_given(translations))
        memcpy(c->batch->translations, translations->data,
               operand_bytes(translations));
}
