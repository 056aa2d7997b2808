/*
 * Lines are drawn into a canvas of dots, `across` x `down` to a cell; each
 * cell then shows its dots in the style of the last line that touched it.
 */
#include "ui/term/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ui/term/theme.h"

struct canvas {
    int rows, cols;      /* in cells */
    int across, down;    /* dots of a cell */
    unsigned char *dots; /* [rows * cols], bit across * dy + dx */
    unsigned *style;
    char *letter;
};

/* Dots of a cell, [enum glyphs]. */
static const int dots_across[] = { 1, 2, 2 }, dots_down[] = { 1, 2, 4 };

static struct canvas canvas_new(struct area plot)
{
    unsigned long n = (unsigned long)plot.rows * (unsigned long)plot.cols;
    struct canvas c = { plot.rows, plot.cols,
                        dots_across[plot.cells->glyphs],
                        dots_down[plot.cells->glyphs], NULL, NULL, NULL };

    c.dots = xcalloc(n, sizeof(*c.dots));
    c.style = xcalloc(n, sizeof(*c.style));
    c.letter = xcalloc(n, sizeof(*c.letter));
    return c;
}

static void canvas_done(struct canvas *c)
{
    free(c->dots);
    free(c->style);
    free(c->letter);
}

/* x and y in dots, y downwards. */
static void set_dot(struct canvas *c, const struct chart_line *line, int x,
                    int y)
{
    int cell = y / c->down * c->cols + x / c->across;

    if (x < 0 || y < 0 || x >= c->cols * c->across || y >= c->rows * c->down)
        return;
    c->dots[cell] |=
        (unsigned char)(1 << (c->across * (y % c->down) + x % c->across));
    c->style[cell] = line->style;
    c->letter[cell] = line->letter;
}

static void join(struct canvas *c, const struct chart_line *line, int x0,
                 int y0, int x1, int y1)
{
    int dx = abs(x1 - x0), dy = abs(y1 - y0);
    int n = dx > dy ? dx : dy;

    for (int i = 0; i <= n; i++) {
        double t = n ? (double)i / n : 0;
        set_dot(c, line, x0 + (int)lround(t * (x1 - x0)),
                y0 + (int)lround(t * (y1 - y0)));
    }
}

static double scale_y(const struct chart *ch, double y)
{
    if (!ch->log_y)
        return (y - ch->y_min) / (ch->y_max - ch->y_min);
    return log(y / ch->y_min) / log(ch->y_max / ch->y_min);
}

/* A share of an axis as a dot; a share far outside stays outside. */
static int to_dot(double share, int dots)
{
    return (int)lround(fmin(fmax(share, -1), 2) * (dots - 1));
}

static void draw_chart_line(const struct chart *ch, struct canvas *c,
                            const struct chart_line *line)
{
    int before_x = 0, before_y = 0;
    bool begun = false;

    for (int i = 0; i < line->count; i++) {
        double x = line->x[(size_t)i * line->stride];
        double y = line->y[(size_t)i * line->stride];
        int dot_x, dot_y;
        if (!isfinite(y) || (ch->log_y && y <= 0))
            continue;
        dot_x = to_dot((x - ch->x_min) / (ch->x_max - ch->x_min),
                       c->cols * c->across);
        dot_y = to_dot(1 - scale_y(ch, y), c->rows * c->down);
        if (begun && !line->dots)
            join(c, line, before_x, before_y, dot_x, dot_y);
        else
            set_dot(c, line, dot_x, dot_y);
        before_x = dot_x;
        before_y = dot_y;
        begun = true;
    }
}

/* Turns bits in rows of two into the order of U+2800, which goes down columns.
 */
static uint32_t braille(unsigned dots)
{
    static const unsigned char to[] = { 0x01, 0x08, 0x02, 0x10,
                                        0x04, 0x20, 0x40, 0x80 };
    uint32_t c = 0x2800;

    for (int i = 0; i < 8; i++)
        if (dots & 1u << i)
            c |= to[i];
    return c;
}

static const uint16_t quarters[] = {
    ' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
    0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588,
};

static void show_canvas(const struct canvas *c, struct area plot)
{
    for (int i = 0; i < c->rows * c->cols; i++) {
        char text[CELL_TEXT_SIZE];
        unsigned dots = c->dots[i];
        if (!dots)
            continue;
        cells_encode(c->across == 1 ? (uint32_t)c->letter[i]
                     : c->down == 2 ? quarters[dots] : braille(dots), text);
        area_text(plot, i / c->cols, i % c->cols, c->style[i], text);
    }
}

