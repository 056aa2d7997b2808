/*
 * The end of a name that nobody can guess: 16 hexadecimal digits. What bears
 * one is this program's own, and may be looked for when its process is gone.
 */
#ifndef MEMDIAL_TAG_H
#define MEMDIAL_TAG_H

#include <stdbool.h>

enum { TAG_DIGITS = 16, TAG_SIZE = TAG_DIGITS + 1 };

/* Writes another one each time. */
const char *tag_make(char text[TAG_SIZE]);

/* Whether a text begins with one. */
bool tag_begins(const char *text);

#endif
