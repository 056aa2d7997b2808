/*
 * A grid of character cells that widgets draw into, and areas: rectangles of
 * a grid that clip drawing. Nothing here knows a terminal: terminal.c copies a
 * grid to one, tests compare its text.
 *
 * Widgets draw with any Unicode character; a grid whose glyphs are ASCII
 * stores the nearest ASCII one instead, always one for one, so that columns
 * do not depend on what the terminal can show.
 */
#ifndef MEMDIAL_CELLS_H
#define MEMDIAL_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* What the terminal can draw; each can draw all that those before it can. */
enum glyphs { GLYPHS_ASCII, GLYPHS_BLOCK, GLYPHS_BRAILLE };

/*
 * A style is a role of theme.h, in its low byte, and attributes. What a role
 * looks like is the theme's business.
 */
enum {
    STYLE_ROLE = 0xff,
    STYLE_BOLD = 1 << 8,
    STYLE_DIM = 1 << 9,
    STYLE_REVERSE = 1 << 10,
    STYLE_UNDERLINE = 1 << 11
};

/* A character and its marks, as UTF-8. The right half of a character two
 * columns wide has no text. */
enum { CELL_TEXT_SIZE = TEXT_CELL_SIZE };

struct cell {
    char text[CELL_TEXT_SIZE];
    unsigned style;
};

struct rect {
    int row, col, rows, cols;
};

struct cells {
    int rows, cols;
    enum glyphs glyphs;
    struct cell *cell;   /* [rows * cols] */
};

struct area {
    struct cells *cells; /* borrowed */
    int row, col, rows, cols; /* within the grid, always */
};

void cells_init(struct cells *, int rows, int cols, enum glyphs);
void cells_done(struct cells *);
void cells_resize(struct cells *, int rows, int cols);
void cells_clear(struct cells *);

/* The text, one line per row, without trailing spaces; the caller frees. */
char *cells_dump(const struct cells *);

struct area area_all(struct cells *);

/* What of a rectangle lies within the area; its origin is the area's. */
struct area area_sub(struct area, int row, int col, int rows, int cols);
struct area area_rect(struct area, struct rect);

/* Draws text and returns the column after it, whether or not it all fitted.
 * Control characters and broken UTF-8 become '?'. */
int area_text(struct area, int row, int col, unsigned style,
              const char *text);
int area_print(struct area, int row, int col, unsigned style,
               const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same, to end before column `end`. */
void area_right(struct area, int row, int end, unsigned style,
                const char *text);

/* Text of at most `width` columns, the last an ellipsis if it was cut. */
void area_fit(struct area, int row, int col, int width, unsigned style,
              const char *text);

/* One character, all over the area. */
void area_fill(struct area, unsigned style, const char *character);

/* Adds attributes to cells already drawn in part of a row. Reversed ones become
 * plain text, so that a chosen row has one colour throughout. */
void area_mark(struct area, int row, int col, int cols, unsigned attributes);

/* Draws a border with a title and returns the area inside it. */
struct area area_box(struct area, unsigned style, unsigned title_style,
                     const char *title);

/* Columns that a text takes. */
int cells_width(const char *text);

/*
 * Whether every terminal takes the cell for one column. Terminals differ in
 * what they know of Unicode and in how they draw marks; of the characters that
 * the screens themselves are drawn with, none is in doubt.
 */
bool cell_is_certain(const struct cell *);

/* Whether all are in the first rows and columns. */
bool cells_are_certain(const struct cells *, int rows, int cols);

/* Encodes one character with a final NUL. */
void cells_encode(uint32_t character, char text[CELL_TEXT_SIZE]);

bool rect_has(struct rect, int row, int col);

#endif
