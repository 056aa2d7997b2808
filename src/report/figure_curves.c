#include "report/figure_curves.h"

#include <math.h>
#include <stdlib.h>

/* As multiples of the text's size. */
#define TAG_APART 1.4
#define SAMPLE_LONG 2.6

/* The name of a line, beside its end. */
struct tag {
    const struct entry *entry;
    struct style style;
    double x, y;                 /* of the end */
    double at;                   /* the name is here */
};

/* Whether a run's line is drawn for an entry: its first one. */
static bool has_line(const struct report *r, const struct entry *e,
                     enum curve curve)
{
    return &r->entries[e->origin] == e &&
           e->record->run.curve[curve].count > 0;
}

bool figure_curves_any(const struct report *r, const struct group *g,
                       enum curve curve)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (has_line(r, &r->entries[i], curve))
            return true;
    return false;
}

/* Widens the axes so that a line has room. */
static void widen_plot(struct plot *p, const struct series *s)
{
    for (int i = 0; i < s->count; i++) {
        p->x.high = fmax(p->x.high, s->points[i].at[AXIS_EPOCHS]);
        p->y.low = fmin(p->y.low, s->points[i].value);
        p->y.high = fmax(p->y.high, s->points[i].value);
    }
}

static void fit_curves(struct plot *p, const struct report *r,
                       const struct group *g, enum curve curve)
{
    bool percent = curve == CURVE_VALID_SCORE && g->contest.score.percent;
    double pad;

    p->x = (struct plot_axis){ 0, 1, "epochs", plot_label_number, { 0 }, 0 };
    p->y = (struct plot_axis){ INFINITY, -INFINITY,
                               curve == CURVE_VALID_SCORE
                                   ? g->contest.score.name : "loss",
                               percent ? plot_label_percent
                                       : plot_label_number, { 0 }, 0 };
    for (int i = g->first; i < g->first + g->count; i++)
        if (has_line(r, &r->entries[i], curve))
            widen_plot(p, &r->entries[i].record->run.curve[curve]);
    pad = fmax(0.06 * (p->y.high - p->y.low), 1e-3 * fabs(p->y.high) + 1e-6);
    p->y.low -= pad;
    p->y.high += pad;
    if (percent) {
        p->y.low = fmax(p->y.low, 0);
        p->y.high = fmin(p->y.high, 1);
    }
    plot_round_ticks(&p->x, 10, 1);
    plot_round_ticks(&p->y, 7, 0);
}

static void draw_line(struct sheet *s, const struct plot *p,
                      const struct series *c, struct style style)
{
    double *xy = xcalloc(2 * (unsigned long)c->count, sizeof(*xy));
    struct stroke stroke = { style.ink, (style.own ? 0.17 : 0.1) * p->size,
                             style.dash };

    for (int i = 0; i < c->count; i++) {
        xy[2 * i] = plot_x(p, c->points[i].at[AXIS_EPOCHS]);
        xy[2 * i + 1] = plot_y(p, c->points[i].value);
    }
    sheet_stroke(s, stroke, PATH_JOINED, xy, c->count);
    for (int i = 0; i < c->count && style.own && c->count <= 20; i++)
        plot_mark(s, style.shape, xy[2 * i], xy[2 * i + 1], 0.3 * p->size,
                  style.ink, false);
    free(xy);
}

/* The value of a line at an epoch between its points. */
static double height_at(const struct series *c, double epoch)
{
    const struct point *p = c->points;

    for (int i = 1; i < c->count; i++) {
        double from = p[i - 1].at[AXIS_EPOCHS], to = p[i].at[AXIS_EPOCHS];
        if (epoch <= to && to > from)
            return p[i - 1].value + (p[i].value - p[i - 1].value) *
                                        fmax(0, (epoch - from) / (to - from));
    }
    return p[c->count - 1].value;
}

/* Names the continuations of a run where they begin. */
static void draw_turns(struct sheet *s, const struct plot *p,
                       const struct report *r, const struct entry *first,
                       enum curve curve)
{
    struct font font = { INK_TEXT, 0.95 * p->size, .bold = true,
                         .align = ALIGN_MIDDLE };
    const struct series *c = &first->record->run.curve[curve];

    for (int i = 0; i < r->entry_count; i++) {
        const struct entry *e = &r->entries[i];
        double x, y;
        if (e->record != first->record || e == first)
            continue;
        x = plot_x(p, e->trial->begin[AXIS_EPOCHS]);
        y = plot_y(p, height_at(c, e->trial->begin[AXIS_EPOCHS]));
        plot_mark(s, MARK_CROSS, x, y, 0.4 * p->size, INK_TEXT, false);
        sheet_text(s, font, x, y - 0.9 * p->size, e->label);
    }
}

