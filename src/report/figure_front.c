/*
 * A name stands where nothing else does: to the right of its point, or where
 * there is more room.
 */
#include "report/figure_front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Places that are taken. */
struct places {
    struct box *list;            /* owned, [count] */
    int count;
};

static void take_place(struct places *p, struct box box)
{
    p->list = xgrow(p->list, p->count, sizeof(*p->list));
    p->list[p->count++] = box;
}

/* The area that a box shares with those that are taken. */
static double covered_area(const struct places *p, struct box b)
{
    double sum = 0;

    for (int i = 0; i < p->count; i++) {
        const struct box *o = &p->list[i];
        double width = fmin(b.x + b.width, o->x + o->width) - fmax(b.x, o->x);
        double height = fmin(b.y + b.height, o->y + o->height) -
                        fmax(b.y, o->y);
        if (width > 0 && height > 0)
            sum += width * height;
    }
    return sum;
}

static double memory_axis(const struct entry *e)
{
    return log2((double)entry_peak(e));
}

/* The score at which a point stands; that of a continuation is its best. */
static double point_score(const struct entry *e)
{
    return e->competes                  ? e->score
           : trial_continues(e->trial) && entry_peak(e) ? e->trial->best_score
                                                        : NAN;
}

static void fit_front(struct plot *p, const struct report *r,
                      const struct group *g)
{
    double pad;

    p->x = (struct plot_axis){ INFINITY, -INFINITY, "bytes at the peak",
                               plot_label_bytes, { 0 }, 0 };
    p->y = (struct plot_axis){ INFINITY, -INFINITY, g->contest.score.name,
                               g->contest.score.percent ? plot_label_percent
                                                        : plot_label_number,
                               { 0 }, 0 };
    for (int i = g->first; i < g->first + g->count; i++) {
        const struct entry *e = &r->entries[i];
        if (isnan(point_score(e)))
            continue;
        p->x.low = fmin(p->x.low, memory_axis(e));
        p->x.high = fmax(p->x.high, memory_axis(e));
        p->y.low = fmin(p->y.low, point_score(e));
        p->y.high = fmax(p->y.high, point_score(e));
    }
    pad = fmax(0.08 * (p->x.high - p->x.low), 0.08);
    p->x.low -= pad;
    p->x.high += 1.5 * pad;
    pad = fmax(0.1 * (p->y.high - p->y.low), 1e-2 * fabs(p->y.high) + 1e-6);
    p->y.low -= pad;
    p->y.high += pad;
    if (g->contest.score.percent) {
        p->y.low = fmax(p->y.low, 0);
        p->y.high = fmin(p->y.high, 1);
    }
    plot_byte_ticks(&p->x, 8);
    plot_round_ticks(&p->y, 7, 0);
}

/* Entries of the front, from the least memory on. */
static int compare_peaks(const void *a, const void *b)
{
    const struct entry *one = *(const struct entry *const *)a;
    const struct entry *other = *(const struct entry *const *)b;

    return (entry_peak(one) > entry_peak(other)) -
           (entry_peak(one) < entry_peak(other));
}

/* Those on the front, by memory; the caller frees. */
static const struct entry **sort_front(const struct report *r,
                                       const struct group *g, int *count)
{
    const struct entry **front = xcalloc((unsigned long)g->count,
                                         sizeof(const struct entry *));

    *count = 0;
    for (int i = g->first; i < g->first + g->count; i++)
        if (entry_is_on_front(&r->entries[i]))
            front[(*count)++] = &r->entries[i];
    if (*count)
        qsort(front, (size_t)*count, sizeof(*front), compare_peaks);
    return front;
}

/* The line of the front, as contest_line() has it; the caller frees. */
static double *stairs_of_front(const struct plot *p, const struct report *r,
                               const struct group *g, int *count)
{
    int n;
    const struct entry **front = sort_front(r, g, &n);
    double *points = xcalloc(2 * (unsigned long)n, sizeof(*points));
    double *line = xcalloc(4 * (unsigned long)n + 2, sizeof(*line));

    for (int i = 0; i < n; i++) {
        points[2 * i] = plot_x(p, memory_axis(front[i]));
        points[2 * i + 1] = plot_y(p, front[i]->score);
    }
    *count = contest_line(line, points, n,
                          g->contest.score.higher_is_better
                              ? p->box.y + p->box.height : p->box.y,
                          p->box.x + p->box.width);
    free(points);
    free(front);
    return line;
}

/* Draws the line, on which no name is to stand. */
static void draw_stairs(struct sheet *s, const struct plot *p,
                        const struct report *r, const struct group *g,
                        struct places *taken)
{
    double thick = 0.14 * p->size;
    int count;
    double *xy = stairs_of_front(p, r, g, &count);

    sheet_stroke(s, (struct stroke){ INK_DIM, thick, DASH_NONE },
                 PATH_JOINED, xy, count);
    for (int i = 1; i < count; i++) {
        const double *a = xy + 2 * i - 2, *b = xy + 2 * i;
        take_place(taken, (struct box){
            fmin(a[0], b[0]) - thick, fmin(a[1], b[1]) - thick,
            fabs(a[0] - b[0]) + 2 * thick, fabs(a[1] - b[1]) + 2 * thick
        });
    }
    free(xy);
}