static struct area plot_area(struct area a)
{
    return area_sub(a, 0, CHART_MARGIN, a.rows - 2, a.cols - CHART_MARGIN);
}

int chart_column(const struct chart *ch, struct area a, double x)
{
    struct area plot = plot_area(a);

    return CHART_MARGIN +
           to_dot((x - ch->x_min) / (ch->x_max - ch->x_min), plot.cols);
}

void chart_cell(const struct chart *ch, struct area a, double x, double y,
                int *row, int *col)
{
    struct area plot = plot_area(a);
    int across = dots_across[a.cells->glyphs];
    int down = dots_down[a.cells->glyphs];
    double share = (x - ch->x_min) / (ch->x_max - ch->x_min);

    *row = to_dot(1 - scale_y(ch, y), plot.rows * down) / down;
    *col = CHART_MARGIN + to_dot(share, plot.cols * across) / across;
}

static void draw_marks(const struct chart *ch, struct area a)
{
    struct area plot = plot_area(a);

    for (int i = 0; i < ch->mark_count; i++) {
        int col = chart_column(ch, a, ch->marks[i].x) - CHART_MARGIN;
        for (int r = 0; r < plot.rows; r++)
            area_text(plot, r, col, ch->marks[i].style, "┆");
    }
}

void chart_label_percent(double y, char text[NUMBER_SIZE])
{
    number_round(text, 100 * y, 4, CHART_MARGIN - 2);
    strcat(text, "%");
}

static void label_y(double y, char text[NUMBER_SIZE])
{
    number_round(text, y, 4, CHART_MARGIN - 1);
}

static void draw_tick(const struct chart *ch, struct area a, double y,
                      int *free_row)
{
    int rows = a.rows - 2;
    int row = to_dot(1 - scale_y(ch, y), rows);
    char text[NUMBER_SIZE];

    if (row < 0 || row > *free_row || row >= rows)
        return;
    (ch->label ? ch->label : label_y)(y, text);
    area_right(a, row, CHART_MARGIN - 1, ROLE_DIM, text);
    area_text(a, row, CHART_MARGIN - 1, ROLE_BORDER, "┤");
    *free_row = row - 2;
}

static void draw_y_axis(const struct chart *ch, struct area a)
{
    int rows = a.rows - 2, free_row = rows;

    for (int r = 0; r < rows; r++)
        area_text(a, r, CHART_MARGIN - 1, ROLE_BORDER, "│");
    if (ch->log_y) {
        for (double power = pow(10, floor(log10(ch->y_min)));
             power <= ch->y_max; power *= 10)
            for (int i = 0; i < 3; i++) {
                static const double digits[] = { 1, 2, 5 };
                double y = digits[i] * power;
                if (y >= ch->y_min * (1 - 1e-9))
                    draw_tick(ch, a, y, &free_row);
            }
        return;
    }
    for (double step = number_step(ch->y_max - ch->y_min, rows / 2),
                i = ceil(ch->y_min / step - 1e-9) + 0.0;
         i * step <= ch->y_max * (1 + 1e-9); i++)
        draw_tick(ch, a, i * step, &free_row);
}

static void label_x(double value, char text[NUMBER_SIZE])
{
    number_round(text, value, NUMBER_CELLS_MIN, NUMBER_CELLS_MIN);
}

static void draw_x_axis(const struct chart *ch, struct area a)
{
    int axis = a.rows - 2, free_col = CHART_MARGIN - 1;
    int unit = a.cols - cells_width(ch->x_unit);
    double step = number_step(ch->x_max - ch->x_min,
                             (a.cols - CHART_MARGIN) / 9);

    area_text(a, axis, CHART_MARGIN - 1, ROLE_BORDER, "└");
    for (int c = CHART_MARGIN; c < a.cols; c++)
        area_text(a, axis, c, ROLE_BORDER, "─");
    area_text(a, axis + 1, unit, ROLE_DIM, ch->x_unit);
    /* The + 0.0 turns minus zero into zero. */
    for (double i = ceil(ch->x_min / step - 1e-9) + 0.0;
         i * step <= ch->x_max * (1 + 1e-9); i++) {
        char text[NUMBER_SIZE];
        int col = chart_column(ch, a, i * step), begin;
        (ch->x_label ? ch->x_label : label_x)(i * step, text);
        begin = col - cells_width(text) / 2;
        if (!*text || begin < free_col || begin + cells_width(text) >= unit)
            continue;
        area_text(a, axis, col, ROLE_BORDER, "┴");
        free_col = area_text(a, axis + 1, begin, ROLE_DIM, text) + 1;
    }
}