static int compare_tags(const void *a, const void *b)
{
    const struct tag *one = a, *other = b;

    return (one->y > other->y) - (one->y < other->y);
}

/* Moves names apart, within the height of a box. */
static void spread_tags(struct tag *tags, int count, struct box box,
                        double apart)
{
    double low = box.y, high = box.y + box.height;

    if (count)
        qsort(tags, (size_t)count, sizeof(*tags), compare_tags);
    for (int i = 0; i < count; i++) {
        tags[i].at = fmax(tags[i].y, low);
        low = tags[i].at + apart;
    }
    for (int i = count - 1; i >= 0; i--) {
        tags[i].at = fmin(tags[i].at, high);
        high = tags[i].at - apart;
    }
}

/* "A sparsity=0.7", after a piece of the line that it names. */
static void draw_tag(struct sheet *s, const struct plot *p,
                     const struct tag *t, double right)
{
    double size = p->size, x = p->box.x + p->box.width + 1.4 * size;
    struct font font = { INK_TEXT, size, .bold = true, .align = ALIGN_LEFT };
    double end = x + SAMPLE_LONG * size, leader[] = {
        t->x + 0.4 * size, t->y, p->box.x + p->box.width + 0.4 * size, t->y,
        x - 0.1 * size, t->at
    };

    sheet_stroke(s, (struct stroke){ INK_DIM, 0.05 * size, DASH_NONE },
                 PATH_JOINED, leader, 3);
    sheet_line(s, (struct stroke){ t->style.ink, 0.17 * size, t->style.dash },
               x, t->at, end, t->at);
    plot_mark(s, t->style.shape, (x + end) / 2, t->at, 0.3 * size,
              t->style.ink, false);
    end += 0.5 * size;
    sheet_text(s, font, end, t->at + 0.35 * size, t->entry->label);
    end += sheet_width(s, font, t->entry->label) + 0.5 * size;
    font.bold = false;
    sheet_fit(s, font, end, t->at + 0.35 * size, right - end,
              entry_words(t->entry));
}

static void draw_tags(struct sheet *s, const struct plot *p, struct tag *tags,
                      int count, double right)
{
    spread_tags(tags, count, p->box, TAG_APART * p->size);
    for (int i = 0; i < count; i++)
        draw_tag(s, p, &tags[i], right);
}

/* Room for the names: that which the widest takes, but no more than a part of
 * the figure. */
static double tags_width(struct sheet *s, const struct report *r,
                         const struct group *g, struct look look)
{
    struct font font = { INK_TEXT, look.size, .align = ALIGN_LEFT };
    double widest = 0;

    for (int i = g->first; i < g->first + g->count; i++)
        widest = fmax(widest, sheet_width(s, font,
                                          entry_words(&r->entries[i])));
    return fmin(widest + (SAMPLE_LONG + 5) * look.size, 0.45 * look.width);
}

/* Draws a line; returns the name that it is to have. */
static struct tag draw_named_line(struct sheet *s, const struct plot *p,
                                  const struct entry *e, struct style style,
                                  const struct series *c)
{
    const struct point *last = series_last(c);

    sheet_open(s, e->label);
    draw_line(s, p, c, style);
    sheet_close(s);
    return (struct tag){ e, style, plot_x(p, last->at[AXIS_EPOCHS]),
                         plot_y(p, last->value), 0 };
}

/* The lines with a style of their own are drawn over the grey ones. */
static void draw_lines(struct sheet *s, const struct plot *p,
                       const struct report *r, const struct group *g,
                       enum curve curve, double right)
{
    struct style *styles = figure_styles(r, g);
    struct tag *tags = xcalloc((unsigned long)g->count, sizeof(*tags));
    int count = 0;

    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < g->count; i++) {
            const struct entry *e = &r->entries[g->first + i];
            const struct series *c = &e->record->run.curve[curve];
            struct tag tag;
            if (styles[i].own != (pass == 1) || !has_line(r, e, curve))
                continue;
            tag = draw_named_line(s, p, e, styles[i], c);
            if (!styles[i].own)
                continue;
            draw_turns(s, p, r, e, curve);
            tags[count++] = tag;
        }
    draw_tags(s, p, tags, count, right);
    free(tags);
    free(styles);
}

void figure_curves_draw(struct sheet *s, const struct report *r,
                        const struct group *g, enum curve curve, double x,
                        double y, struct look look)
{
    double names = tags_width(s, r, g, look);
    struct plot p = { .size = look.size };

    p.box = figure_plot_box(look, x, y, names);
    fit_curves(&p, r, g, curve);
    plot_draw_axes(s, &p);
    draw_lines(s, &p, r, g, curve, x + look.width);
}
