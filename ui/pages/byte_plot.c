#include "ui/pages/byte_plot.h"

#include <math.h>
#include <stdio.h>

void byte_plot_label(double x, char text[NUMBER_SIZE])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int power = (int)lround(x);

    *text = '\0';
    if (fabs(x - power) < 1e-6 && power >= 0 && power < 50)
        snprintf(text, NUMBER_SIZE, "%d %s", 1 << power % 10,
                 units[power / 10]);
}

static bool is_taken(struct area area, int row, int col, int width)
{
    bool taken = false;

    for (int c = col; c < col + width && c < area.cols; c++) {
        const struct cell *cell =
            &area.cells->cell[(area.row + row) * area.cells->cols + area.col +
                              c];
        taken |= cell->text[0] >= 'A' && cell->text[0] <= 'Z';
    }
    return taken;
}

int byte_plot_column(struct area area, int row, int col, int width)
{
    for (int step = 0; step < 8; step++) {
        int at = col + step * (width + 1);
        if (at + width <= area.cols && !is_taken(area, row, at, width))
            return at;
    }
    return col;
}
