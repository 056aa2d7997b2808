/*
 * expand: the numbers of a tensor that squeeze has stored (kernels/squeeze.h).
 *   in stored, DTYPE_8BIT or DTYPE_4BIT
 *   out x, of stored's shape, floats of any type
 */
#include "kernels/cpu/stage.h"

static void expand_block(const struct operand *stored, const struct operand *x,
                         size_t block)
{
    size_t at = block * BLOCK_NUMBERS;
    size_t n = size_min(operand_elements(x) - at, BLOCK_NUMBERS);
    float room[BLOCK_NUMBERS];

    stage_put(x, at, n, stage_floats(stored, at, n, room));
}

void KERNEL(expand)(const struct call *c)
{
    const struct operand *x = &c->operand[EXPAND_X];
    const struct operand *stored = &c->operand[EXPAND_STORED];
    size_t blocks = operand_bytes(stored) / dtype_size(stored->dtype);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < blocks; i++)
        expand_block(stored, x, i);
}
