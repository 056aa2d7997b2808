/*
 * The micro-kernel keeps some lines of C by at most two vectors in registers
 * and goes through the depth; there is a copy for every number of lines, so
 * that those of a matrix, or of a block of a turned one, can be divided evenly.
 */
#include "kernels/cpu/matrix.h"

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/conv_transpose.h"

_Static_assert((int)MATRIX_BLOCK == (int)CONV_BLOCK, "for conv_transpose");

#ifdef __AVX512F__
enum { MATRIX_LINES = 12 };
#else
enum { MATRIX_LINES = 6 };
#endif
enum { MATRIX_VECTORS = 2 };

static size_t window_at(const struct window *w, int row)
{
    return (size_t)(w->row + row)
           * (size_t)w->tensor->dim[w->tensor->rank - 1] + (size_t)w->column;
}

INLINE void load_part(const enum dtype dtype, const void *data, size_t at,
                      int columns, float factor, float *to)
{
    if (columns >= MATRIX_BLOCK) {
        UNROLL
        for (int i = 0; i < MATRIX_BLOCK; i += VLEN)
            vf_store(to + i, vf_load_as(dtype, data, at + (size_t)i) * factor);
        return;
    }
    for (int i = 0; i < MATRIX_BLOCK; i++)
        to[i] = i < columns ? float_load(data, at + (size_t)i, dtype) * factor
                            : 0;
}

INLINE void load_rows(const enum dtype dtype, const struct matrix *m,
                      const struct window *w, float factor)
{
    for (int column = 0; column < w->columns; column += MATRIX_BLOCK) {
        float *to = matrix_at(m, 0, column);
        size_t at = window_at(w, 0) + (size_t)column;

        for (int row = 0; row < w->rows; row++) {
            load_part(dtype, w->tensor->data, at, w->columns - column, factor,
                      to);
            to += MATRIX_BLOCK;
            at += (size_t)w->tensor->dim[1];
        }
    }
}

void KERNEL(matrix_load)(const struct matrix *m, const struct window *w,
                         float factor)
{
    size_t rest = (size_t)(m->rows - w->rows) * MATRIX_BLOCK;

    DTYPE_SWITCH(w->tensor->dtype, load_rows, m, w, factor);
    for (int column = 0; column < w->columns; column += MATRIX_BLOCK)
        memset(matrix_at(m, w->rows, column), 0, rest * sizeof(float));
}

INLINE void store_row(const enum dtype dtype, const struct matrix *m, int row,
                      const struct window *w, float factor)
{
    void *data = w->tensor->data;
    size_t at = window_at(w, row);
    int column = 0;

    for (; column + MATRIX_BLOCK <= w->columns; column += MATRIX_BLOCK) {
        const float *from = matrix_at(m, row, column);

        UNROLL
        for (int i = 0; i < MATRIX_BLOCK; i += VLEN)
            vf_store_as(dtype, data, at + (size_t)(column + i),
                        vf_load(from + i) * factor);
    }
    for (; column < w->columns; column++)
        float_store(data, at + (size_t)column, dtype,
                    *matrix_at(m, row, column) * factor);
}

INLINE void store_rows(const enum dtype dtype, const struct matrix *m,
                       const struct window *w, float factor)
{
    for (int row = 0; row < w->rows; row++)
        store_row(dtype, m, row, w, factor);
}

void KERNEL(matrix_store)(const struct matrix *m, const struct window *w,
                          float factor)
{
    DTYPE_SWITCH(w->tensor->dtype, store_rows, m, w, factor);
}

void KERNEL(matrix_turn)(const struct matrix *from, int rows, int columns,
                         const struct matrix *to)
{
    for (int row = 0; row < rows; row += MATRIX_BLOCK)
        for (int column = 0; column < columns; column += MATRIX_BLOCK)
            KERNEL(conv_transpose)(matrix_at(from, row, column), MATRIX_BLOCK,
                                   MATRIX_BLOCK, MATRIX_BLOCK,
                                   matrix_at(to, column, row));
}

