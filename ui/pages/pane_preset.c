#include "ui/pages/pane_preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "data/dataset.h"
#include "settings/facts.h"
#include "ui/session/diff.h"
#include "ui/term/bar.h"
#include "ui/term/scroll.h"

enum { BAR_LABEL = 9, BAR_TOTAL = 11 };

static void draw_preset_bar(struct area area, int row, const char *name,
                            const struct forecast *f, double scale)
{
    char text[BYTES_TEXT_SIZE];

    area_text(area, row, 1, ROLE_TEXT, name);
    if (!f || f->refused) {
        area_text(area, row, BAR_LABEL + 1, f ? ROLE_BAD : ROLE_DIM,
                  f ? "cannot be" : "…");
        return;
    }
    bar_kinds(area, row, BAR_LABEL + 1, area.cols - BAR_LABEL - BAR_TOTAL - 2,
              f->bytes, (double)f->peak_bytes, scale);
    area_right(area, row, area.cols - 1, ROLE_TEXT | STYLE_BOLD,
               bytes_format(text, sizeof(text), f->peak_bytes));
}

static double larger(const struct forecast *a, const struct forecast *b)
{
    size_t x = a && !a->refused ? a->peak_bytes : 1;
    size_t y = b && !b->refused ? b->peak_bytes : 1;

    return (double)(x > y ? x : y);
}

/* "17.08x less memory, ×1.20 FLOPs a sample": of one unit of data, for the
 * batch may differ. The FLOPs of a token and of an image are not to compare. */
static void draw_difference(struct area area, int row,
                            const struct forecast *now,
                            const struct forecast *then)
{
    double factor = (double)now->peak_bytes / (double)then->peak_bytes;
    double flops = then->flops / then->settings.batch /
                   (now->flops / now->settings.batch);
    double times = factor > 1 ? factor : 1 / factor;
    const char *unit = facts_of(&then->settings).unit;
    char memory[32] = "as much memory", text[64];

    if (times >= 1.005)
        snprintf(memory, sizeof(memory), "%.2fx %s memory", times,
                 factor > 1 ? "less" : "more");
    snprintf(text, sizeof(text), "%s, ×%.2f FLOPs a %s", memory, flops, unit);
    if (strcmp(unit, facts_of(&now->settings).unit) != 0)
        snprintf(text, sizeof(text), "%s", memory);
    else if (1 + cells_width(text) > area.cols)
        snprintf(text, sizeof(text), "%s, ×%.2f FLOPs", memory, flops);
    area_text(area, row,
              BAR_LABEL + 1 + cells_width(text) <= area.cols ? BAR_LABEL + 1
                                                             : 1,
              (factor >= 1 ? ROLE_GOOD : ROLE_BAD) | STYLE_BOLD, text);
}

/* Bars for now and then, and the change between them; returns the row after
 * them and a gap. */
static int draw_bars(const struct session *s, struct area area, int row,
                     const struct forecast *then)
{
    const struct forecast *now = s->planned;
    double scale = larger(now, then);

    draw_preset_bar(area, row, "current", now, scale);
    draw_preset_bar(area, row + 1, "preset", then, scale);
    if (!now || now->refused || !then || then->refused)
        return row + 3;
    draw_difference(area, row + 2, now, then);
    return row + 4;
}

/* A paragraph from a row on; returns the row after it. */
static int draw_text(struct area area, int row, unsigned style,
                     const char *text)
{
    struct text_block block = { 0 };
    int rows;

    text_block_add(&block, style, "%s", text);
    rows = text_block_rows(&block, area.cols - 2);
    text_block_draw(&block, area_sub(area, row, 1, rows, area.cols - 2), 0);
    text_block_done(&block);
    return row + rows;
}

/* From these numbers of rows on there is room for bars, and for sentences. */
enum { BARS_ROWS = 6, ROOMY_ROWS = 12 };

/* From this number of columns on all titles have room beside "more". */
enum { TITLES_COLS = 48 };

/* Says what Enter does; in a word where there is no room for sentences. */
static int draw_offer(const struct session *s, const struct settings *then,
                      struct area area, int row)
{
    struct error e;
    char text[160];

    if (area.rows < ROOMY_ROWS)
        return draw_text(area, row, ROLE_TEXT,
                         settings_same(&s->wanted, then) ? "current" :
                         settings_can_follow(session_settled(s), then, NULL) ?
                         "Enter loads it" : "Enter: a new run, asked first");

    if (settings_same(&s->wanted, then))
        return draw_text(area, row, ROLE_GOOD,
                         "These are the current settings.");
    if (!s->remote && !dataset_check(then, &e)) {
        snprintf(text, sizeof(text), "It trains on %.24s from files, which are "
                 "not here. Enter says where they come from, and asks for "
                 "their folder.", facts_of(then).items);
        return draw_text(area, row, ROLE_WARNING,
                         text);
    }
    if (settings_can_follow(session_settled(s), then, &e))
        return draw_text(area, row, ROLE_TEXT, s->locked ?
                         "Enter loads it; changes are pending then." :
                         "Enter loads it, and the run goes on with it.");
    return draw_text(area, row, ROLE_WARNING,
                     "Enter begins a new run with it, once you agree: rows "
                     "with ! cannot change in this one.");
}

