#include "ui/term/cells.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

void cells_encode(uint32_t c, char text[CELL_TEXT_SIZE])
{
    memset(text, 0, CELL_TEXT_SIZE);
    text_encode(c, text);
}

int cells_width(const char *text)
{
    return text_columns(text, strlen(text));
}

/* The substitute for a character where only ASCII can be shown. */
static char ascii_of(uint32_t c)
{
    static const struct { uint32_t c; char ascii; } pairs[] = {
        { 0x00b7, '.' }, { 0x00d7, 'x' }, { 0x2013, '-' }, { 0x2014, '-' },
        { 0x2022, '*' }, { 0x2026, '~' }, { 0x2039, '<' }, { 0x203a, '>' },
        { 0x2190, '<' }, { 0x2191, '^' }, { 0x2192, '>' }, { 0x2193, 'v' },
        { 0x2212, '-' }, { 0x2264, '<' }, { 0x2265, '>' }, { 0x2248, '~' },
        { 0x25b2, '^' }, { 0x25b4, '^' }, { 0x25b6, '>' }, { 0x25b8, '>' },
        { 0x25bc, 'v' }, { 0x25be, 'v' }, { 0x25c0, '<' }, { 0x25c2, '<' },
        { 0x25cb, 'o' }, { 0x25cf, '*' }, { 0x2500, '-' }, { 0x2502, '|' },
        { 0x2506, ':' }, { 0x254c, '-' }, { 0x2713, '*' }, { 0x1d7ce, '0' },
    };

    if (c < 0x80)
        return (char)c;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        if (pairs[i].c == c)
            return pairs[i].ascii;
    if (c >= 0x2500 && c < 0x2580) /* corners and joins of boxes */
        return '+';
    if (c >= 0x2580 && c < 0x25a0)
        return '#';
    return '?';
}

void cells_init(struct cells *g, int rows, int cols, enum glyphs glyphs)
{
    *g = (struct cells){ .glyphs = glyphs };
    cells_resize(g, rows, cols);
}

void cells_done(struct cells *g)
{
    free(g->cell);
    *g = (struct cells){ 0 };
}

void cells_resize(struct cells *g, int rows, int cols)
{
    g->rows = rows > 0 ? rows : 0;
    g->cols = cols > 0 ? cols : 0;
    free(g->cell);
    g->cell = xcalloc((unsigned long)g->rows * (unsigned long)g->cols,
                      sizeof(*g->cell));
    cells_clear(g);
}

void cells_clear(struct cells *g)
{
    for (int i = 0; i < g->rows * g->cols; i++)
        g->cell[i] = (struct cell){ " ", 0 };
}

char *cells_dump(const struct cells *g)
{
    size_t row_size = (size_t)g->cols * CELL_TEXT_SIZE + 1;
    char *text = xcalloc((unsigned long)g->rows * row_size + 1, 1);
    char *to = text;

    for (int r = 0; r < g->rows; r++) {
        char *end = to;
        for (int c = 0; c < g->cols; c++) {
            const char *from = g->cell[r * g->cols + c].text;
            to = stpcpy(to, from);
            if (strcmp(from, " ") != 0)
                end = to;
        }
        to = stpcpy(end, "\n");
    }
    return text;
}

struct area area_all(struct cells *g)
{
    return (struct area){ g, 0, 0, g->rows, g->cols };
}

static void clip(int *from, int *count, int limit)
{
    int end = *from + *count;

    if (*from < 0)
        *from = 0;
    if (end > limit)
        end = limit;
    *count = end > *from ? end - *from : 0;
}

struct area area_sub(struct area a, int row, int col, int rows, int cols)
{
    clip(&row, &rows, a.rows);
    clip(&col, &cols, a.cols);
    return (struct area){ a.cells, a.row + row, a.col + col, rows, cols };
}

struct area area_rect(struct area a, struct rect r)
{
    return area_sub(a, r.row, r.col, r.rows, r.cols);
}

static struct cell *cell_at(struct area a, int row, int col)
{
    if (row < 0 || row >= a.rows || col < 0 || col >= a.cols)
        return NULL;
    return &a.cells->cell[(a.row + row) * a.cells->cols + a.col + col];
}

/* Clears the other half of a wide character that is half overwritten, which may
 * be in another area. */
static void part_wide(struct area a, int row, int col)
{
    struct area all = area_all(a.cells);
    struct cell *cell = cell_at(a, row, col);
    struct cell *left = cell_at(all, a.row + row, a.col + col - 1);
    struct cell *right = cell_at(all, a.row + row, a.col + col + 1);

    if (cell && cell->text[0] == '\0' && left)
        strcpy(left->text, " ");
    if (cell && right && right->text[0] == '\0')
        strcpy(right->text, " ");
}