/* Whether cells are free for a name. It may cover the line of another mark:
 * enough of that line is left in other rows. */
static bool is_free(struct area plot, int row, int col, int cols)
{
    for (int c = col; c < col + cols; c++) {
        struct area cell = area_sub(plot, row, c, 1, 1);
        const char *text;
        if (cell.cols == 0)
            return false;
        text = cell.cells->cell[cell.row * cell.cells->cols + cell.col].text;
        if (strcmp(text, " ") != 0 && strcmp(text, "┆") != 0 &&
            strcmp(text, ":") != 0)
            return false;
    }
    return true;
}

/* Writes each name right of its mark, in the first row where it covers nothing.
 */
static void name_marks(const struct chart *ch, struct area a)
{
    struct area plot = plot_area(a);

    for (int i = 0; i < ch->mark_count; i++) {
        const struct chart_mark *m = &ch->marks[i];
        int col = chart_column(ch, a, m->x) - CHART_MARGIN + 1;
        for (int r = 0; m->text && r < plot.rows; r++)
            if (is_free(plot, r, col - 1, cells_width(m->text) + 2)) {
                area_text(plot, r, col, m->style, m->text);
                break;
            }
    }
}

/* The last point of a line that is drawn; false if there is none. */
static bool end_of(const struct chart *ch, const struct chart_line *line,
                   double *x, double *y)
{
    for (int i = line->count - 1; i >= 0; i--) {
        *x = line->x[(size_t)i * line->stride];
        *y = line->y[(size_t)i * line->stride];
        if (isfinite(*y) && !(ch->log_y && *y <= 0))
            return true;
    }
    return false;
}

/* Writes each line's letter beside its end; where ends meet, above or below the
 * other. Without dots a line is drawn with its letter. */
static void name_lines(const struct chart *ch, struct area a)
{
    struct area plot = plot_area(a);
    bool *taken = xcalloc((unsigned long)plot.rows, sizeof(*taken));
    bool dots = a.cells->glyphs != GLYPHS_ASCII;

    for (int i = 0; i < ch->line_count && dots; i++) {
        const struct chart_line *line = &ch->lines[i];
        double x, y;
        int row, col, near = 0;
        if (!line->named || !end_of(ch, line, &x, &y))
            continue;
        chart_cell(ch, a, x, y, &row, &col);
        for (; near < plot.rows; near = near > 0 ? -near : 1 - near)
            if (row + near >= 0 && row + near < plot.rows &&
                !taken[row + near])
                break;
        if (near == plot.rows)
            break;
        row += near;
        taken[row] = true;
        area_print(a, row, col + 1 < a.cols ? col + 1 : col,
                   line->style | STYLE_BOLD, "%c", line->letter);
    }
    free(taken);
}

void chart_draw(const struct chart *ch, struct area a)
{
    struct area plot = plot_area(a);
    struct canvas canvas;

    if (plot.rows < 2 || plot.cols < 4)
        return;
    draw_y_axis(ch, a);
    draw_x_axis(ch, a);
    draw_marks(ch, a);
    canvas = canvas_new(plot);
    for (int i = 0; i < ch->line_count; i++)
        draw_chart_line(ch, &canvas, &ch->lines[i]);
    show_canvas(&canvas, plot);
    canvas_done(&canvas);
    name_lines(ch, a);
    name_marks(ch, a);
}

void chart_fit(const struct chart_line *lines, int count, bool log_y,
               double *min, double *max)
{
    for (int l = 0; l < count; l++)
        for (int i = 0; i < lines[l].count; i++) {
            double y = lines[l].y[(size_t)i * lines[l].stride];
            if (!isfinite(y) || (log_y && y <= 0))
                continue;
            *min = fmin(*min, y);
            *max = fmax(*max, y);
        }
    if (!(*min <= *max)) {
        *min = log_y ? 0.1 : 0;
        *max = 1;
    }
    if (*max - *min < 1e-9 * fmax(fabs(*max), 1e-9)) {
        *min = log_y ? *min / 2 : *min - 0.5;
        *max = log_y ? *max * 2 : *max + 0.5;
    }
}
