#include "base/checksum.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t checksum_add(uint64_t sum, const void *data, size_t bytes)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ p[i]) * 0x100000001B3u;
    return sum;
}

void checksum_write(uint64_t sum, char digits[CHECKSUM_DIGITS + 1])
{
    snprintf(digits, CHECKSUM_DIGITS + 1, "%016" PRIx64, sum);
}
