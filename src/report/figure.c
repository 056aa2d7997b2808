#include "report/figure.h"

#include "report/figure_curves.h"
#include "report/figure_front.h"
#include "report/figure_memory.h"

static bool any_peak(const struct report *r, const struct group *g)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (entry_peak(&r->entries[i]))
            return true;
    return false;
}

static bool any_competes(const struct report *r, const struct group *g)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (r->entries[i].competes)
            return true;
    return false;
}

static enum curve curve_of(enum figure figure)
{
    return figure == FIGURE_SCORES ? CURVE_VALID_SCORE : CURVE_VALID_LOSS;
}

bool figure_is(enum figure figure, const struct report *r,
               const struct group *g)
{
    switch (figure) {
    case FIGURE_MEMORY:
        return any_peak(r, g);
    case FIGURE_FRONT:
        return any_competes(r, g);
    default:
        return figure_curves_any(r, g, curve_of(figure));
    }
}

double figure_height(enum figure figure, const struct group *g,
                     struct look look)
{
    return figure == FIGURE_MEMORY ? figure_memory_height(g, look)
                                   : figure_plot_height(look);
}

void figure_draw(struct sheet *s, enum figure figure, const struct report *r,
                 const struct group *g, double x, double y, struct look look)
{
    switch (figure) {
    case FIGURE_MEMORY:
        figure_memory_draw(s, r, g, x, y, look);
        break;
    case FIGURE_FRONT:
        figure_front_draw(s, r, g, x, y, look);
        break;
    default:
        figure_curves_draw(s, r, g, curve_of(figure), x, y, look);
    }
}

void figure_title(enum figure figure, const struct group *g, struct buffer *b)
{
    const char *score = g->contest.score.name;

    switch (figure) {
    case FIGURE_MEMORY:
        buffer_text(b, "Memory at the peak of a training step, by kind");
        break;
    case FIGURE_FRONT:
        buffer_print(b, "Memory against %s", score);
        break;
    case FIGURE_SCORES:
        buffer_print(b, "Validation %s by epoch", score);
        break;
    default:
        buffer_text(b, "Validation loss by epoch");
    }
}

static void caption_front(const struct report *r, const struct group *g,
                          struct buffer *b)
{
    bool any_cross = false;

    for (int i = g->first; i < g->first + g->count; i++)
        any_cross |= trial_continues(r->entries[i].trial);
    buffer_print(b, "Best validation %s after %d epoch%s. Filled, on the line: "
                 "the Pareto front. Hollow: another is as good in less memory, "
                 "or better. Bytes stand on a logarithmic axis.",
                 g->contest.score.name, g->contest.epochs,
                 g->contest.epochs == 1 ? "" : "s");
    if (any_cross)
        buffer_text(b, " A cross goes on with the weights of another and does "
                    "not compete.");
}

void figure_caption(enum figure figure, const struct report *r,
                    const struct group *g, struct buffer *b)
{
    int greys = figure_greys(g);

    if (figure == FIGURE_MEMORY && any_competes(r, g))
        buffer_text(b, "Bold: on the Pareto front.");
    if (figure == FIGURE_MEMORY && g->count > FIGURE_BARS)
        buffer_print(b, "%sThe first %d of %d; the table has all.",
                     b->count ? " " : "", FIGURE_BARS, g->count);
    if (figure == FIGURE_FRONT)
        caption_front(r, g, b);
    if (figure != FIGURE_MEMORY && greys)
        buffer_print(b, "%sGrey: %d others.", b->count ? " " : "", greys);
}
