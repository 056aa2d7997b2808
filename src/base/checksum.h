/*
 * FNV-1a of 64 bits (Fowler, Noll and Vo): tells accidents and mix-ups, not
 * malice, for anybody can make other bytes of the same sum.
 */
#ifndef MEMDIAL_CHECKSUM_H
#define MEMDIAL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The sum of no bytes. */
#define CHECKSUM_START 0xCBF29CE484222325u

/* The sum of all bytes before, and of these. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t bytes);

/* In hexadecimal digits, with a final NUL. */
enum { CHECKSUM_DIGITS = 16 };
void checksum_write(uint64_t sum, char digits[CHECKSUM_DIGITS + 1]);

#endif
