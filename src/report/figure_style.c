#include "report/figure_style.h"

/* Of a plot, as a part of its figure's width. */
#define PLOT_HIGH 0.36

enum { STYLE_INKS = INK_COUNT - INK_SERIES, STYLE_DASHES = 4 };

/* Four dashes and five shapes have no common divisor: no two of the styles are
 * alike even without colour. */
static struct style style_of_rank(int rank)
{
    return (struct style){ INK_SERIES + rank % STYLE_INKS,
                           (enum dash)(rank % STYLE_DASHES),
                           (enum mark_shape)(rank % MARK_SHAPES), true };
}

struct style *figure_styles(const struct report *r, const struct group *g)
{
    struct style *styles = xcalloc((unsigned long)g->count, sizeof(*styles));
    bool few = g->count <= FIGURE_STYLES;
    int rank = 0;

    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < g->count; i++) {
            bool first = few || entry_is_on_front(&r->entries[g->first + i]);
            if (first != (pass == 0))
                continue;
            styles[i] = rank < FIGURE_STYLES
                            ? style_of_rank(rank)
                            : (struct style){ INK_GRID, DASH_NONE, MARK_DISC,
                                              false };
            rank++;
        }
    return styles;
}

int figure_greys(const struct group *g)
{
    return g->count > FIGURE_STYLES ? g->count - FIGURE_STYLES : 0;
}

double figure_plot_height(struct look look)
{
    return PLOT_HIGH * look.width + (PLOT_ABOVE + PLOT_BELOW) * look.size;
}

struct box figure_plot_box(struct look look, double x, double y, double right)
{
    double left = PLOT_LEFT * look.size;

    return (struct box){ x + left, y + PLOT_ABOVE * look.size,
                         look.width - left - right, PLOT_HIGH * look.width };
}
