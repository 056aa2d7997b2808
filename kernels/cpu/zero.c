/*
 * zero: fills with zero bytes.
 *   out x, any shape and dtype
 */
#include <string.h>

#include "kernels/cpu/cpu.h"

void KERNEL(zero)(const struct call *c)
{
    const struct operand *x = &c->operand[ZERO_X];
    size_t bytes = operand_elements(x) * dtype_size(x->dtype);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range part = range_share(bytes, t, c->threads);

        memset((char *)x->data + part.begin, 0, part.end - part.begin);
    }
}
