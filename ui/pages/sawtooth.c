#include "ui/pages/sawtooth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "ui/term/theme.h"

/* The contents of a cell: the kind that has most of it, and how full it is;
 * without a kind it is empty. */
struct spot {
    int kind, eighths;
};

struct plot {
    int rows, cols;
    struct spot *spots;  /* [rows * cols] */
};

static struct spot spot_of(const size_t live[KIND_COUNT], double low,
                           double high)
{
    double sum = 0, full = 0, most = 0;
    struct spot spot = { -1, 0 };

    for (int k = 0; k < KIND_COUNT; k++) {
        double part = fmin(sum + (double)live[k], high) - fmax(sum, low);
        sum += (double)live[k];
        if (part > 0)
            full += part;
        if (part > most) {
            most = part;
            spot.kind = k;
        }
    }
    spot.eighths = (int)lround(8 * full / (high - low));
    if (spot.eighths == 0)
        spot.kind = -1;
    return spot;
}

static void fill_plot(struct plot *p, const struct plan *plan,
                      const struct timeline *t, double top)
{
    for (int c = 0; c < p->cols; c++) {
        const size_t *live = plan->live[timeline_step(t, plan, c)];
        for (int r = 0; r < p->rows; r++)
            p->spots[r * p->cols + c] =
                spot_of(live, top * (p->rows - 1 - r) / p->rows,
                        top * (p->rows - r) / p->rows);
    }
}

static const struct phase_look {
    unsigned role;
    const char *band;
} looks[PHASE_COUNT] = {
    [PHASE_PREPARE] = { ROLE_DIM, "·" },
    [PHASE_FORWARD] = { ROLE_FORWARD, "▸" },
    [PHASE_RECOMPUTE] = { ROLE_RECOMPUTE, "r" },
    [PHASE_BACKWARD] = { ROLE_BACKWARD, "◂" },
    [PHASE_UPDATE] = { ROLE_UPDATE, "=" },
    [PHASE_EVALUATE] = { ROLE_DIM, "e" },
    [PHASE_TRANSLATE] = { ROLE_DIM, "t" },
};

const char *sawtooth_band(enum phase phase)
{
    return looks[phase].band;
}

unsigned sawtooth_role(enum phase phase)
{
    return looks[phase].role;
}

static enum phase phase_of(const struct plan *plan, const struct timeline *t,
                           int col)
{
    return plan->schedule->steps[timeline_step(t, plan, col)].phase;
}

static void draw_spot(struct area area, int row, int col, struct spot s)
{
    enum glyphs glyphs = area.cells->glyphs;
    unsigned style = (unsigned)(ROLE_KIND + s.kind);
    char block[CELL_TEXT_SIZE];

    if (s.eighths == 8 || (glyphs == GLYPHS_ASCII && s.eighths >= 4)) {
        area_text(area, row, col, style,
                  theme_pattern((enum kind)s.kind, glyphs));
    } else if (glyphs != GLYPHS_ASCII) {
        /* U+2581 is the lowest eighth of a cell. */
        cells_encode(0x2580u + (uint32_t)s.eighths, block);
        area_text(area, row, col, style, block);
    }
}

/* The length of the longest run of cells of a kind in a row, and its place. */
static int longest_run(const struct plot *p, int kind, int *row, int *col)
{
    int longest = 0;

    *row = *col = 0;
    for (int r = 0; r < p->rows; r++)
        for (int c = 0, run = 0; c < p->cols; c++) {
            const struct spot *s = &p->spots[r * p->cols + c];
            run = s->kind == kind && s->eighths == 8 ? run + 1 : 0;
            if (run > longest) {
                longest = run;
                *row = r;
                *col = c - run + 1;
            }
        }
    return longest;
}

/* Writes a kind's name in the middle of its area, or its letter, if it fits. */
static void name_kind(const struct plot *p, struct area area, int kind)
{
    unsigned style = (unsigned)(ROLE_KIND + kind) | STYLE_REVERSE;
    int row, col, run = longest_run(p, kind, &row, &col), width;
    char text[32];

    snprintf(text, sizeof(text), " %c %s ", theme_letter((enum kind)kind),
             kind_name((enum kind)kind));
    width = cells_width(text);
    if (run >= width + 2)
        area_text(area, row, col + (run - width) / 2, style, text);
    else if (run >= 3)
        area_print(area, row, col + run / 2, style, "%c",
                   theme_letter((enum kind)kind));
}

/* Backward and its recomputation are one part of a step. */
static bool same_part(enum phase a, enum phase b)
{
    if (a == PHASE_RECOMPUTE)
        a = PHASE_BACKWARD;
    if (b == PHASE_RECOMPUTE)
        b = PHASE_BACKWARD;
    return a == b;
}

/* Shades the phases where nothing else is drawn. */
static void shade_phases(const struct plan *plan, const struct timeline *t,
                         struct area area)
{
    enum phase before = phase_of(plan, t, 0);

    for (int c = 0; c < t->cols; c++) {
        enum phase phase = phase_of(plan, t, c);
        const char *shade = !same_part(before, phase)  ? "┆"
                            : phase == PHASE_RECOMPUTE ? "·" : " ";
        for (int r = 0; r < area.rows; r++)
            area_text(area, r, c, looks[phase].role, shade);
        before = phase;
    }
}

void sawtooth_draw(const struct plan *plan, const struct timeline *t,
                   double top, struct area area)
{
    struct plot p = { area.rows, t->cols < area.cols ? t->cols : area.cols,
                      NULL };

    p.spots = xcalloc((unsigned long)p.rows * (unsigned long)p.cols,
                      sizeof(*p.spots));
    fill_plot(&p, plan, t, top);
    shade_phases(plan, t, area);
    for (int r = 0; r < p.rows; r++)
        for (int c = 0; c < p.cols; c++) {
            struct spot s = p.spots[r * p.cols + c];
            if (s.kind >= 0)
                draw_spot(area, r, c, s);
        }
    for (int k = 0; k < KIND_COUNT; k++)
        name_kind(&p, area, k);
    free(p.spots);
}

/* " backward ×10 ", cut to the room that there is. */
static void name_phase(const struct schedule *s, enum phase phase, int room,
                       char *text, size_t size)
{
    int times = s->cut.parts;
    bool often = phase == PHASE_FORWARD || phase == PHASE_BACKWARD ||
                 phase == PHASE_RECOMPUTE;

    if (often && times > 1)
        snprintf(text, size, " %s ×%d ", phase_name(phase), times);
    else
        snprintf(text, size, " %s ", phase_name(phase));
    if (cells_width(text) + 2 > room)
        snprintf(text, size, "%s", phase_name(phase));
    if (cells_width(text) > room)
        *text = '\0';
}

void sawtooth_phases(const struct plan *plan, const struct timeline *t,
                     struct area area, int row)
{
    for (int from = 0, to; from < t->cols; from = to) {
        enum phase phase = phase_of(plan, t, from);
        const struct phase_look *look = &looks[phase];
        char name[32];

        for (to = from; to < t->cols && phase_of(plan, t, to) == phase; to++)
            area_text(area, row, to, look->role, look->band);
        name_phase(plan->schedule, phase, to - from, name, sizeof(name));
        area_text(area, row, (from + to - cells_width(name)) / 2,
                  look->role | STYLE_BOLD, name);
    }
}
