/*
 * bn_running: batch norm's statistics for evaluation, from the running ones.
 *   in gamma (C), beta (C), running (RUNNING_ROWS, C)
 *   out stat (STAT_ROWS, C)
 */
#include "kernels/cpu/bn.h"

void KERNEL(bn_running)(const struct call *c)
{
    int channels = c->operand[BN_RUNNING_GAMMA].dim[0];
    const float *gamma = c->operand[BN_RUNNING_GAMMA].data;
    const float *beta = c->operand[BN_RUNNING_BETA].data;
    const float *running = c->operand[BN_RUNNING_RUNNING].data;
    float *stat = c->operand[BN_RUNNING_STAT].data;

    for (int i = 0; i < channels; i++)
        bn_write_stat(stat, channels, i, running[RUNNING_MEAN * channels + i],
                      running[RUNNING_VAR * channels + i], gamma[i], beta[i],
                      c->attr.norm.eps);
}
