/*
 * embedding_wgrad: the gradient of an embedding's table, scale times the sum of
 * the rows of dy that belong to a token.
 *   in tokens (T) int32, dy (T, C)
 *   update dw (V, C): added to
 *
 * The rows of one token are summed in floats, in their order, and added to dw
 * once, by the block that has the token's first place: no atomic additions, so
 * that the bits are always the same.
 */
#include "kernels/cuda/cuda.h"

/* A block for each place, its threads side by side over the columns. */
template <typename T>
static __global__ void embedding_wgrad(int count, int channels, float scale,
                                       const int32_t *tokens, const T *dy,
                                       T *dw)
{
    wait_for_earlier();

    int place = (int)blockIdx.x;
    int32_t token = tokens[place];

    for (int i = 0; i < place; i++)
        if (tokens[i] == token)
            return;
    for (int k = (int)threadIdx.x; k < channels; k += (int)blockDim.x) {
        T *to = dw + (size_t)token * (size_t)channels + k;
        float sum = 0;

        for (int i = place; i < count; i++)
            if (tokens[i] == token)
                sum += widen(dy[(size_t)i * (size_t)channels + k]);
        narrow(to, fmaf(scale, sum, widen(*to)));
    }
}

void cuda_embedding_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *dw = &c->operand[EMBEDDING_WGRAD_DW];
    const struct operand *tokens = &c->operand[EMBEDDING_WGRAD_TOKENS];

    with_number(dw->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, (unsigned)tokens->dim[0], BLOCK_THREADS, 0,
               embedding_wgrad<T>, tokens->dim[0], channels_of(dw),
               c->attr.embedding.scale, data_of<int32_t>(tokens),
               data_of<T>(&c->operand[EMBEDDING_WGRAD_DY]), data_of<T>(dw));
    });
}
