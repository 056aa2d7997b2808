#include "ui/term/bar.h"

#include <math.h>

#include "ui/term/theme.h"

static void draw_part(struct area area, int row, int from, int to,
                      enum kind kind)
{
    unsigned style = (unsigned)(ROLE_KIND + (int)kind);
    const char *pattern = theme_pattern(kind, area.cells->glyphs);

    for (int c = from; c < to; c++)
        area_text(area, row, c, style, pattern);
    if (to - from >= 3)
        area_print(area, row, (from + to - 1) / 2, style | STYLE_REVERSE,
                   "%c", theme_letter(kind));
}

int bar_kinds(struct area area, int row, int col, int cols,
              const size_t bytes[KIND_COUNT], double most, double scale)
{
    double sum = 0, shown = fmin(most, scale);
    int end = col;

    for (int k = 0; k < KIND_COUNT && scale > 0; k++) {
        int from = end;
        sum += (double)bytes[k];
        end = col + (int)lround(fmin(sum, shown) / scale * cols);
        draw_part(area, row, from, end, (enum kind)k);
    }
    if (fmin(sum, most) > scale)
        area_text(area, row, end - 2, ROLE_KEY | STYLE_BOLD, "▸▸");
    return end;
}

void bar_share(struct area area, int row, int col, int cols, unsigned style,
               double share)
{
    bool fine = area.cells->glyphs != GLYPHS_ASCII;
    int eighths = (int)lround(fmin(fmax(share, 0), 1) * cols * 8);

    for (int i = 0; i < cols; i++) {
        int fill = eighths - 8 * i;
        char text[CELL_TEXT_SIZE];
        if (fill <= (fine ? 0 : 3))
            break;
        /* U+2588 is a full cell, U+258F one eighth. */
        cells_encode(fine ? 0x2590u - (uint32_t)(fill < 8 ? fill : 8) : '#',
                     text);
        area_text(area, row, col + i, style, text);
    }
}
