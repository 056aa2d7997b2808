#include "tests/op_blocks.h"

#include <math.h>
#include <string.h>

#include "kernels/squeeze.h"

/* A power of two, so that numbers, their range and its division are exact. A
 * block's range is less than 4. */
static double grid(enum dtype dtype)
{
    return dtype == DTYPE_8BIT ? 0x1p-6 : 0x1p-2;
}

void blocks_round(const struct operand *o, double *value)
{
    double unit = grid(o->dtype), most = unit * (squeeze_most(o->dtype) - 1);
    double least = 0;

    for (size_t i = 0; i < operand_elements(o); i++) {
        size_t k = i % BLOCK_NUMBERS;

        if (k == 0)
            least = 4 * round(value[i] / 4) - most / 2;
        value[i] = k == 0 ? least : k == 1 ? least + most
                                           : round(value[i] / unit) * unit;
        value[i] = fmin(fmax(value[i], least), least + most);
    }
}

static void store_block(enum dtype dtype, const double *value, size_t n,
                        uint8_t *to)
{
    bool single = n == 1;
    struct squeeze_head head = { (float)value[0],
                                 single ? 0 : (float)grid(dtype) };

    memcpy(to, &head, sizeof(head));
    to += BLOCK_HEAD_BYTES;
    for (size_t i = 0; i < n; i++) {
        double units = single ? 0 : (value[i] - value[0]) / grid(dtype);
        uint8_t code = value[i] == 0 ? 0 : (uint8_t)(units + 1);

        if (dtype == DTYPE_8BIT)
            to[i] = code;
        else if (i % 2 == 0)
            to[i / 2] = code;
        else
            to[i / 2] |= (uint8_t)(code << 4);
    }
}

void blocks_store(const struct operand *o, const double *value)
{
    size_t n = operand_elements(o);
    uint8_t *to = o->data;

    for (size_t i = 0; i < n; i += BLOCK_NUMBERS, to += dtype_size(o->dtype))
        store_block(o->dtype, value + i,
                    n - i < BLOCK_NUMBERS ? n - i : BLOCK_NUMBERS, to);
}

double blocks_element(const struct operand *o, size_t i)
{
    const uint8_t *block = (const uint8_t *)o->data
                           + i / BLOCK_NUMBERS * dtype_size(o->dtype);
    const uint8_t *code = block + BLOCK_HEAD_BYTES;
    struct squeeze_head head;

    memcpy(&head, block, sizeof(head));
    i %= BLOCK_NUMBERS;
    return squeeze_number(head, o->dtype == DTYPE_8BIT
                                    ? code[i]
                                    : code[i / 2] >> i % 2 * 4 & 15);
}
