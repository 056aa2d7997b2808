/*
 * Line charts, drawn with braille dots, quarter blocks or characters, as the
 * grid's glyphs allow, with axes that choose round numbers for their labels.
 */
#ifndef MEMDIAL_CHART_H
#define MEMDIAL_CHART_H

#include <stddef.h>

#include "base/number.h"
#include "ui/term/cells.h"

/* Points (x[i * stride], y[i * stride]) in the order of x. */
struct chart_line {
    const double *x, *y; /* borrowed */
    size_t stride;       /* in doubles */
    int count;
    unsigned style;
    char letter;         /* that draws it where there are no dots */
    bool dots;           /* points alone, not joined */
    bool named;          /* its letter stands beside its end, so that it can be
                            recognised without colour */
};

struct chart_mark {
    double x;
    unsigned style;
    const char *text;    /* beside it, if there is a row with room; or NULL */
};

/* Later lines are drawn over earlier ones. */
struct chart {
    const struct chart_line *lines;
    int line_count;
    const struct chart_mark *marks;  /* vertical lines */
    int mark_count;
    double x_min, x_max, y_min, y_max; /* max > min */
    bool log_y;                      /* y_min > 0 */
    const char *x_unit;
    /* Writes a label of the y axis, of at most CHART_MARGIN - 1 cells; NULL:
     * the number. */
    void (*label)(double y, char text[NUMBER_SIZE]);
    /* Likewise for the x axis; NULL: the number. No text means no tick. */
    void (*x_label)(double x, char text[NUMBER_SIZE]);
};

/* A label for fractions of 1, in percent. */
void chart_label_percent(double y, char text[NUMBER_SIZE]);

/* Columns that the labels of the y axis take. */
enum { CHART_MARGIN = 7 };

void chart_draw(const struct chart *, struct area);

/* Widens *min..*max, which may be reversed, to hold y of the lines and to suit
 * a chart. A logarithmic axis passes over numbers that are not positive. */
void chart_fit(const struct chart_line *, int count, bool log_y, double *min,
               double *max);

/* The column of the area at which x is drawn. */
int chart_column(const struct chart *, struct area, double x);

/* The cell of the area in which a point of a line is drawn. */
void chart_cell(const struct chart *, struct area, double x, double y,
                int *row, int *col);

#endif
