/*
 * A plot: axes, and the places of values between them. What stands in it is the
 * figures' to draw.
 */
#ifndef MEMDIAL_PLOT_H
#define MEMDIAL_PLOT_H

#include "base/number.h"
#include "report/sheet.h"

enum { PLOT_TICKS_MAX = 24 };

struct plot_axis {
    double low, high;
    const char *title;
    void (*label)(double, char text[NUMBER_SIZE]);
    double ticks[PLOT_TICKS_MAX];
    int tick_count;
};

struct plot {
    struct box box;              /* between the axes */
    double size;                 /* of text */
    struct plot_axis x, y;
};

/* Puts marks at round numbers that are `least` or more apart: at most `most` of
 * them, and PLOT_TICKS_MAX. */
void plot_round_ticks(struct plot_axis *, int most, double least);

/* Marks on an axis that is a logarithm to base two of bytes. */
void plot_byte_ticks(struct plot_axis *, int most);

double plot_x(const struct plot *, double x);
double plot_y(const struct plot *, double y);

/* Draws the axes: marks and their labels to the left and below, titles above
 * and at the right end. */
void plot_draw_axes(struct sheet *, const struct plot *);

/* Room that the axes take around the box, as multiples of the text's size. */
#define PLOT_LEFT 4.6
#define PLOT_ABOVE 2.0
#define PLOT_BELOW 3.2

/* The shape that marks points of a series, whole or hollow; MARK_CROSS is for
 * points that stand apart. */
enum mark_shape { MARK_DISC, MARK_SQUARE, MARK_UP, MARK_DIAMOND, MARK_DOWN,
                  MARK_SHAPES, MARK_CROSS = MARK_SHAPES };
void plot_mark(struct sheet *, enum mark_shape, double x, double y,
               double radius, int ink, bool hollow);

void plot_label_number(double, char text[NUMBER_SIZE]);
void plot_label_percent(double, char text[NUMBER_SIZE]);
void plot_label_bytes(double power, char text[NUMBER_SIZE]);

#endif
