/*
 * bn_running: batch norm's statistics for evaluation, from the running ones.
 *   in gamma (C), beta (C), running (RUNNING_ROWS, C)
 *   out stat (STAT_ROWS, C)
 */
#include "kernels/cuda/bn.h"
#include "kernels/cuda/cuda.h"

static __global__ void bn_running(int channels, const float *gamma,
                                  const float *beta, const float *running,
                                  double eps, float *stat)
{
    wait_for_earlier();

    int i = (int)thread_index();

    if (i < channels)
        bn_write_stat(stat, channels, i, running[RUNNING_MEAN * channels + i],
                      running[RUNNING_VAR * channels + i], gamma[i], beta[i],
                      eps);
}

void cuda_bn_running(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    int channels = o[BN_RUNNING_GAMMA].dim[0];

    launch(q, blocks_for((size_t)channels), BLOCK_THREADS, 0, bn_running,
           channels, data_of<float>(&o[BN_RUNNING_GAMMA]),
           data_of<float>(&o[BN_RUNNING_BETA]),
           data_of<float>(&o[BN_RUNNING_RUNNING]), c->attr.norm.eps,
           data_of<float>(&o[BN_RUNNING_STAT]));
}
