/*
 * Each cell is drawn at its own place, whatever the font says of its width.
 * Blocks are drawn as boxes, so that neighbours meet.
 */
#include "ui/term/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/sheet.h"

/* Pixels. Lines of a usual font for terminals are that high. */
static const double font_size = 15, cell_high = 18, picture_edge = 10;

struct picture {
    struct sheet *sheet;
    enum theme theme;
    double cell_wide;
    int paper, text;             /* colours of the terminal, as inks */
};

/* The way from one ink to another, in hundredths. */
static int mix(int from, int to, int part)
{
    int rgb = 0;

    for (int shift = 0; shift <= 16; shift += 8) {
        int a = from >> shift & 255, b = to >> shift & 255;
        rgb |= (a + (b - a) * part / 100) << shift;
    }
    return INK_RGB | rgb;
}

static int ink_of_style(const struct picture *p, unsigned style)
{
    struct paint paint = theme_paint(p->theme,
                                     (enum role)(style & STYLE_ROLE));
    int rgb[3];

    if (paint.colour < 0)
        return p->text;
    theme_rgb(paint.colour, rgb);
    return INK_RGB | rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

/* Draws a block in parts of its cell; false if a character is none. */
static bool draw_block(const struct picture *p, uint32_t c, double x, double y,
                       int ink, int paper)
{
    /* Quarters: upper left 1, upper right 2, lower left 4, lower right 8. */
    static const unsigned char quarters[] = { 4, 8, 1, 13, 9, 7, 11, 2, 6,
                                              14 };
    double wide = p->cell_wide, high = cell_high;
    unsigned parts;

    if (c >= 0x2591 && c <= 0x2593) {
        ink = mix(paper, ink, 25 * (int)(c - 0x2590));
        sheet_fill(p->sheet, (struct box){ x, y, wide, high }, ink);
        return true;
    }
    if (c >= 0x2588 && c <= 0x258f) {
        double part = wide * (0x2590 - c) / 8.0;
        sheet_fill(p->sheet, (struct box){ x, y, part, high }, ink);
        return true;
    }
    if (c == 0x2580 || c == 0x2584 || c == 0x2590)
        parts = c == 0x2580 ? 3 : c == 0x2584 ? 12 : 10;
    else if (c >= 0x2596 && c <= 0x259f)
        parts = quarters[c - 0x2596];
    else
        return false;
    for (int i = 0; i < 4; i++)
        if (parts >> i & 1)
            sheet_fill(p->sheet, (struct box){ x + i % 2 * wide / 2,
                                               y + i / 2 * high / 2, wide / 2,
                                               high / 2 }, ink);
    return true;
}

static void draw_cell_text(const struct picture *p, const struct cell *cell,
                           double x, double y, unsigned attributes, int ink,
                           int paper)
{
    struct font font = { ink, font_size, attributes & STYLE_BOLD, true,
                         ALIGN_LEFT };
    uint32_t c;

    if (!cell->text[0] || strcmp(cell->text, " ") == 0)
        return;
    text_decode(cell->text, strlen(cell->text), &c);
    if (!draw_block(p, c, x, y, ink, paper))
        sheet_text(p->sheet, font, x, y + 0.78 * cell_high, cell->text);
}

static void picture_cell(const struct picture *p, const struct cell *cell,
                      double x, double y)
{
    unsigned attributes = theme_attributes(p->theme, cell->style, true);
    int ink = ink_of_style(p, cell->style), paper = p->paper;

    if (attributes & STYLE_DIM)
        ink = mix(paper, ink, 60);
    if (attributes & STYLE_REVERSE) {
        paper = ink;
        ink = p->paper;
        sheet_fill(p->sheet, (struct box){ x, y, p->cell_wide, cell_high },
                   paper);
    }
    if (attributes & STYLE_UNDERLINE)
        sheet_line(p->sheet, (struct stroke){ ink, 1, DASH_NONE }, x,
                   y + cell_high - 1.5, x + p->cell_wide, y + cell_high - 1.5);
    draw_cell_text(p, cell, x, y, attributes, ink, paper);
}

static void picture_cells(const struct picture *p, const struct cells *g)
{
    sheet_fill(p->sheet, (struct box){ 0, 0, g->cols * p->cell_wide +
                                                 2 * picture_edge,
                                       g->rows * cell_high +
                                           2 * picture_edge }, p->paper);
    for (int r = 0; r < g->rows; r++)
        for (int c = 0; c < g->cols; c++)
            picture_cell(p, &g->cell[r * g->cols + c],
                      picture_edge + c * p->cell_wide,
                      picture_edge + r * cell_high);
}

/* The width of a cell is that of a character, in whole pixels. */
static double measure_cell(void)
{
    struct sheet *s = sheet_new(SHEET_SVG, 1, 1);
    struct buffer nothing = { NULL, 0, 0 };
    double width = sheet_width(s, (struct font){ INK_TEXT, font_size, false,
                                                 true, ALIGN_LEFT }, "M");

    sheet_end(s, &nothing, NULL);
    buffer_done(&nothing);
    return fmax(1, round(width));
}

static bool draw_as_svg(const struct cells *g, enum theme theme,
                        struct buffer *b)
{
    bool light = theme == THEME_LIGHT;
    struct picture p = {
        .theme = theme, .cell_wide = measure_cell(),
        .paper = INK_RGB | (light ? 0xffffff : 0x10141a),
        .text = INK_RGB | (light ? 0x1b1f24 : 0xd7dce2)
    };

    p.sheet = sheet_new(SHEET_SVG, g->cols * p.cell_wide + 2 * picture_edge,
                        g->rows * cell_high + 2 * picture_edge);
    picture_cells(&p, g);
    return sheet_end(p.sheet, b, NULL);
}

const char *picture_draw(const struct cells *g, enum theme theme,
                         struct buffer *b)
{
    char *text;

    if (sheet_can(SHEET_SVG, NULL) && draw_as_svg(g, theme, b))
        return "svg";
    text = cells_dump(g);
    buffer_text(b, text);
    free(text);
    return "txt";
}
