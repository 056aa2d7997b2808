#include "report/figure_memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

/* As multiples of the text's size. */
#define BAR_APART 1.75
#define BAR_THICK 1.25
#define LEGEND_HIGH 2.4
#define AXIS_HIGH 2.0

/* The pattern of a kind: lines in these directions, so far apart. */
struct pattern {
    int ink;
    char letter;
    bool rising, falling, level, upright;
    double apart;                /* as a multiple of the text's size */
};

static const struct pattern patterns[KIND_COUNT] = {
    [KIND_WEIGHTS] = { INK_GREEN, 'W', .apart = 1 },
    [KIND_INDEX] = { INK_BLACK, 'I', .rising = true, .falling = true,
                     .apart = 0.45 },
    [KIND_GRADIENTS] = { INK_ORANGE, 'G', .rising = true, .apart = 0.6 },
    [KIND_OPTIMIZER] = { INK_PURPLE, 'O', .falling = true, .apart = 0.6 },
    [KIND_ACTIVATIONS] = { INK_BLUE, 'A', .apart = 1 },
    [KIND_TRANSIENT] = { INK_SKY, 'T', .level = true, .apart = 0.42 },
    [KIND_WORKSPACE] = { INK_VERMILION, 'S', .upright = true, .apart = 0.5 },
    [KIND_INPUT] = { INK_DIM, 'N', .level = true, .upright = true,
                     .apart = 0.5 },
};

/* Lines that are drawn together. */
struct hatch {
    double *xy;                  /* owned, [4 * count] */
    int count;
};

static void add_hatch(struct hatch *h, double x0, double y0, double x1,
                      double y1)
{
    h->xy = xrealloc(h->xy, 4 * (unsigned long)(h->count + 1), sizeof(*h->xy));
    h->xy[4 * h->count] = x0;
    h->xy[4 * h->count + 1] = y0;
    h->xy[4 * h->count + 2] = x1;
    h->xy[4 * h->count++ + 3] = y1;
}

/* Adds the part within a box of a line through (x, its bottom) that rises by
 * its height over as much width; or falls. */
static void add_slope(struct hatch *h, struct box b, double x, bool rises)
{
    double from = fmax(x, b.x), to = fmin(x + b.height, b.x + b.width);
    double bottom = b.y + b.height;

    if (from >= to)
        return;
    if (rises)
        add_hatch(h, from, bottom - (from - x), to, bottom - (to - x));
    else
        add_hatch(h, from, b.y + (from - x), to, b.y + (to - x));
}

/* Lines stand where they would on the whole sheet, so that parts side by side
 * look alike. */
static void hatch_box(struct sheet *s, struct box b, const struct pattern *p,
                      double size)
{
    struct hatch h = { NULL, 0 };
    double step = p->apart * size;

    for (double x = floor((b.x - b.height) / step) * step; x < b.x + b.width;
         x += step) {
        if (p->rising)
            add_slope(&h, b, x, true);
        if (p->falling)
            add_slope(&h, b, x, false);
        if (p->upright && x > b.x)
            add_hatch(&h, x, b.y, x, b.y + b.height);
    }
    for (double y = b.y + step / 2; p->level && y < b.y + b.height; y += step)
        add_hatch(&h, b.x, y, b.x + b.width, y);
    if (h.count)
        sheet_stroke(s, (struct stroke){ INK_PAPER, 0.11 * size, DASH_NONE },
                     PATH_APART, h.xy, 2 * h.count);
    free(h.xy);
}

/* Draws a part of a bar, with its letter if there is room. */
static void draw_bar_part(struct sheet *s, struct box b, int kind, double size,
                      bool letter)
{
    const struct pattern *p = &patterns[kind];
    struct font font = { INK_PAPER, 0.85 * size, .bold = true,
                         .align = ALIGN_MIDDLE };
    char text[] = { p->letter, '\0' };
    double x = b.x + b.width / 2, chip = 0.62 * size;

    sheet_fill(s, b, p->ink);
    hatch_box(s, b, p, size);
    if (!letter || b.width < 1.6 * size)
        return;
    sheet_fill(s, (struct box){ x - chip, b.y, 2 * chip, b.height }, p->ink);
    sheet_text(s, font, x, b.y + b.height / 2 + 0.31 * size, text);
}

static bool any_bytes(const struct report *r, const struct group *g, int kind)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (r->entries[i].knows_kinds && r->entries[i].bytes[kind])
            return true;
    return false;
}

/* Draws the kinds and their names in a row, or measures it. Returns its end. */
static double lay_out_legend(struct sheet *s, const struct report *r,
                             const struct group *g, double x, double y,
                             double size, bool draw)
{
    struct font font = { INK_TEXT, size, .align = ALIGN_LEFT };

    for (int k = 0; k < KIND_COUNT; k++) {
        struct box box = { x, y, 1.9 * size, BAR_THICK * size };
        if (!any_bytes(r, g, k))
            continue;
        if (draw)
            draw_bar_part(s, box, k, size, true);
        x += 2.3 * size;
        if (draw)
            sheet_text(s, font, x, y + 0.98 * size, kind_name((enum kind)k));
        x += sheet_width(s, font, kind_name((enum kind)k)) + 1.3 * size;
    }
    return x;
}

