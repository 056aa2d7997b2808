/*
 * A stat: the numbers that a batch norm is applied with, made from its
 * statistics alike on every backend.
 */
#ifndef MEMDIAL_BN_STAT_H
#define MEMDIAL_BN_STAT_H

#include <math.h>

#include "kernels/kernels.h"
#include "kernels/portable.h"

/* Writes column i of a stat (STAT_ROWS, C). */
PORTABLE void bn_write_stat(float *stat, int channels, int i, double mean,
                            double variance, double gamma, double beta,
                            double eps)
{
    double rstd = 1 / sqrt(variance + eps), scale = gamma * rstd;

    stat[STAT_MEAN * channels + i] = (float)mean;
    stat[STAT_RSTD * channels + i] = (float)rstd;
    stat[STAT_SCALE * channels + i] = (float)scale;
    stat[STAT_SHIFT * channels + i] = (float)(beta - mean * scale);
}

#endif
