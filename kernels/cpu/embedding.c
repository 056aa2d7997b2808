/*
 * embedding: each token's row of a table, times a scale. Where the ends of
 * sentences are given, the sinusoidal embedding of the token's position in its
 * sentence is added (sinusoid.h), and C is even. Where a position is given, all
 * tokens have it.
 *   in tokens (T) int32, w (V, C), ends (sentences) int32 or empty, position
 *   (1) int32 or empty
 *   out y (T, C)
 *
 * A thread takes its rows once for every block of columns, so that it makes
 * the block's frequencies once. A sine and the cosine of the same angle are
 * half a row apart.
 */
#include <assert.h>

#include "kernels/cpu/stage.h"
#include "kernels/sentences.h"
#include "kernels/sinusoid.h"

static size_t token_row(const struct call *c, size_t t)
{
    const int32_t *tokens = c->operand[EMBEDDING_TOKENS].data;

    assert(tokens[t] >= 0 && tokens[t] < c->operand[EMBEDDING_W].dim[0]);
    return (size_t)tokens[t];
}

static void copy_rows(const struct call *c, struct range rows)
{
    const struct operand *w = &c->operand[EMBEDDING_W];
    size_t bytes = (size_t)w->dim[1] * dtype_size(w->dtype);
    const char *from = w->data;
    char *to = c->operand[EMBEDDING_Y].data;

    for (size_t t = rows.begin; t < rows.end; t++)
        memcpy(to + t * bytes, from + token_row(c, t) * bytes, bytes);
}

/* Writes columns of row t: scale * w, added to `sum`. */
static void end_columns(const struct call *c, size_t t, size_t column,
                        size_t n, float sum[])
{
    const struct operand *y = &c->operand[EMBEDDING_Y];
    size_t columns = (size_t)y->dim[1];
    float scale = c->attr.embedding.scale, room[STAGE_COLUMNS];
    const float *w = stage_floats(&c->operand[EMBEDDING_W],
                                  token_row(c, t) * columns + column, n, room);

#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += scale * w[i];
    stage_put(y, t * columns + column, n, sum);
}

static void scale_rows(const struct call *c, struct range rows)
{
    size_t columns = (size_t)c->operand[EMBEDDING_Y].dim[1];

    for (size_t t = rows.begin; t < rows.end; t++)
        for (size_t i = 0; i < columns; i += STAGE_COLUMNS) {
            float sum[STAGE_COLUMNS] = { 0 };

            end_columns(c, t, i, size_min(columns - i, STAGE_COLUMNS), sum);
        }
}

/* Columns of a sinusoidal embedding, and those half a row further on. */
struct waves {
    size_t column, n, half;
    double step[STAGE_COLUMNS];  /* sinusoid_step() of each */
};

static struct waves waves_at(size_t column, size_t half)
{
    struct waves w = { column, size_min(half - column, STAGE_COLUMNS), half,
                       { 0 } };

    for (size_t i = 0; i < w.n; i++)
        w.step[i] = sinusoid_step((int)(column + i), (int)half);
    return w;
}

static void place_row(const struct call *c, const struct waves *w, size_t t,
                      int position)
{
    float sine[STAGE_COLUMNS], cosine[STAGE_COLUMNS];
    double row = position + SINUSOID_FIRST;

#pragma omp simd
    for (size_t i = 0; i < w->n; i++) {
        struct sinusoid s = sinusoid_at(row * w->step[i]);

        sine[i] = s.sine;
        cosine[i] = s.cosine;
    }
    end_columns(c, t, w->column, w->n, sine);
    end_columns(c, t, w->half + w->column, w->n, cosine);
}

static int position_of(const struct call *c, int row)
{
    const struct operand *ends = &c->operand[EMBEDDING_ENDS];
    const struct operand *position = &c->operand[EMBEDDING_POSITION];

    if (operand_given(position))
        return *(const int32_t *)position->data;
    return row - sentence_of_row(ends->data, ends->dim[0], row).begin;
}

static void place_rows(const struct call *c, struct range rows)
{
    size_t half = (size_t)c->operand[EMBEDDING_Y].dim[1] / 2;

    for (size_t i = 0; i < half; i += STAGE_COLUMNS) {
        struct waves waves = waves_at(i, half);

        for (size_t t = rows.begin; t < rows.end; t++)
            place_row(c, &waves, t, position_of(c, (int)t));
    }
}

void KERNEL(embedding)(const struct call *c)
{
    size_t rows = operand_rows(&c->operand[EMBEDDING_Y]);
    bool places = operand_given(&c->operand[EMBEDDING_ENDS]) ||
                  operand_given(&c->operand[EMBEDDING_POSITION]);

    assert(!places || c->operand[EMBEDDING_Y].dim[1] % 2 == 0);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range part = range_share(rows, t, c->threads);

        if (places)
            place_rows(c, part);
        else if (c->attr.embedding.scale == 1)
            copy_rows(c, part);
        else
            scale_rows(c, part);
    }
}
