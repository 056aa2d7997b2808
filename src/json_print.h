/*
 * How a JSON document, as opposed to a line of a stream, is printed.
 */
#ifndef MEMDIAL_JSON_PRINT_H
#define MEMDIAL_JSON_PRINT_H

#include <jansson.h>

/* Prints to standard output, indented, reals with all their digits; releases
 * the value. */
void json_print(json_t *);

#endif
