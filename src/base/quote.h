/*
 * Text of anybody's, as it stands in other languages: as an argument of a
 * shell, in markup, and in a table of Markdown. In the last two a character
 * that cannot be shown becomes '?'.
 */
#ifndef MEMDIAL_QUOTE_H
#define MEMDIAL_QUOTE_H

#include "base/buffer.h"

/* In quotes only where a shell would take it for something else. */
void quote_shell(struct buffer *, const char *text);
void quote_markup(struct buffer *, const char *text);
void quote_markdown(struct buffer *, const char *text);

/* The text alone, as one line. */
void quote_plain(struct buffer *, const char *text);

#endif