static struct box place_of_name(double x, double y, double width, double size,
                                int side)
{
    /* Of the name's middle from the point, in half widths and ems. */
    static const struct {
        double across, down, away;
    } sides[] = {
        { 1, 0, 0.8 }, { -1, 0, -0.8 }, { 0, -1.35, 0 }, { 0, 1.35, 0 },
        { 1, -1, 0.7 }, { 1, 1, 0.7 }, { -1, -1, -0.7 }, { -1, 1, -0.7 },
    };

    return (struct box){
        x + sides[side].across * width / 2 + sides[side].away * size -
            width / 2,
        y + (sides[side].down - 0.6) * size, width, 1.2 * size
    };
}

enum { NAME_SIDES = 8 };

static double outside(const struct plot *p, struct box b)
{
    double right = p->box.x + p->box.width, bottom = p->box.y + p->box.height;
    double beyond = fmax(0, p->box.x - b.x) + fmax(0, p->box.y - b.y) +
                    fmax(0, b.x + b.width - right) +
                    fmax(0, b.y + b.height - bottom);

    return beyond * p->size;
}

/* The place that covers least; *covers is how much that is. */
static struct box find_place(const struct plot *p, const struct places *taken,
                             double x, double y, double width, double *covers)
{
    struct box best = place_of_name(x, y, width, p->size, 0);

    *covers = INFINITY;
    for (int side = 0; side < NAME_SIDES; side++) {
        struct box b = place_of_name(x, y, width, p->size, side);
        double cost = covered_area(taken, b) + outside(p, b);
        if (cost < *covers - 1e-9) {
            *covers = cost;
            best = b;
        }
    }
    return best;
}

/* A name that would cover more than this part of its own area is left out. */
#define MOST_COVERED 0.3

/* "A sparsity=0.7" where that has room, or else "A". */
static void draw_name(struct sheet *s, const struct plot *p,
                      struct places *taken, const struct entry *e)
{
    double size = p->size, covers;
    double x = plot_x(p, memory_axis(e)), y = plot_y(p, point_score(e));
    struct font bold = { INK_TEXT, size, .bold = true, .align = ALIGN_LEFT };
    struct font font = { INK_TEXT, 0.95 * size, .align = ALIGN_LEFT };
    double label = sheet_width(s, bold, e->label);
    double what = 0.4 * size + sheet_width(s, font, entry_words(e));
    struct box place = find_place(p, taken, x, y, label + what, &covers);
    bool whole = covers == 0;

    if (!whole)
        place = find_place(p, taken, x, y, label, &covers);
    if (covers > MOST_COVERED * place.width * place.height)
        return;
    take_place(taken, place);
    sheet_text(s, bold, place.x, place.y + 0.95 * size, e->label);
    if (whole)
        sheet_text(s, font, place.x + label + 0.4 * size,
                   place.y + 0.95 * size, entry_words(e));
}

static void draw_entry_point(struct sheet *s, const struct plot *p,
                       const struct entry *e, struct style style)
{
    double x = plot_x(p, memory_axis(e)), y = plot_y(p, point_score(e));
    bool front = entry_is_on_front(e);

    sheet_open(s, e->label);
    if (!e->competes)
        plot_mark(s, MARK_CROSS, x, y, 0.35 * p->size, INK_DIM, false);
    else
        plot_mark(s, style.shape, x, y, (front ? 0.52 : 0.45) * p->size,
                  style.own ? style.ink : INK_DIM, !front);
    sheet_close(s);
}

static void take_points(struct places *taken, const struct plot *p,
                        const struct report *r, const struct group *g)
{
    double size = p->size;

    for (int i = g->first; i < g->first + g->count; i++) {
        const struct entry *e = &r->entries[i];
        if (!isnan(point_score(e)))
            take_place(taken, (struct box){
                plot_x(p, memory_axis(e)) - 0.6 * size,
                plot_y(p, point_score(e)) - 0.6 * size, 1.2 * size,
                1.2 * size
            });
    }
}

/* Points of the front are drawn last, and named first. */
static void draw_entry_points(struct sheet *s, const struct plot *p,
                              const struct report *r, const struct group *g,
                              struct places *taken)
{
    struct style *styles = figure_styles(r, g);

    take_points(taken, p, r, g);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < g->count; i++) {
            const struct entry *e = &r->entries[g->first + i];
            if (!isnan(point_score(e)) && entry_is_on_front(e) == (pass == 1))
                draw_entry_point(s, p, e, styles[i]);
        }
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < g->count; i++) {
            const struct entry *e = &r->entries[g->first + i];
            if (!isnan(point_score(e)) && styles[i].own &&
                entry_is_on_front(e) == (pass == 0))
                draw_name(s, p, taken, e);
        }
    free(styles);
}

void figure_front_draw(struct sheet *s, const struct report *r,
                       const struct group *g, double x, double y,
                       struct look look)
{
    struct plot p = { .size = look.size };
    struct places taken = { NULL, 0 };

    p.box = figure_plot_box(look, x, y, look.size);
    fit_front(&p, r, g);
    plot_draw_axes(s, &p);
    draw_stairs(s, &p, r, g, &taken);
    draw_entry_points(s, &p, r, g, &taken);
    free(taken.list);
}
