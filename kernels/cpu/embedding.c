/*
 * embedding: each token's row of a table.
 *   in tokens (T) int32, w (V, C)
 *   out y (T, C)
 */
#include <assert.h>

#include "kernels/cpu/stage.h"

static void copy_rows(const struct call *c, struct range rows)
{
    const struct operand *w = &c->operand[EMBEDDING_W];
    const int32_t *tokens = c->operand[EMBEDDING_TOKENS].data;
    size_t bytes = (size_t)w->dim[1] * dtype_size(w->dtype);
    const char *from = w->data;
    char *to = c->operand[EMBEDDING_Y].data;

    for (size_t t = rows.begin; t < rows.end; t++) {
        assert(tokens[t] >= 0 && tokens[t] < w->dim[0]);
        memcpy(to + t * bytes, from + (size_t)tokens[t] * bytes, bytes);
    }
}

void KERNEL(embedding)(const struct call *c)
{
    const struct operand *y = &c->operand[EMBEDDING_Y];
    size_t rows = operand_rows(y);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++)
        copy_rows(c, range_share(rows, t, c->threads));
}
