/*
 * How JSON is printed: a document, as opposed to a line of a stream, and text
 * of which nobody knows whether it is UTF-8.
 */
#ifndef MEMDIAL_JSON_PRINT_H
#define MEMDIAL_JSON_PRINT_H

#include <jansson.h>

/* Prints to standard output, indented, reals with all their digits; releases
 * the value. */
void json_print(json_t *);

/* The text as a JSON string; if it is not UTF-8, as when it was cut off or
 * names a file, with '?' for each byte that is not ASCII. */
json_t *json_text(const char *);

#endif
