/*
 * dropout: y = x * factor + add. The factor of an element is 0 if it is
 * dropped, else 1 / (1 - rate).
 *   in x (T, C), ends (sentences) int32, add (T, C) or empty
 *   out y (T, C), may take over x or add
 *
 * Where the rate is 0 no random numbers are drawn, and ends may be empty. With
 * the gradient of y for x this is the gradient of x.
 *
 * The factors of some columns of a row are made at once, in the first-level
 * cache. Which thread makes them does not matter: they are a function of the
 * element's place in the batch.
 */
#include "kernels/cpu/dropout_row.h"
#include "kernels/sentences.h"

enum { DROPOUT_COLUMNS = 256 };

/* The tensors, seen as one row of elements. */
struct dropout_row {
    const void *x, *add; /* add may be NULL */
    void *y;
};

/* Elements [at, at + n); factor[] may be NULL, for ones. */
INLINE void dropout_elements(const enum dtype dtype,
                             const struct dropout_row *r, size_t at, size_t n,
                             const float *factor)
{
    size_t i = 0;

    for (; i + VLEN <= n; i += VLEN) {
        vf y = vf_load_as(dtype, r->x, at + i);

        if (factor)
            y *= vf_load(factor + i);
        if (r->add)
            y += vf_load_as(dtype, r->add, at + i);
        vf_store_as(dtype, r->y, at + i, y);
    }
    for (; i < n; i++) {
        float y = float_load(r->x, at + i, dtype) * (factor ? factor[i] : 1);

        if (r->add)
            y += float_load(r->add, at + i, dtype);
        float_store(r->y, at + i, dtype, y);
    }
}

static void dropout_rows(const struct call *c, const struct dropout_row *r,
                         struct range rows)
{
    const struct operand *x = &c->operand[DROPOUT_X];
    const struct operand *ends = &c->operand[DROPOUT_ENDS];
    struct dropout d = dropout_of_call(c, c->attr.dropout.stream,
                                       c->attr.dropout.rate);
    int columns = x->dim[1];

    for (size_t t = rows.begin; t < rows.end; t++) {
        struct sentence s = sentence_of_row(ends->data, ends->dim[0], (int)t);
        int number = dropout_sentence(c, s.number);
        int position = (int)t - s.begin;

        for (int i = 0; i < columns; i += DROPOUT_COLUMNS) {
            int n = int_min(columns - i, DROPOUT_COLUMNS);
            float factor[DROPOUT_COLUMNS];

            dropout_factors(&d, number, position, i, 0, n, factor);
            DTYPE_SWITCH(x->dtype, dropout_elements, r,
                         t * (size_t)columns + (size_t)i, (size_t)n, factor);
        }
    }
}

static void dropout_sum(const struct call *c, const struct dropout_row *r,
                        struct range rows)
{
    const struct operand *x = &c->operand[DROPOUT_X];
    size_t columns = (size_t)x->dim[1];

    DTYPE_SWITCH(x->dtype, dropout_elements, r, rows.begin * columns,
                 (rows.end - rows.begin) * columns, NULL);
}

void KERNEL(dropout)(const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[DROPOUT_X];
    struct dropout_row r = {
        x->data, operand_given(&o[DROPOUT_ADD]) ? o[DROPOUT_ADD].data : NULL,
        o[DROPOUT_Y].data
    };

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range rows = range_share(operand_rows(x), t, c->threads);

        if (c->attr.dropout.rate > 0)
            dropout_rows(c, &r, rows);
        else
            dropout_sum(c, &r, rows);
    }
}
