/*
 * Lines of text with styles, and how to show them scrolled in an area: for
 * explanations and help.
 */
#ifndef MEMDIAL_TEXT_BLOCK_H
#define MEMDIAL_TEXT_BLOCK_H

#include "ui/term/cells.h"

struct text_block {
    struct text_line {
        char *text;      /* owned */
        unsigned style;
        bool choosable;
    } *lines;            /* owned, [count] */
    int count;
};

/* Adds a line. A long line is broken at spaces when it is drawn. Its further
 * rows begin below its first character that is not a space or, where two spaces
 * part it into columns, below the second column. */
void text_block_add(struct text_block *, unsigned style, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));
/* Makes the line that was added last one that can be chosen. */
void text_block_choosable(struct text_block *);

/* How many there are; the row at which one begins, when `cols` columns wide. */
int text_block_choices(const struct text_block *);
int text_block_choice_row(const struct text_block *, int choice, int cols);

void text_block_done(struct text_block *);

/* Rows that the block takes when `cols` columns wide. */
int text_block_rows(const struct text_block *, int cols);

/* Draws the block from its row `scroll` on. */
void text_block_draw(const struct text_block *, struct area, int scroll);

#endif
