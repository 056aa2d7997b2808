#include "ui/term/byte_axis.h"

#include <math.h>

#include "base/bytes.h"
#include "ui/term/theme.h"

enum { ROWS_APART = 2 };

void byte_axis_draw(struct area area, double top)
{
    double tick = 1;

    while (tick / top * area.rows < ROWS_APART)
        tick *= 2;
    for (int r = 0; r < area.rows; r++)
        area_text(area, r, BYTE_AXIS_COLS - 1, ROLE_BORDER, "│");
    for (double at = 0; at < top; at += tick) {
        int row = area.rows - 1 - (int)lround(at / top * area.rows);
        char text[BYTES_TEXT_SIZE];
        area_right(area, row, BYTE_AXIS_COLS - 1, ROLE_DIM,
                   bytes_format(text, sizeof(text), (uint64_t)at));
        if (row >= 0)
            area_text(area, row, BYTE_AXIS_COLS - 1, ROLE_BORDER,
                      at > 0 ? "┤" : "└");
    }
}