/* Puts one ASCII character, and a blank after it if the cell has two columns.
 */
static void put_ascii(struct area a, int row, int col, unsigned style,
                      const struct text_cell *c)
{
    for (int i = 0; i < c->columns; i++) {
        struct cell *cell = cell_at(a, row, col + i);
        if (cell)
            *cell = (struct cell){ { i ? ' ' : ascii_of(c->character) },
                                   style };
    }
}

/* A wide character that is cut in the middle leaves blanks. */
static void put_character(struct area a, int row, int col, unsigned style,
                          const struct text_cell *c)
{
    struct cell *cell = cell_at(a, row, col);
    struct cell *right = c->columns == 2 ? cell_at(a, row, col + 1) : NULL;
    bool whole = cell && (c->columns == 1 || right);

    for (int i = 0; i < c->columns; i++)
        part_wide(a, row, col + i);
    if (a.cells->glyphs == GLYPHS_ASCII) {
        put_ascii(a, row, col, style, c);
        return;
    }
    if (cell)
        *cell = (struct cell){ " ", style };
    if (right)
        *right = (struct cell){ "", style };
    if (right && !whole)
        strcpy(right->text, " ");
    /* A no-break space is drawn as a space. */
    if (whole && c->character != 0xa0)
        strcpy(cell->text, c->text);
}

int area_text(struct area a, int row, int col, unsigned style,
              const char *text)
{
    for (size_t left = strlen(text), bytes; left > 0; left -= bytes) {
        struct text_cell cell;
        bytes = text_cell(text, left, &cell);
        put_character(a, row, col, style, &cell);
        text += bytes;
        col += cell.columns;
    }
    return col;
}

int area_print(struct area a, int row, int col, unsigned style,
               const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return area_text(a, row, col, style, text);
}

void area_right(struct area a, int row, int end, unsigned style,
                const char *text)
{
    area_text(a, row, end - cells_width(text), style, text);
}

void area_fit(struct area a, int row, int col, int width, unsigned style,
              const char *text)
{
    struct area part = area_sub(a, row, col, 1, width);

    area_text(part, 0, 0, style, text);
    if (cells_width(text) > width)
        area_text(part, 0, width - 1, style, "…");
}

void area_fill(struct area a, unsigned style, const char *character)
{
    for (int r = 0; r < a.rows; r++)
        for (int c = 0; c < a.cols; c++)
            area_text(a, r, c, style, character);
}

void area_mark(struct area a, int row, int col, int cols, unsigned attributes)
{
    for (int c = col; c < col + cols; c++) {
        struct cell *cell = cell_at(a, row, c);
        if (cell && attributes & STYLE_REVERSE)
            cell->style &= STYLE_BOLD;
        if (cell)
            cell->style |= attributes;
    }
}

struct area area_box(struct area a, unsigned style, unsigned title_style,
                     const char *title)
{
    int bottom = a.rows - 1, right = a.cols - 1;

    for (int c = 1; c < right; c++) {
        area_text(a, 0, c, style, "─");
        area_text(a, bottom, c, style, "─");
    }
    for (int r = 1; r < bottom; r++) {
        area_text(a, r, 0, style, "│");
        area_text(a, r, right, style, "│");
    }
    area_text(a, 0, 0, style, "╭");
    area_text(a, 0, right, style, "╮");
    area_text(a, bottom, 0, style, "╰");
    area_text(a, bottom, right, style, "╯");
    if (*title) {
        area_fit(a, 0, 3, a.cols - 6, title_style, title);
        area_text(a, 0, 2, style, " ");
        area_text(area_sub(a, 0, 0, 1, right), 0, 3 + cells_width(title),
                  style, " ");
    }
    return area_sub(a, 1, 1, a.rows - 2, a.cols - 2);
}

bool rect_has(struct rect r, int row, int col)
{
    return row >= r.row && row < r.row + r.rows && col >= r.col &&
           col < r.col + r.cols;
}

bool cell_is_certain(const struct cell *cell)
{
    uint32_t c;
    size_t length = strlen(cell->text);
    struct text_cell as_text;

    if (length < 2) /* 0: the right half of a cell in doubt */
        return length == 1;
    text_cell(cell->text, length, &as_text);
    c = as_text.character;
    return text_characters(cell->text) == 1 && as_text.columns == 1 &&
           (c < 0x590 || (c >= 0x2010 && c < 0x2300) || c == 0x2713 ||
            (c >= 0x2500 && c < 0x2600) || (c >= 0x2800 && c < 0x2900));
}

bool cells_are_certain(const struct cells *g, int rows, int cols)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            if (!cell_is_certain(&g->cell[r * g->cols + c]))
                return false;
    return true;
}