/* Columns of the differences. */
struct columns {
    int current, preset;
};

static struct columns preset_columns(int cols)
{
    int width = (cols - 20) / 2;

    return (struct columns){ 19, 20 + (width < 24 ? width : 24) };
}

static void draw_row(const struct session *s, const struct settings *then,
                     struct area area, int y, const struct setting *row,
                     struct columns c)
{
    bool differs = settings_differ(&s->wanted, then, row);
    char current[SETTINGS_TEXT_SIZE], preset[SETTINGS_TEXT_SIZE];

    diff_value(&s->wanted, row, current, sizeof(current));
    diff_value(then, row, preset, sizeof(preset));
    if (differs && !row->live)
        area_text(area, y, 1, ROLE_WARNING, "!");
    area_fit(area, y, 3, c.current - 4, differs ? ROLE_TEXT : ROLE_DIM,
             row->name);
    area_fit(area, y, c.current, c.preset - c.current - 3,
             differs ? ROLE_TEXT : ROLE_DIM, current);
    if (differs)
        area_text(area, y, c.preset - 2, ROLE_KEY, "→");
    area_fit(area, y, c.preset, area.cols - c.preset - 1,
             differs ? ROLE_PENDING | STYLE_BOLD : ROLE_DIM, preset);
}

/* Returns the number of rows, shown or not. */
static int draw_preset_rows(struct screen *s, struct pane_preset *p,
                            const struct settings *then, struct area area)
{
    const struct setting **rows =
        xcalloc((unsigned long)settings_count, sizeof(*rows));
    struct columns c = preset_columns(area.cols);
    int n = 0;

    for (int i = 0; i < settings_count; i++)
        if (p->all ||
            settings_differ(&s->session->wanted, then, &settings_table[i]))
            rows[n++] = &settings_table[i];
    p->height = area.rows > 1 ? area.rows - 1 : 0;
    p->scroll = scroll_row(p->scroll, n - p->height + 1);
    if (n > 0) {
        area_text(area, 0, 3, ROLE_DIM, p->all ? "all settings" : "differs");
        area_text(area, 0, c.current, ROLE_DIM, "current");
        if (area.cols >= TITLES_COLS)
            area_text(area, 0, c.preset, ROLE_DIM, "preset");
    }
    for (int i = 0; i < p->height && p->scroll + i < n; i++)
        draw_row(s->session, then, area, i + 1, rows[p->scroll + i], c);
    if (p->scroll + p->height < n)
        area_right(area, 0, area.cols - 1, ROLE_KEY, "▼ more");
    free(rows);
    return n;
}

void pane_preset_draw(struct screen *s, struct pane_preset *p,
                      const struct pane_presets *presets,
                      struct area area)
{
    const struct preset_entry *entry = &presets->list[presets->chosen];
    const struct settings *then = &entry->preset.settings;
    const struct forecast *f = pane_presets_forecast(s->session, presets);
    bool roomy = s->layout.size == SIZE_FULL;
    int row = 0, col = area_text(area, 0, 1, ROLE_TITLE, entry->name);
    char note[32];
    int count;

    area_fit(area, row++, col + 2, area.cols - col - 3, ROLE_DIM,
             entry->path[0] ? entry->path : "comes with memdial");
    if (presets->candidate[presets->chosen] < 0) {
        row = draw_text(area, row + roomy, ROLE_BAD, entry->error.text);
        draw_text(area, row + roomy, ROLE_DIM,
                  "Nothing changes until the file is mended.");
        return;
    }
    if (entry->preset.description[0] && area.rows >= ROOMY_ROWS)
        row = draw_text(area, row, ROLE_TEXT, entry->preset.description);
    if (area.rows >= BARS_ROWS)
        row = draw_bars(s->session, area, row + roomy, f) - !roomy;
    if (f && f->refused)
        row = draw_text(area, row, ROLE_BAD, f->error.text);
    else
        row = draw_offer(s->session, then, area, row);
    row += roomy;
    count = draw_preset_rows(s, p, then, area_sub(area, row, 0, area.rows - row,
                                                  area.cols));
    snprintf(note, sizeof(note), "%d %s", count,
             p->all ? "settings" : count == 1 ? "differs" : "differ");
    screen_note(s, area, ROLE_DIM, count ? note : "");
}

void pane_preset_act(struct pane_preset *p, enum action action)
{
    if (action == ACTION_DIFF)
        p->all = !p->all;
    p->scroll += scroll_steps(action, p->height);
    if (p->scroll < 0)
        p->scroll = 0;
}
