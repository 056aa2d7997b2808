#include <string.h>

#include "kernels/cpu/bn.h"

/* Adds `rows` rows, less `origin`, to the sums of each channel. */
static inline void add_rows(const float *restrict x, size_t stride, int rows,
                            int channels, const float *restrict origin,
                            float *restrict sum, float *restrict square)
{
#pragma omp simd
    for (int i = 0; i < channels; i++) {
        float s = 0, q = 0;

        for (int r = 0; r < rows; r++) {
            float d = x[(size_t)r * stride + (size_t)i] - origin[i];

            s += d;
            q += d * d;
        }
        sum[i] += s;
        square[i] += q;
    }
}

/* Adds a block, less `origin`, to the sums. */
static void add_block(const struct stage *x, const float *origin, float *sum,
                      float *square)
{
    const float *data = x->data;
    int n = (int)x->block.columns;
    size_t r = 0;

    for (; r + BN_UNROLL <= x->block.rows; r += BN_UNROLL)
        add_rows(data + r * x->stride, x->stride, BN_UNROLL, n, origin, sum,
                 square);
    for (; r < x->block.rows; r++)
        add_rows(data + r * x->stride, x->stride, 1, n, origin, sum, square);
}

/* The block that begins with a row: as many of the rows as it has room for. */
static struct block block_at(size_t row, struct range rows,
                             struct range columns)
{
    size_t n = columns.end - columns.begin;
    size_t high = STAGE_FLOATS / n / STAGE_ROWS * STAGE_ROWS;

    return (struct block){ row, size_min(rows.end - row, high), columns.begin,
                           n };
}

/* At most BN_ROWS rows and STAGE_COLUMNS columns. */
static void merge_rows(const struct operand *x, struct range rows,
                       struct range columns, size_t before, double *mean,
                       double *m2)
{
    float sum[STAGE_COLUMNS] = { 0 }, square[STAGE_COLUMNS] = { 0 };
    float origin[STAGE_COLUMNS], room[STAGE_FLOATS];
    double count = (double)(rows.end - rows.begin);
    size_t n = columns.end - columns.begin;
    struct block b;

    for (size_t r = rows.begin; r < rows.end; r += b.rows) {
        struct stage s;

        b = block_at(r, rows, columns);
        s = stage_load(x, b, room);
        if (r == rows.begin)
            memcpy(origin, s.data, n * sizeof(*origin));
        add_block(&s, origin, sum, square);
    }
    for (size_t i = 0; i < n; i++) {
        double s = sum[i];

        bn_merge(&mean[i], &m2[i], (double)before, origin[i] + s / count,
                 square[i] - s * s / count, count);
    }
}

/* Adds `rows` rows of a block, from row r on, to the sums. */
static inline void add_dz_rows(const struct bn_gradient *g,
                               const struct stage *dzs, const struct stage *xs,
                               size_t r, int rows, float *restrict sum_dy,
                               float *restrict sum_dy_x)
{
    const float *dz = dzs->data + r * dzs->stride;
    const float *x = xs->data + r * xs->stride;
    size_t dz_stride = dzs->stride, x_stride = xs->stride;
    size_t from = xs->block.column, n = xs->block.columns;
    size_t channels = (size_t)g->x->dim[g->x->rank - 1];
    const float *scale = g->stat + STAT_SCALE * channels + from;
    const float *shift = g->stat + STAT_SHIFT * channels + from;
    const float *mean = g->stat + STAT_MEAN * channels + from;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float s = 0, sx = 0;

        for (int k = 0; k < rows; k++) {
            float xi = x[(size_t)k * x_stride + i];
            float d = dz[(size_t)k * dz_stride + i];
            float dy = scale[i] * xi + shift[i] > 0 ? d : 0;

            s += dy;
            sx += dy * (xi - mean[i]);
        }
        sum_dy[i] += s;
        sum_dy_x[i] += sx;
    }
}

static void add_dz_block(const struct bn_gradient *g, struct block b,
                         float *sum_dy, float *sum_dy_x)
{
    float room[2][STAGE_FLOATS];
    struct stage dz = stage_load(g->dz, b, room[0]);
    struct stage x = stage_load(g->x, b, room[1]);
    size_t r = 0;

    for (; r + BN_UNROLL <= b.rows; r += BN_UNROLL)
        add_dz_rows(g, &dz, &x, r, BN_UNROLL, sum_dy, sum_dy_x);
    for (; r < b.rows; r++)
        add_dz_rows(g, &dz, &x, r, 1, sum_dy, sum_dy_x);
}

/* At most BN_ROWS rows and STAGE_COLUMNS columns. */
static void sum_rows(const struct bn_gradient *g, struct range rows,
                     struct range columns, double *dy, double *dy_x)
{
    float sum_dy[STAGE_COLUMNS] = { 0 }, sum_dy_x[STAGE_COLUMNS] = { 0 };
    struct block b;

    for (size_t r = rows.begin; r < rows.end; r += b.rows) {
        b = block_at(r, rows, columns);
        add_dz_block(g, b, sum_dy, sum_dy_x);
    }
    for (size_t i = 0; i < columns.end - columns.begin; i++) {
        dy[i] += sum_dy[i];
        dy_x[i] += sum_dy_x[i];
    }
}

void KERNEL(bn_add_moments)(const struct operand *x, struct range rows,
                            struct range columns, size_t before, double *mean,
                            double *m2)
{
    for (size_t r = rows.begin; r < rows.end; r += BN_ROWS) {
        struct range some = { r, size_min(r + BN_ROWS, rows.end) };

        for (size_t i = columns.begin; i < columns.end; i += STAGE_COLUMNS) {
            struct range part = { i, size_min(i + STAGE_COLUMNS, columns.end) };

            merge_rows(x, some, part, before + r - rows.begin,
                       mean + (i - columns.begin), m2 + (i - columns.begin));
        }
    }
}

void KERNEL(bn_add_gradient)(const struct bn_gradient *g, struct range rows,
                             struct range columns, double *dy, double *dy_x)
{
    for (size_t r = rows.begin; r < rows.end; r += BN_ROWS) {
        struct range some = { r, size_min(r + BN_ROWS, rows.end) };

        for (size_t i = columns.begin; i < columns.end; i += STAGE_COLUMNS) {
            struct range part = { i, size_min(i + STAGE_COLUMNS, columns.end) };

            sum_rows(g, some, part, dy + (i - columns.begin),
                     dy_x + (i - columns.begin));
        }
    }
}