/* All but the place in C are constants where it is inlined. */
INLINE void multiply_tile(const struct matrix_product *p, const bool turned,
                          int line, int column, const int lines,
                          const int vectors)
{
    const float *a = turned ? matrix_at(p->a, 0, line)
                            : matrix_at(p->a, line, 0);
    size_t a_block = MATRIX_BLOCK * (size_t)(turned ? MATRIX_BLOCK
                                                    : p->a->rows);
    const float *b[MATRIX_VECTORS];
    float *c[MATRIX_VECTORS];
    vf sum[MATRIX_LINES][MATRIX_VECTORS], row[MATRIX_VECTORS];

    UNROLL
    for (int v = 0; v < vectors; v++) {
        b[v] = matrix_at(p->b, 0, column + v * VLEN);
        c[v] = matrix_at(p->c, line, column + v * VLEN);
    }
    UNROLL
    for (int i = 0; i < lines; i++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[i][v] = p->fresh ? vf_set(0)
                                 : vf_load(c[v] + i * MATRIX_BLOCK);
    for (int first = 0; first < p->depth; first += MATRIX_BLOCK) {
        int depth = int_min(p->depth - first, MATRIX_BLOCK);

        for (int k = 0; k < depth; k++) {
            UNROLL
            for (int v = 0; v < vectors; v++) {
                row[v] = vf_load(b[v]);
                b[v] += MATRIX_BLOCK;
            }
            UNROLL
            for (int i = 0; i < lines; i++)
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[i][v] += row[v] * a[turned ? k * MATRIX_BLOCK + i
                                                   : i * MATRIX_BLOCK + k];
        }
        a += a_block;
        conv_ahead_ask(p->ahead);
    }
    UNROLL
    for (int i = 0; i < lines; i++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            vf_store(c[v] + i * MATRIX_BLOCK, sum[i][v]);
}

#define MATRIX_CASE(n) \
    case n: \
        if (n <= MATRIX_LINES && vectors == 1) \
            multiply_tile(p, turned, line, column, n, 1); \
        else if (n <= MATRIX_LINES) \
            multiply_tile(p, turned, line, column, n, MATRIX_VECTORS); \
        break;

INLINE void multiply_sized(const struct matrix_product *p, const bool turned,
                           int line, int column, int lines, int vectors)
{
    switch (lines) {
    MATRIX_CASE(1) MATRIX_CASE(2) MATRIX_CASE(3) MATRIX_CASE(4) MATRIX_CASE(5)
    MATRIX_CASE(6) MATRIX_CASE(7) MATRIX_CASE(8) MATRIX_CASE(9) MATRIX_CASE(10)
    MATRIX_CASE(11) MATRIX_CASE(12)
    }
}

/* Lines [line, end) in tiles as even as can be. */
INLINE void multiply_lines(const struct matrix_product *p, const bool turned,
                           int line, int end, int column, int vectors)
{
    int tiles = (end - line + MATRIX_LINES - 1) / MATRIX_LINES;

    for (; tiles > 0; tiles--) {
        int lines = (end - line + tiles - 1) / tiles;

        multiply_sized(p, turned, line, column, lines, vectors);
        line += lines;
    }
}

INLINE void multiply_all(const struct matrix_product *p, const bool turned)
{
    int step = turned ? MATRIX_BLOCK : p->lines, vectors;

    for (int column = 0; column < p->columns; column += vectors * VLEN) {
        vectors = p->columns - column > VLEN ? MATRIX_VECTORS : 1;
        for (int line = 0; line < p->lines; line += step)
            multiply_lines(p, turned, line, int_min(line + step, p->lines),
                           column, vectors);
    }
}

void KERNEL(matrix_multiply)(const struct matrix_product *p)
{
    if (p->turned)
        multiply_all(p, true);
    else
        multiply_all(p, false);
}
