/*
 * The styles of figures. No fact is told by colour alone: an entry has a
 * colour, a dash and a shape that together are its own, and its name stands at
 * its line. FIGURE_STYLES entries have these, those on the front before others;
 * where there are more, the others are grey.
 */
#ifndef MEMDIAL_FIGURE_STYLE_H
#define MEMDIAL_FIGURE_STYLE_H

#include "report/plot.h"
#include "report/report.h"

enum { FIGURE_STYLES = 12 };

/* The width of a figure and the size of its text. */
struct look {
    double width, size;
};

struct style {
    int ink;
    enum dash dash;
    enum mark_shape shape;
    bool own;                    /* false: it is one of the grey ones */
};

/* The style of each entry of a group, [group->count]; the caller frees. */
struct style *figure_styles(const struct report *, const struct group *);

/* How many entries share a grey one. */
int figure_greys(const struct group *);

/* The height of a figure that is a plot, and the box between its axes, where
 * the figure begins at (x, y) and leaves some width free at its right. */
double figure_plot_height(struct look);
struct box figure_plot_box(struct look, double x, double y, double right);

#endif
