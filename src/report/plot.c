#include "report/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static void add_plot_tick(struct plot_axis *a, double at)
{
    if (at >= a->low - 1e-9 * fabs(a->low) && at <= a->high + 1e-9 &&
        a->tick_count < PLOT_TICKS_MAX)
        a->ticks[a->tick_count++] = at;
}

void plot_round_ticks(struct plot_axis *a, int most, double least)
{
    double step = fmax(number_step(a->high - a->low, most), least);

    a->tick_count = 0;
    /* The + 0.0 turns minus zero into zero. */
    for (double i = ceil(a->low / step - 1e-9) + 0.0;
         i * step <= a->high * (1 + 1e-9); i++)
        add_plot_tick(a, i * step);
}

/* Marks between powers of two are at equal parts of these. */
void plot_byte_ticks(struct plot_axis *a, int most)
{
    double span = a->high - a->low;
    int parts = span > 3 ? 1 : span > 1.5 ? 2 : span > 0.75 ? 4 : 8;
    int each = (int)ceil(span / most);

    a->tick_count = 0;
    for (int power = (int)floor(a->low); power <= (int)ceil(a->high); power++)
        for (int i = 0; i < parts; i++)
            if (parts > 1 || each < 2 || power % each == 0)
                add_plot_tick(a, power + log2(1 + (double)i / parts));
}

double plot_x(const struct plot *p, double x)
{
    return p->box.x + (x - p->x.low) / (p->x.high - p->x.low) * p->box.width;
}

double plot_y(const struct plot *p, double y)
{
    return p->box.y + p->box.height -
           (y - p->y.low) / (p->y.high - p->y.low) * p->box.height;
}

static void draw_plot_rows(struct sheet *s, const struct plot *p)
{
    struct font font = { INK_DIM, p->size, .align = ALIGN_RIGHT };

    for (int i = 0; i < p->y.tick_count; i++) {
        double y = plot_y(p, p->y.ticks[i]);
        char text[NUMBER_SIZE];
        p->y.label(p->y.ticks[i], text);
        sheet_line(s, (struct stroke){ INK_GRID, 1, DASH_NONE }, p->box.x, y,
                   p->box.x + p->box.width, y);
        sheet_text(s, font, p->box.x - 0.6 * p->size, y + 0.35 * p->size,
                   text);
    }
}

/* A label that would touch the one before it is left out. */
static void draw_plot_columns(struct sheet *s, const struct plot *p)
{
    struct font font = { INK_DIM, p->size, .align = ALIGN_MIDDLE };
    double bottom = p->box.y + p->box.height, free_x = -1e9;

    for (int i = 0; i < p->x.tick_count; i++) {
        double x = plot_x(p, p->x.ticks[i]), half;
        char text[NUMBER_SIZE];
        p->x.label(p->x.ticks[i], text);
        half = sheet_width(s, font, text) / 2;
        if (x - half < free_x)
            continue;
        free_x = x + half + 0.8 * p->size;
        sheet_line(s, (struct stroke){ INK_DIM, 1, DASH_NONE }, x, bottom, x,
                   bottom + 0.35 * p->size);
        sheet_text(s, font, x, bottom + 1.5 * p->size, text);
    }
}

void plot_draw_axes(struct sheet *s, const struct plot *p)
{
    double bottom = p->box.y + p->box.height;
    double right = p->box.x + p->box.width;
    struct font title = { INK_DIM, p->size, .align = ALIGN_LEFT };

    draw_plot_rows(s, p);
    draw_plot_columns(s, p);
    sheet_line(s, (struct stroke){ INK_DIM, 1, DASH_NONE }, p->box.x, bottom,
               right, bottom);
    sheet_text(s, title, p->box.x, p->box.y - 0.8 * p->size, p->y.title);
    title.align = ALIGN_RIGHT;
    sheet_text(s, title, right, bottom + 2.8 * p->size, p->x.title);
}

/* The corners of a shape around the origin, radius about 1; returns their
 * number. */
static int mark_corners(enum mark_shape shape, double xy[32])
{
    static const double square[] = { -0.85, -0.85, 0.85, -0.85, 0.85, 0.85,
                                     -0.85, 0.85 };
    static const double diamond[] = { 0, -1.2, 1.2, 0, 0, 1.2, -1.2, 0 };
    static const double up[] = { 0, -1.15, 1.1, 0.8, -1.1, 0.8 };
    static const double down[] = { 0, 1.15, 1.1, -0.8, -1.1, -0.8 };

    switch (shape) {
    case MARK_SQUARE:
        memcpy(xy, square, sizeof(square));
        return 4;
    case MARK_DIAMOND:
        memcpy(xy, diamond, sizeof(diamond));
        return 4;
    case MARK_UP:
        memcpy(xy, up, sizeof(up));
        return 3;
    case MARK_DOWN:
        memcpy(xy, down, sizeof(down));
        return 3;
    default:
        for (int i = 0; i < 16; i++) {
            xy[2 * i] = cos(i * M_PI / 8);
            xy[2 * i + 1] = sin(i * M_PI / 8);
        }
        return 16;
    }
}

static void draw_shape(struct sheet *s, enum mark_shape shape, double x,
                       double y, double radius, int ink)
{
    double xy[32];
    int count = mark_corners(shape, xy);

    for (int i = 0; i < count; i++) {
        xy[2 * i] = x + radius * xy[2 * i];
        xy[2 * i + 1] = y + radius * xy[2 * i + 1];
    }
    sheet_shape(s, ink, xy, count);
}

void plot_mark(struct sheet *s, enum mark_shape shape, double x, double y,
               double r, int ink, bool hollow)
{
    if (shape == MARK_CROSS) {
        double xy[] = { x - r, y - r, x + r, y + r, x - r, y + r, x + r,
                        y - r };
        sheet_stroke(s, (struct stroke){ ink, 0.45 * r, DASH_NONE },
                     PATH_APART, xy, 4);
        return;
    }
    /* A rim of paper keeps it apart from what lies below. */
    draw_shape(s, shape, x, y, 1.35 * r, INK_PAPER);
    draw_shape(s, shape, x, y, r, ink);
    if (hollow)
        draw_shape(s, shape, x, y, 0.55 * r, INK_PAPER);
}

void plot_label_number(double value, char text[NUMBER_SIZE])
{
    number_round(text, value, 6, 8);
}

void plot_label_percent(double value, char text[NUMBER_SIZE])
{
    number_round(text, 100 * value, 4, 8);
    strcat(text, "%");
}

/* Round numbers need no zeros behind the point. */
void plot_label_bytes(double power, char text[NUMBER_SIZE])
{
    char *point, *unit, *end;

    bytes_format(text, NUMBER_SIZE, (uint64_t)llround(exp2(power)));
    point = strchr(text, '.');
    unit = strchr(text, ' ');
    if (!point || !unit)
        return;
    for (end = unit; end[-1] == '0'; end--)
        continue;
    end -= end[-1] == '.';
    memmove(end, unit, strlen(unit) + 1);
}
