#include "ui/pages/pane_fit_plot.h"

#include <math.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ui/pages/byte_plot.h"
#include "ui/pages/pane_fits.h"
#include "ui/term/chart.h"

static double row_x(const struct fit_row *r)
{
    return log2((double)r->arena_bytes);
}

static void widen(struct chart *c, double x, double y)
{
    c->x_min = fmin(c->x_min, x);
    c->x_max = fmax(c->x_max, x);
    c->y_max = fmax(c->y_max, y);
}

/* Makes room for all rows, the baseline, and the budget if it is between. */
static void fit_axes(struct chart *c, const struct finding *f)
{
    double budget = log2((double)f->budget);

    c->x_min = 1e300;
    widen(c, row_x(&f->fit.baseline), f->fit.baseline.seconds);
    for (int i = 0; i < finding_rows(f); i++)
        widen(c, row_x(finding_row(f, i)), finding_row(f, i)->seconds);
    if (budget < c->x_max && budget > c->x_min - 4)
        c->x_min = fmin(c->x_min, budget);
    c->x_min = floor(c->x_min) - 0.3;
    c->x_max = fmax(ceil(c->x_max), c->x_min + 2) + 0.3;
    c->y_max *= 1.15;
}

/* "80 ms", "0.25 s", "12.5ms"; at most 6 cells. */
static void label_time(double y, char text[NUMBER_SIZE])
{
    const char *unit = y < 1 ? "ms" : "s";

    if (y < 1)
        y *= 1000;
    if (snprintf(text, NUMBER_SIZE, "%.3g %s", y, unit) >= CHART_MARGIN)
        snprintf(text, NUMBER_SIZE, "%.3g%s", y, unit);
}

static void draw_point(struct screen *s, const struct chart *c,
                       struct area area, int row, bool chosen)
{
    const struct fit_row *r = finding_row(s->session->found, row);
    unsigned style = pane_fits_style(r->change.price);
    char letter[PRICE_LETTER_SIZE];
    int y, x;

    chart_cell(c, area, row_x(r), r->seconds, &y, &x);
    if (y < 0 || y >= area.rows || x < 0 || x >= area.cols)
        return;
    x = byte_plot_column(area, y, x, 1);
    area_text(area, y, x, chosen ? style | STYLE_REVERSE : style,
              pane_fits_letter(r->change.price, letter));
    screen_target(s, area, y, x, 1, 1, ACTION_ROW, row);
}

/* The chosen row keeps its place, so it is drawn first. */
static void draw_points(struct screen *s, const struct chart *c,
                        struct area area, int chosen)
{
    draw_point(s, c, area, chosen, true);
    for (int i = 0; i < finding_rows(s->session->found); i++)
        if (i != chosen)
            draw_point(s, c, area, i, false);
}

static void draw_plot(struct screen *s, int chosen, struct area area)
{
    const struct finding *f = s->session->found;
    struct chart_mark marks[] = {
        { log2((double)f->budget), ROLE_MARK, "budget" },
        { row_x(&f->fit.baseline), ROLE_PINNED, "baseline" },
    };
    struct chart chart = { .x_label = byte_plot_label, .x_unit = "arena",
                           .label = label_time, .marks = marks,
                           .mark_count = 2 };
    int row, col;

    fit_axes(&chart, f);
    if (marks[0].x < chart.x_min || marks[0].x > chart.x_max)
        chart.marks++, chart.mark_count--;
    if (area.rows < 5 || area.cols < CHART_MARGIN + 8)
        return;
    chart_draw(&chart, area);
    chart_cell(&chart, area, row_x(&f->fit.baseline),
               f->fit.baseline.seconds, &row, &col);
    area_text(area, row, col, ROLE_PINNED | STYLE_BOLD, "+");
    draw_points(s, &chart, area, chosen);
}

/* "C capacity, 70% zeros: sparsity=0.7; peak 3.09 MiB" */
static void describe_fit(struct text_block *text, const struct session *s,
                     int chosen)
{
    const struct fit_row *r = finding_row(s->found, chosen);
    struct settings to = session_fit_settings(s, chosen);
    char change[CHANGE_TEXT_SIZE], peak[BYTES_TEXT_SIZE];
    char sets[SETTINGS_TEXT_SIZE];

    settings_changes(&s->wanted, &to, sets, sizeof(sets));
    text_block_add(text, pane_fits_style(r->change.price), "%s, peak %s: %s",
                   change_text(&r->change, change),
                   bytes_format(peak, sizeof(peak), r->peak_bytes),
                   *sets ? sets : "as the dials are");
}

/* The classes, until there are points. */
static void explain_classes(struct area area)
{
    static const char *const meanings[PRICE_COUNT] = {
        [PRICE_FREE] = "the same results, for more arithmetic",
        [PRICE_ROUNDING] = "sums round in another order",
        [PRICE_STATISTICS] = "batch norms see fewer samples",
        [PRICE_STORAGE] = "numbers have fewer bits",
        [PRICE_CAPACITY] = "the model has fewer weights",
    };

    area_text(area, 0, 0, ROLE_DIM, "What settings can change, least first:");
    for (int i = PRICE_FREE; i < PRICE_COUNT; i++) {
        char letter[PRICE_LETTER_SIZE];
        int row = i - PRICE_FREE + 1;
        unsigned style = pane_fits_style((enum price)i);
        area_print(area, row, 0, style, "%s %s",
                   pane_fits_letter((enum price)i, letter),
                   settings_price_name((enum price)i));
        area_text(area, row, 14, ROLE_TEXT, meanings[i]);
    }
}

void pane_fit_plot_draw(struct screen *s, int chosen, struct area area)
{
    const struct session *session = s->session;
    struct text_block text = { 0 };
    struct area above = area_sub(area, 0, 1, area.rows, area.cols - 2);
    int rows;

    screen_note(s, area, ROLE_DIM, "F free  R rounding  S statistics  "
                "T storage  C capacity");
    if (session->fitting || !session->found || !finding_rows(session->found)) {
        explain_classes(above);
        return;
    }
    describe_fit(&text, session, chosen);
    rows = text_block_rows(&text, above.cols);
    text_block_draw(&text, above, 0);
    text_block_done(&text);
    draw_plot(s, chosen, area_sub(area, rows, 0, area.rows - rows,
                                  area.cols));
}
