/*
 * The end of a name that nobody can guess: 16 hexadecimal digits. A file with a
 * tag is this program's own, and may be found after its process has ended.
 */
#ifndef MEMDIAL_TAG_H
#define MEMDIAL_TAG_H

#include <stdbool.h>

enum { TAG_DIGITS = 16, TAG_SIZE = TAG_DIGITS + 1 };

/* Writes a new tag each time. */
const char *tag_make(char text[TAG_SIZE]);

/* Whether a text begins with a tag. */
bool tag_begins(const char *text);

#endif
