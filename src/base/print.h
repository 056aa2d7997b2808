/*
 * All text for people is printed here, and so is JSON: no other file writes to
 * standard output or standard error. Text that comes in by %s or %c, such as
 * names and messages, cannot do anything to a terminal. Characters that
 * text_can_show() refuses are printed as '?', newlines too; where the locale is
 * not UTF-8, so are all characters beyond ASCII. Control characters of a format
 * itself are printed.
 *
 * Standard output is kept back until print_flush(). The first failure to write
 * is remembered, and nothing is written after it. Once a signal has asked the
 * program to end, no write waits for a reader.
 */
#ifndef MEMDIAL_PRINT_H
#define MEMDIAL_PRINT_H

#include <stdbool.h>
#include <stddef.h>

/* printf() with the conversions d, u, f, g, c, s and %; widths count columns of
 * a terminal. Returns the columns printed, without control characters. */
int print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* print() on standard error, at once and after standard output. */
void print_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Whether standard error is a terminal, on which a line can be drawn anew. */
bool print_error_shows(void);

/* Prints bytes on standard output as they are. */
void print_bytes(const char *bytes, size_t count);

/* Whether all printed text has been written. If not, errno is that of the first
 * write that failed. */
bool print_flush(void);

/* Whether an open file is that which standard output or standard error goes
 * to, by any name. */
bool print_goes_to(int fd);

#endif
