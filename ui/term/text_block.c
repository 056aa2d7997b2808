#include "ui/term/text_block.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void text_block_add(struct text_block *b, unsigned style, const char *format,
                    ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = xcalloc((unsigned long)n + 1, 1);
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    b->lines = xrealloc(b->lines, (unsigned long)b->count + 1,
                        sizeof(*b->lines));
    b->lines[b->count++] = (struct text_line){ text, style, false };
}

void text_block_choosable(struct text_block *b)
{
    b->lines[b->count - 1].choosable = true;
}

int text_block_choices(const struct text_block *b)
{
    int n = 0;

    for (int i = 0; i < b->count; i++)
        n += b->lines[i].choosable;
    return n;
}

void text_block_done(struct text_block *b)
{
    for (int i = 0; i < b->count; i++)
        free(b->lines[i].text);
    free(b->lines);
    *b = (struct text_block){ 0 };
}

/* The bytes of a text that go on a row of `cols` columns, with the space that
 * it is broken at; at least one character, so that every text ends. */
static size_t break_at(const char *text, int cols)
{
    size_t at = 0, space = 0;
    int width = 0;

    while (text[at]) {
        struct text_cell cell;
        size_t bytes = text_cell(text + at, strlen(text + at), &cell);
        width += cell.columns;
        if (width > cols && at > 0)
            return space ? space : at;
        at += bytes;
        if (cell.character == ' ')
            space = at;
    }
    return at;
}

/* The column at which the further rows of a line begin: where its text begins
 * or, if two spaces part it into columns, where the second begins. */
static int hanging_column(const char *text)
{
    const char *begin = text + strspn(text, " ");
    const char *gap = strstr(begin, "  ");
    char before[1024];

    if (gap)
        begin = gap + strspn(gap, " ");
    snprintf(before, sizeof(before), "%.*s", (int)(begin - text), text);
    return cells_width(before);
}

/* Draws a line or, without an area, counts its rows. */
static int flow(const struct text_line *line, int cols, struct area *area,
                int row)
{
    int indent = (int)strspn(line->text, " "), rows = 0;
    int column = hanging_column(line->text);
    const char *text = line->text + indent;

    if (indent > cols / 2)
        indent = 0;
    if (column > cols / 2)
        column = indent;
    do {
        char part[1024];
        int at = rows ? column : indent;
        size_t n = break_at(text, cols - at);
        snprintf(part, sizeof(part), "%.*s", (int)n, text);
        if (area)
            area_text(*area, row + rows, at, line->style, part);
        text += n;
        rows++;
    } while (*text);
    return rows;
}

int text_block_rows(const struct text_block *b, int cols)
{
    int rows = 0;

    for (int i = 0; i < b->count; i++)
        rows += flow(&b->lines[i], cols, NULL, 0);
    return rows;
}

int text_block_choice_row(const struct text_block *b, int choice, int cols)
{
    int row = 0;

    for (int i = 0; i < b->count; i++) {
        if (b->lines[i].choosable && choice-- == 0)
            return row;
        row += flow(&b->lines[i], cols, NULL, 0);
    }
    return row;
}

void text_block_draw(const struct text_block *b, struct area area, int scroll)
{
    int row = -scroll;

    for (int i = 0; i < b->count; i++)
        row += flow(&b->lines[i], area.cols, &area, row);
}
