/*
 * embedding_wgrad: the gradient of an embedding's table, scale times the sum of
 * the rows of dy that belong to a token.
 *   in tokens (T) int32, dy (T, C)
 *   update dw (V, C): added to
 *
 * The rows of one token are summed in floats, in their order, and added to dw
 * once, so that the result depends neither on the number of threads nor, in 16
 * bits, on roundings between them. A token is the work of the thread that has
 * its first place. To find its other places, all later tokens are compared, a
 * vector of them at a time.
 */
#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

/* The first place of a token, from place `i` on; `end` if there is none. */
static size_t place_of(const int32_t *tokens, int32_t token, size_t i,
                       size_t end)
{
    while (i + VLEN <= end && !vi_any(*(const vi *)(tokens + i) == token))
        i += VLEN;
    while (i < end && tokens[i] != token)
        i++;
    return i;
}

static inline void add_floats(float *sum, const float *x, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

static inline void end_sum(float *sum, float scale, const float *before,
                           size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] = scale * sum[i] + before[i];
}

/* Columns of dw's row of the token at place t. */
static void add_columns(const struct call *c, size_t t, size_t column,
                        size_t columns)
{
    const struct operand *tokens = &c->operand[EMBEDDING_WGRAD_TOKENS];
    const struct operand *dy = &c->operand[EMBEDDING_WGRAD_DY];
    const struct operand *dw = &c->operand[EMBEDDING_WGRAD_DW];
    const int32_t *token = tokens->data;
    size_t count = (size_t)tokens->dim[0], all = (size_t)dw->dim[1];
    size_t at = (size_t)token[t] * all + column;
    float sum[STAGE_COLUMNS] = { 0 }, room[STAGE_COLUMNS];

    for (size_t i = t; i < count; i = place_of(token, token[t], i + 1, count))
        add_floats(sum, stage_floats(dy, i * all + column, columns, room),
                   columns);
    end_sum(sum, c->attr.embedding.scale,
            stage_floats(dw, at, columns, room), columns);
    stage_put(dw, at, columns, sum);
}

static void add_tokens(const void *own, int share, struct range rows)
{
    const struct call *c = own;
    const int32_t *tokens = c->operand[EMBEDDING_WGRAD_TOKENS].data;
    size_t columns = (size_t)c->operand[EMBEDDING_WGRAD_DW].dim[1];

    (void)share;
    for (size_t t = rows.begin; t < rows.end; t++) {
        if (place_of(tokens, tokens[t], 0, t) < t)
            continue;
        for (size_t i = 0; i < columns; i += STAGE_COLUMNS)
            add_columns(c, t, i, size_min(columns - i, STAGE_COLUMNS));
    }
}

void KERNEL(embedding_wgrad)(const struct call *c)
{
    size_t rows = (size_t)c->operand[EMBEDDING_WGRAD_TOKENS].dim[0];

#pragma omp parallel num_threads(c->threads)
    share_out(rows, c->threads, add_tokens, c);
}