/* The legend is as large as it can be. */
static void draw_kinds_legend(struct sheet *s, const struct report *r,
                              const struct group *g, double x, double y,
                              struct look look)
{
    double wide = lay_out_legend(s, r, g, x, y, look.size, false) - x;

    lay_out_legend(s, r, g, x, y, look.size * fmin(1, look.width / wide),
                   true);
}

/* Where bars begin, and the width of the most bytes. */
struct scale {
    double x, width;
    uint64_t most;               /* bytes */
};

static double scaled(const struct scale *sc, uint64_t bytes)
{
    return sc->width * (double)bytes / (double)sc->most;
}

static void draw_bytes_axis(struct sheet *s, const struct scale *sc, double y,
                            double height, double size)
{
    struct font font = { INK_DIM, size, .align = ALIGN_MIDDLE };
    uint64_t step = 1;

    while ((double)sc->most / (double)step > 6)
        step *= 2;
    for (uint64_t at = 0; at <= sc->most; at += step) {
        double x = sc->x + scaled(sc, at);
        char text[NUMBER_SIZE] = "0";
        sheet_line(s, (struct stroke){ INK_GRID, 1, DASH_NONE }, x, y, x,
                   y + height);
        if (at)
            plot_label_bytes(log2((double)at), text);
        sheet_text(s, font, x, y + height + 1.2 * size, text);
    }
}

/* A bar whose kinds are not known is grey. */
static double draw_bar(struct sheet *s, const struct entry *e,
                       const struct scale *sc, double y, double size)
{
    double x = sc->x, thick = BAR_THICK * size;
    uint64_t sum = 0;

    if (!e->knows_kinds) {
        double width = scaled(sc, entry_peak(e));
        sheet_fill(s, (struct box){ x, y, width, thick }, INK_GRID);
        return x + width;
    }
    for (int k = 0; k < KIND_COUNT; k++) {
        char name[96], text[BYTES_TEXT_SIZE];
        double end;
        sum += e->bytes[k];
        end = sc->x + scaled(sc, sum);
        if (!e->bytes[k])
            continue;
        snprintf(name, sizeof(name), "%s: %s %s", e->label,
                 kind_name((enum kind)k),
                 bytes_format(text, sizeof(text), e->bytes[k]));
        sheet_open(s, name);
        draw_bar_part(s, (struct box){ x, y, end - x, thick }, k, size, true);
        sheet_line(s, (struct stroke){ INK_PAPER, 1, DASH_NONE }, end, y, end,
                   y + thick);
        sheet_close(s);
        x = end;
    }
    return x;
}

static void draw_bar_row(struct sheet *s, const struct entry *e,
                         const struct scale *sc, double x, double y,
                         double size)
{
    double base = y + 0.98 * size, end;
    struct font label = { INK_TEXT, size, .bold = true, .align = ALIGN_RIGHT };
    struct font what = { INK_TEXT, size, .align = ALIGN_LEFT };
    char text[BYTES_TEXT_SIZE];

    sheet_text(s, label, x + 1.7 * size, base, e->label);
    what.ink = *e->what ? INK_TEXT : INK_DIM;
    sheet_fit(s, what, x + 2.3 * size, base, sc->x - x - 3 * size,
              entry_words(e));
    end = draw_bar(s, e, sc, y, size);
    what.ink = INK_TEXT;
    what.bold = entry_is_on_front(e);
    if (entry_peak(e))
        sheet_text(s, what, end + 0.5 * size, base,
                   bytes_format(text, sizeof(text), entry_peak(e)));
}

static int bars_shown(const struct group *g)
{
    return g->count < FIGURE_BARS ? g->count : FIGURE_BARS;
}

/* The widest text beside a bar, but no more than a part of the figure. */
static double names_width(struct sheet *s, const struct report *r,
                          const struct group *g, struct look look)
{
    struct font font = { INK_TEXT, look.size, .align = ALIGN_LEFT };
    double widest = 7 * look.size;

    for (int i = 0; i < bars_shown(g); i++)
        widest = fmax(widest, sheet_width(s, font,
                                          entry_words(&r->entries[g->first +
                                                                  i])));
    return fmin(widest, 0.42 * look.width) + 3.2 * look.size;
}

double figure_memory_height(const struct group *g, struct look look)
{
    return (LEGEND_HIGH + AXIS_HIGH + BAR_APART * bars_shown(g)) * look.size;
}

void figure_memory_draw(struct sheet *s, const struct report *r,
                        const struct group *g, double x, double y,
                        struct look look)
{
    double size = look.size, names = names_width(s, r, g, look);
    struct scale sc = { x + names, look.width - names - 6.5 * size, 1 };
    int shown = bars_shown(g);

    for (int i = 0; i < shown; i++)
        if (entry_peak(&r->entries[g->first + i]) > sc.most)
            sc.most = entry_peak(&r->entries[g->first + i]);
    draw_kinds_legend(s, r, g, x, y, look);
    y += LEGEND_HIGH * size;
    draw_bytes_axis(s, &sc, y, BAR_APART * shown * size, size);
    for (int i = 0; i < shown; i++)
        draw_bar_row(s, &r->entries[g->first + i], &sc, x,
                     y + ((BAR_APART - BAR_THICK) / 2 + BAR_APART * i) * size,
                     size);
}
