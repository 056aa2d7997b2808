/*
 * layer_norm_grad: the gradient of layer_norm.
 *   in dy (T, C), x (T, C), stat (T, LAYER_STATS), gamma (C), add (T, C) or
 *   empty
 *   update dgamma (C), dbeta (C)
 *   out dx (T, C), may take over dy or add
 *
 *   g = dy * gamma, xhat = (x - mean) * rstd
 *   dgamma += sum of dy * xhat, dbeta += sum of dy, over the rows
 *   dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) + add, means over a row
 *
 * A row is read twice, the second time from the first-level cache.
 *
 * scratch: for each thread, the sums of dy * xhat and of dy, (2, C) doubles;
 * then those of its last few rows, (2, C) floats.
 */
#include <string.h>

#include "kernels/cpu/stage.h"

/* Rows whose sums are of floats. */
enum { FLOAT_ROWS = 32 };

/* A thread's sums. */
struct norm_sums {
    double *dgamma, *dbeta;              /* (C) */
    float *dgamma_few, *dbeta_few;       /* (C), of the last few rows */
};

static size_t sums_bytes(const struct call *c)
{
    size_t columns = (size_t)c->operand[LAYER_NORM_GRAD_X].dim[1];
    size_t bytes = 2 * columns * (sizeof(double) + sizeof(float));

    return (bytes + CPU_ALIGNMENT - 1) / CPU_ALIGNMENT * CPU_ALIGNMENT;
}

static struct norm_sums sums_of_thread(const struct call *c, int thread)
{
    size_t columns = (size_t)c->operand[LAYER_NORM_GRAD_X].dim[1];
    double *sums = scratch_part(c, sums_bytes(c), thread);
    float *few = (float *)(sums + 2 * columns);

    return (struct norm_sums){ sums, sums + columns, few, few + columns };
}

/* The means over a row that its dx needs. */
struct row_means {
    float g, g_xhat;
};

static struct row_means norm_add_row(const struct call *c, size_t t,
                                     const struct norm_sums *s)
{
    const struct operand *o = c->operand, *x = &o[LAYER_NORM_GRAD_X];
    const float *stat = (float *)o[LAYER_NORM_GRAD_STAT].data
                        + t * LAYER_STATS;
    const float *gamma = o[LAYER_NORM_GRAD_GAMMA].data;
    float mean = stat[LAYER_MEAN], rstd = stat[LAYER_RSTD];
    size_t columns = (size_t)x->dim[1];
    float room[2][STAGE_COLUMNS], g = 0, g_xhat = 0;

    for (size_t k = 0; k < columns; k += STAGE_COLUMNS) {
        size_t n = size_min(columns - k, STAGE_COLUMNS), at = t * columns + k;
        const float *v = stage_floats(x, at, n, room[0]);
        const float *dy =
            stage_floats(&o[LAYER_NORM_GRAD_DY], at, n, room[1]);

#pragma omp simd reduction(+ : g, g_xhat)
        for (size_t i = 0; i < n; i++) {
            float xhat = (v[i] - mean) * rstd;

            s->dgamma_few[k + i] += dy[i] * xhat;
            s->dbeta_few[k + i] += dy[i];
            g += dy[i] * gamma[k + i];
            g_xhat += dy[i] * gamma[k + i] * xhat;
        }
    }
    return (struct row_means){ g / (float)columns, g_xhat / (float)columns };
}

static void put_dx(const struct call *c, size_t t, struct row_means m)
{
    const struct operand *o = c->operand, *x = &o[LAYER_NORM_GRAD_X];
    bool adds = operand_given(&o[LAYER_NORM_GRAD_ADD]);
    const float *stat = (float *)o[LAYER_NORM_GRAD_STAT].data
                        + t * LAYER_STATS;
    const float *gamma = o[LAYER_NORM_GRAD_GAMMA].data;
    float mean = stat[LAYER_MEAN], rstd = stat[LAYER_RSTD];
    size_t columns = (size_t)x->dim[1];
    float room[3][STAGE_COLUMNS], dx[STAGE_COLUMNS];

    for (size_t k = 0; k < columns; k += STAGE_COLUMNS) {
        size_t n = size_min(columns - k, STAGE_COLUMNS), at = t * columns + k;
        const float *v = stage_floats(x, at, n, room[0]);
        const float *dy =
            stage_floats(&o[LAYER_NORM_GRAD_DY], at, n, room[1]);
        const float *add =
            adds ? stage_floats(&o[LAYER_NORM_GRAD_ADD], at, n, room[2]) : dy;

#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float xhat = (v[i] - mean) * rstd;

            dx[i] = rstd * (dy[i] * gamma[k + i] - m.g - xhat * m.g_xhat)
                    + (adds ? add[i] : 0);
        }
        stage_put(&o[LAYER_NORM_GRAD_DX], at, n, dx);
    }
}

/* Moves the sums of the last few rows to those of all. */
static void flush_sums(const struct norm_sums *s, size_t columns)
{
    for (size_t i = 0; i < 2 * columns; i++)
        s->dgamma[i] += (double)s->dgamma_few[i];
    memset(s->dgamma_few, 0, 2 * columns * sizeof(float));
}

static void grad_rows(const struct call *c, int thread)
{
    const struct operand *x = &c->operand[LAYER_NORM_GRAD_X];
    struct norm_sums s = sums_of_thread(c, thread);
    struct range rows =
        range_share((size_t)x->dim[0], thread, c->threads);

    memset(s.dgamma, 0, sums_bytes(c));
    for (size_t t = rows.begin; t < rows.end; t++) {
        put_dx(c, t, norm_add_row(c, t, &s));
        if ((t - rows.begin) % FLOAT_ROWS == FLOAT_ROWS - 1)
            flush_sums(&s, (size_t)x->dim[1]);
    }
    flush_sums(&s, (size_t)x->dim[1]);
}

/* Adds the threads' sums of some columns. */
static void add_sums(const struct call *c, struct range columns)
{
    float *dgamma = c->operand[LAYER_NORM_GRAD_DGAMMA].data;
    float *dbeta = c->operand[LAYER_NORM_GRAD_DBETA].data;

    for (size_t i = columns.begin; i < columns.end; i++) {
        double gamma = 0, beta = 0;

        for (int t = 0; t < c->threads; t++) {
            struct norm_sums s = sums_of_thread(c, t);

            gamma += s.dgamma[i];
            beta += s.dbeta[i];
        }
        dgamma[i] += (float)gamma;
        dbeta[i] += (float)beta;
    }
}

size_t KERNEL(layer_norm_grad_scratch)(const struct call *c)
{
    return (size_t)c->threads * sums_bytes(c);
}

void KERNEL(layer_norm_grad)(const struct call *c)
{
    size_t columns = (size_t)c->operand[LAYER_NORM_GRAD_X].dim[1];

#pragma omp parallel num_threads(c->threads)
    {
#pragma omp for schedule(static)
        for (int t = 0; t < c->threads; t++)
            grad_rows(c, t);
#pragma omp for schedule(static)
        for (int t = 0; t < c->threads; t++)
            add_sums(c, range_share(columns, t, c->threads));
    }
}
