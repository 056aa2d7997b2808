/*
 * The key table, for people: the help page, and the section KEYS of
 * memdial(1).
 */
#ifndef MEMDIAL_HELP_H
#define MEMDIAL_HELP_H

#include "ui/term/keys.h"
#include "ui/term/text_block.h"

/* The keys of a page, then the meaning of letters and patterns, as they are
 * drawn with these glyphs. */
void help_fill(struct text_block *, enum page_id, enum glyphs);

/* Prints the table as items of an mdoc list. */
void help_print_mdoc(void);

#endif
