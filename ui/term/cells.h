/*
 * A grid of character cells that widgets draw into, and areas: rectangles of
 * a grid that clip drawing. Nothing here knows a terminal: terminal.c copies a
 * grid to the screen, tests compare its text.
 *
 * Widgets draw with any Unicode character. A grid whose glyphs are ASCII stores
 * the nearest ASCII character instead, always one for one, so that columns do
 * not depend on the terminal.
 */
#ifndef MEMDIAL_CELLS_H
#define MEMDIAL_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* The glyphs that a terminal can draw, each set with all those before it. */
enum glyphs { GLYPHS_ASCII, GLYPHS_BLOCK, GLYPHS_BRAILLE };

/*
 * A style is a role of theme.h, in its low byte, and attributes. The theme
 * decides how a role looks.
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

/* The part of a rectangle within the area; its origin is the area's. */
struct area area_sub(struct area, int row, int col, int rows, int cols);
struct area area_rect(struct area, struct rect);

/* Draws text and returns the column after it, whether or not all of it fitted.
 * Control characters and broken UTF-8 become '?'. */
int area_text(struct area, int row, int col, unsigned style,
              const char *text);
int area_print(struct area, int row, int col, unsigned style,
               const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Draws text that ends before column `end`. */
void area_right(struct area, int row, int end, unsigned style,
                const char *text);

/* Draws at most `width` columns, the last an ellipsis if the text was cut. */
void area_fit(struct area, int row, int col, int width, unsigned style,
              const char *text);

/* Fills the area with one character. */
void area_fill(struct area, unsigned style, const char *character);

/* Adds attributes to cells already drawn in part of a row. Reversed cells
 * become plain text, so that a chosen row has one colour throughout. */
void area_mark(struct area, int row, int col, int cols, unsigned attributes);

/* Draws a border with a title and returns the area inside it. */
struct area area_box(struct area, unsigned style, unsigned title_style,
                     const char *title);

/* Columns that a text takes. */
int cells_width(const char *text);

/*
 * Whether every terminal gives the cell one column. Terminals differ in the
 * version of Unicode they know and in how they draw marks. The characters that
 * the screens themselves are drawn with are certain.
 */
bool cell_is_certain(const struct cell *);

/* Whether all cells in the first rows and columns are certain. */
bool cells_are_certain(const struct cells *, int rows, int cols);

/* Encodes one character with a final NUL. */
void cells_encode(uint32_t character, char text[CELL_TEXT_SIZE]);

bool rect_has(struct rect, int row, int col);

#endif
