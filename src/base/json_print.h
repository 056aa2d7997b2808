/*
 * How JSON is made, read and printed. The library's allocator ends the program
 * when the host is out of memory, so any other failure to make a value is a
 * bug: text that may not be UTF-8 must come from json_text(), and numbers that
 * may not be finite from json_number(). Values are put together by functions
 * that insist on them, for the library's own leave a gap in silence. All output
 * is printable ASCII, which does nothing to a terminal.
 */
#ifndef MEMDIAL_JSON_PRINT_H
#define MEMDIAL_JSON_PRINT_H

#include <jansson.h>

/* The text as a JSON string; octets.h says how bytes that are not UTF-8 are
 * written. */
json_t *json_text(const char *);

/* Reads a line of JSON. Its strings get back the bytes that json_text() was
 * given. NULL if the line is not JSON. */
json_t *json_read(const char *line, size_t length, json_error_t *why);

/* A JSON number, or null if it is not finite: JSON has no such numbers. */
json_t *json_number(double);

/* A count, of bytes or operations, as the nearest integer; a count that is too
 * large for an integer as json_number(). */
json_t *json_count(double);

/* Adds a member; takes the value over. */
void json_put(json_t *object, const char *name, json_t *value);
void json_push(json_t *array, json_t *value);

/* An array of `count` whole numbers. */
json_t *json_integers(const int *, int count);

/* The value on one line, without a newline, reals with all their digits; the
 * caller frees. Releases the value. */
char *json_line(json_t *);

/* Prints such a line, with its newline, to standard output. */
void json_print_line(json_t *);

/* Prints to standard output, indented, reals with all their digits; releases
 * the value. */
void json_print(json_t *);

#endif
