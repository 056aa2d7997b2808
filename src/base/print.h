/*
 * All that is printed for people goes through here, and so does JSON: nothing
 * else writes to standard output or standard error. Text that comes in by %s
 * or %c, as names and messages do, cannot do anything to a terminal. Characters
 * that text_can_show() refuses are printed as '?', newlines too, and where the
 * locale is not UTF-8 all that are not ASCII. Control characters of a format
 * itself are printed.
 *
 * Standard output is kept back until print_flush(). The first failure to write
 * is remembered, and nothing is written after it. No reader is waited for once
 * a signal has come that asks the program to end.
 */
#ifndef MEMDIAL_PRINT_H
#define MEMDIAL_PRINT_H

#include <stdbool.h>
#include <stddef.h>

/* printf() with the conversions d, u, f, g, c, s and %; widths count columns of
 * a terminal. Returns how many it took, control characters aside. */
int print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same on standard error, at once and after standard output. */
void print_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Bytes on standard output as they are. */
void print_bytes(const char *bytes, size_t count);

/* Whether all that was printed has been written. If not, errno is that of the
 * first write that failed. */
bool print_flush(void);

#endif
