/*
 * Numbers of bytes as text, for people: with the binary units KiB, MiB, GiB
 * and TiB, never with decimal units. JSON has plain integers instead.
 */
#ifndef MEMDIAL_BYTES_H
#define MEMDIAL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BYTES_TEXT_SIZE = 32, BYTES_EXACT_SIZE = 64 };

/* "512 B", "1.50 KiB", "24.5 MiB", "381.4 GiB", "1017 KiB": three or four
 * significant digits, but a count below 1 KiB stands as it is; at most 9 cells.
 * Returns text. */
const char *bytes_format(char *text, size_t size, uint64_t bytes);

/* "206.2 KiB (211200 bytes)", for a limit that may be typed. Returns text. */
const char *bytes_exact(char text[BYTES_EXACT_SIZE], uint64_t bytes);

/* Reads "8MiB", "8.5 MiB" or "8388608". False, leaving *bytes alone, if the
 * text is none of these or the number is too large. */
bool bytes_parse(const char *text, uint64_t *bytes);

#endif
