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

#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_across.h"

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

/* A row of the tensors, and its statistics. */
struct norm_row {
    const void *dy, *x, *add;            /* add may be NULL */
    void *dx;
    const float *gamma;
    size_t at, columns;                  /* its first element */
    float mean, rstd;
    float g, g_xhat;                     /* means over it */
};

static struct norm_row norm_row_of(const struct call *c, size_t t)
{
    const struct operand *o = c->operand, *add = &o[LAYER_NORM_GRAD_ADD];
    const float *stat = (float *)o[LAYER_NORM_GRAD_STAT].data
                        + t * LAYER_STATS;
    size_t columns = (size_t)o[LAYER_NORM_GRAD_X].dim[1];

    return (struct norm_row){
        .dy = o[LAYER_NORM_GRAD_DY].data, .x = o[LAYER_NORM_GRAD_X].data,
        .add = operand_given(add) ? add->data : NULL,
        .dx = o[LAYER_NORM_GRAD_DX].data,
        .gamma = o[LAYER_NORM_GRAD_GAMMA].data,
        .at = t * columns, .columns = columns,
        .mean = stat[LAYER_MEAN], .rstd = stat[LAYER_RSTD]
    };
}

/* Adds a row to the sums of the last few, and finds its means. */
INLINE void norm_add_row(const enum dtype dtype, struct norm_row *r,
                         const struct norm_sums *s)
{
    vf sum = { 0 }, sum_xhat = { 0 };
    float g = 0, g_xhat = 0;
    size_t i = 0;

    for (; i + VLEN <= r->columns; i += VLEN) {
        vf dy = vf_load_as(dtype, r->dy, r->at + i);
        vf xhat = (vf_load_as(dtype, r->x, r->at + i) - r->mean) * r->rstd;
        vf scaled = dy * vf_load(r->gamma + i);

        vf_store(s->dgamma_few + i, vf_load(s->dgamma_few + i) + dy * xhat);
        vf_store(s->dbeta_few + i, vf_load(s->dbeta_few + i) + dy);
        sum += scaled;
        sum_xhat += scaled * xhat;
    }
    for (; i < r->columns; i++) {
        float dy = float_load(r->dy, r->at + i, dtype);
        float xhat = (float_load(r->x, r->at + i, dtype) - r->mean) * r->rstd;

        s->dgamma_few[i] += dy * xhat;
        s->dbeta_few[i] += dy;
        g += dy * r->gamma[i];
        g_xhat += dy * r->gamma[i] * xhat;
    }
    r->g = (vf_sum_across(sum)[0] + g) / (float)r->columns;
    r->g_xhat = (vf_sum_across(sum_xhat)[0] + g_xhat) / (float)r->columns;
}

INLINE void put_dx(const enum dtype dtype, const struct norm_row *r)
{
    size_t i = 0;

    for (; i + VLEN <= r->columns; i += VLEN) {
        vf g = vf_load_as(dtype, r->dy, r->at + i) * vf_load(r->gamma + i);
        vf xhat = (vf_load_as(dtype, r->x, r->at + i) - r->mean) * r->rstd;
        vf dx = r->rstd * (g - r->g - xhat * r->g_xhat);

        if (r->add)
            dx += vf_load_as(dtype, r->add, r->at + i);
        vf_store_as(dtype, r->dx, r->at + i, dx);
    }
    for (; i < r->columns; i++) {
        float g = float_load(r->dy, r->at + i, dtype) * r->gamma[i];
        float xhat = (float_load(r->x, r->at + i, dtype) - r->mean) * r->rstd;
        float dx = r->rstd * (g - r->g - xhat * r->g_xhat);

        if (r->add)
            dx += float_load(r->add, r->at + i, dtype);
        float_store(r->dx, r->at + i, dtype, dx);
    }
}

/* Moves the sums of the last few rows to those of all. */
static void flush_sums(const struct norm_sums *s, size_t columns)
{
    for (size_t i = 0; i < 2 * columns; i++)
        s->dgamma[i] += (double)s->dgamma_few[i];
    memset(s->dgamma_few, 0, 2 * columns * sizeof(float));
}

INLINE void grad_rows(const enum dtype dtype, const struct call *c,
                      const struct norm_sums *s, struct range rows)
{
    size_t columns = (size_t)c->operand[LAYER_NORM_GRAD_X].dim[1];

    for (size_t t = rows.begin; t < rows.end; t++) {
        struct norm_row r = norm_row_of(c, t);

        norm_add_row(dtype, &r, s);
        put_dx(dtype, &r);
        if ((t - rows.begin) % FLOAT_ROWS == FLOAT_ROWS - 1)
            flush_sums(s, columns);
    }
    flush_sums(s, columns);
}

static void grad_share(const struct call *c, int thread)
{
    const struct operand *x = &c->operand[LAYER_NORM_GRAD_X];
    struct norm_sums s = sums_of_thread(c, thread);
    struct range rows =
        range_share((size_t)x->dim[0], thread, c->threads);

    memset(s.dgamma, 0, sums_bytes(c));
    DTYPE_SWITCH(x->dtype, grad_rows, c, &s, rows);
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
            grad_share(c, t);
#pragma omp for schedule(static)
        for (int t = 0; t < c->threads; t++)
            add_sums(c, range_share(columns, t, c->threads));
    }
}
