/*
 * The page Presets: a list of them, the user's own first, and what the chosen
 * one would change. What it would take is a candidate of the session, which
 * has as many of them as there are presets that could be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/folder.h"
#include "data/dataset.h"
#include "models/model.h"
#include "settings/preset.h"
#include "ui/pages/new_run.h"
#include "ui/pages/screen.h"
#include "ui/session/diff.h"
#include "ui/term/bar.h"

enum { PANE_LIST, PANE_DIFF };

/* What the screen was asked to ask. */
enum question_asked { ASKED_NAME, ASKED_REPLACE };

struct presets_page {
    struct preset_entry *list;       /* owned, [count] */
    int *candidate;                  /* owned, [count]; -1: cannot be read */
    int count;
    struct timespec changed;         /* of the user's folder; 0: none */
    char data_path[SETTINGS_TEXT_SIZE]; /* that is filled in */
    int chosen, scroll, height;      /* of the list, in presets */
    int diff_scroll, diff_height;
    bool all;                        /* settings that are alike too */
    enum question_asked asked;
    char name[ANSWER_SIZE];          /* to save as */
};

static void done(void *state)
{
    struct presets_page *p = state;

    free(p->list);
    free(p->candidate);
}

/* When a file was last added to the user's own, or removed. */
static struct timespec folder_time(void)
{
    char path[PRESET_PATH_SIZE];
    struct stat status;

    if (folder_config(path, sizeof(path), "presets") &&
        stat(path, &status) == 0)
        return status.st_mtim;
    return (struct timespec){ 0 };
}

static void consider(struct session *s, struct presets_page *p)
{
    struct settings *all = xcalloc((unsigned long)p->count, sizeof(*all));
    int n = 0;

    for (int i = 0; i < p->count; i++) {
        bool good = p->list[i].error.code == EXIT_OK;
        p->candidate[i] = good ? n : -1;
        if (good)
            all[n++] = p->list[i].preset.settings;
    }
    session_consider(s, all, n);
    free(all);
}

static void choose_name(struct presets_page *p, const char *name)
{
    for (int i = 0; i < p->count; i++)
        if (strcmp(p->list[i].name, name) == 0)
            p->chosen = i;
}

/* Reads all presets anew; the choice stays on the one of that name. */
static void reload(struct session *s, struct presets_page *p)
{
    char name[PRESET_NAME_SIZE] = "";

    if (p->count > 0)
        memcpy(name, p->list[p->chosen].name, sizeof(name));
    free(p->list);
    p->changed = folder_time();
    strcpy(p->data_path, s->data_path);
    p->count = preset_list(&p->list);
    for (int i = 0; i < p->count; i++)
        session_fill(s, &p->list[i].preset.settings);
    p->candidate = xrealloc(p->candidate, (unsigned long)p->count,
                            sizeof(*p->candidate));
    p->chosen = 0;
    choose_name(p, name);
    consider(s, p);
}

static void keep_up(struct session *s, struct presets_page *p)
{
    struct timespec now = folder_time();

    if (!p->list || strcmp(p->data_path, s->data_path) != 0 ||
        now.tv_sec != p->changed.tv_sec ||
        now.tv_nsec != p->changed.tv_nsec)
        reload(s, p);
}

/* NULL: not here yet, or there can be none. */
static const struct forecast *forecast_of(const struct session *s,
                                          const struct presets_page *p, int i)
{
    return p->candidate[i] < 0 ? NULL
                               : s->candidates[p->candidate[i]].forecast;
}

static void peak_text(const struct session *s, const struct presets_page *p,
                      int i, char *text, size_t size, unsigned *style)
{
    const struct forecast *f = forecast_of(s, p, i);
    bool broken = p->candidate[i] < 0;

    *style = broken || (f && f->refused) ? ROLE_BAD : ROLE_TEXT;
    if (broken)
        snprintf(text, size, "broken");
    else if (!f)
        snprintf(text, size, "…");
    else if (f->refused)
        snprintf(text, size, "cannot be");
    else
        bytes_format(text, size, f->peak_bytes);
}

/* Name and peak, and below what it is. */
static void draw_entry(struct screen *s, const struct presets_page *p,
                       struct area area, int row, int i)
{
    const struct preset_entry *entry = &p->list[i];
    bool broken = p->candidate[i] < 0, chosen = i == p->chosen;
    bool current = !broken && settings_same(&entry->preset.settings,
                                            &s->session->wanted);
    const char *note = current ? "current" : entry->path[0] ? "yours" : "";
    char peak[BYTES_TEXT_SIZE];
    unsigned style;
    int end = area.cols - 1;

    screen_target(s, area, row, 0, 2, area.cols, ACTION_ROW, i);
    peak_text(s->session, p, i, peak, sizeof(peak), &style);
    area_right(area, row, end, style, peak);
    end -= cells_width(peak) + 2;
    area_text(area, row, 0, ROLE_KEY | STYLE_BOLD, chosen ? "▸" : " ");
    area_fit(area, row, 2, end - 2, chosen ? ROLE_TITLE : ROLE_TEXT,
             entry->name);
    if (end - cells_width(note) > 2 + cells_width(entry->name))
        area_right(area, row, end, current ? ROLE_GOOD : ROLE_DIM, note);
    area_fit(area, row + 1, 2, area.cols - 3, broken ? ROLE_BAD : ROLE_DIM,
             broken ? "cannot be loaded" : entry->preset.description);
    if (chosen && screen_has_keys(s, PANE_LIST))
        area_mark(area, row, 0, area.cols, STYLE_REVERSE);
}

static int between(int least, int value, int most)
{
    return value > most ? most : value < least ? least : value;
}

static void draw_list(struct screen *s, struct presets_page *p,
                      struct area area)
{
    char note[32];

    p->height = area.rows / 2;
    p->scroll = between(p->chosen - p->height + 1, p->scroll, p->chosen);
    p->scroll = between(0, p->scroll, p->count > p->height
                                          ? p->count - p->height : 0);
    for (int i = 0; i < p->height && p->scroll + i < p->count; i++)
        draw_entry(s, p, area, 2 * i, p->scroll + i);
    snprintf(note, sizeof(note), "%d/%d", p->chosen + 1, p->count);
    screen_note(s, area, ROLE_DIM, note);
}

enum { BAR_LABEL = 9, BAR_TOTAL = 11 };

static void draw_bar(struct area area, int row, const char *name,
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

/* "17.08x less memory, ×1.20 FLOPs": those of a sample, for the batch may
 * differ. */
static void draw_factor(struct area area, int row, const struct forecast *now,
                        const struct forecast *then)
{
    double factor = (double)now->peak_bytes / (double)then->peak_bytes;
    double flops = then->flops / then->settings.batch /
                   (now->flops / now->settings.batch);
    double times = factor > 1 ? factor : 1 / factor;
    char memory[32] = "as much memory", text[64];

    if (times >= 1.005)
        snprintf(memory, sizeof(memory), "%.2fx %s memory", times,
                 factor > 1 ? "less" : "more");
    snprintf(text, sizeof(text), "%s, ×%.2f FLOPs a sample", memory, flops);
    if (1 + cells_width(text) > area.cols)
        snprintf(text, sizeof(text), "%s, ×%.2f FLOPs", memory, flops);
    area_text(area, row,
              BAR_LABEL + 1 + cells_width(text) <= area.cols ? BAR_LABEL + 1
                                                             : 1,
              (factor >= 1 ? ROLE_GOOD : ROLE_BAD) | STYLE_BOLD, text);
}

/* The bars of now and then, and the change between them; returns the row after
 * them and a gap. */
static int draw_bars(const struct session *s, struct area area, int row,
                     const struct forecast *then)
{
    const struct forecast *now = s->planned;
    double scale = larger(now, then);

    draw_bar(area, row, "current", now, scale);
    draw_bar(area, row + 1, "preset", then, scale);
    if (!now || now->refused || !then || then->refused)
        return row + 3;
    draw_factor(area, row + 2, now, then);
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

/* What Enter does; in a word, where there is no room for sentences. */
static int draw_offer(const struct session *s, const struct settings *then,
                      struct area area, int row)
{
    struct error e;

    if (area.rows < ROOMY_ROWS)
        return draw_text(area, row, ROLE_TEXT,
                         settings_same(&s->wanted, then) ? "current" :
                         settings_can_follow(&s->in_force, then, NULL) ?
                         "Enter loads it" : "Enter: a new run, asked first");

    if (settings_same(&s->wanted, then))
        return draw_text(area, row, ROLE_GOOD,
                         "These are the current settings.");
    if (!s->remote && !dataset_check(then, &e))
        return draw_text(area, row, ROLE_WARNING,
                         "It trains on images from files, which are not "
                         "here. Enter says where they come from, and asks "
                         "for their folder.");
    if (settings_can_follow(&s->in_force, then, &e))
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

static struct columns find_columns(int cols)
{
    int width = (cols - 20) / 2;

    return (struct columns){ 19, 20 + between(0, width, 24) };
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

/* Returns how many rows there are, shown or not. */
static int draw_rows(struct screen *s, struct presets_page *p,
                     const struct settings *then, struct area area)
{
    const struct setting **rows =
        xcalloc((unsigned long)settings_count, sizeof(*rows));
    struct columns c = find_columns(area.cols);
    int n = 0;

    for (int i = 0; i < settings_count; i++)
        if (p->all ||
            settings_differ(&s->session->wanted, then, &settings_table[i]))
            rows[n++] = &settings_table[i];
    p->diff_height = area.rows > 1 ? area.rows - 1 : 0;
    p->diff_scroll = between(0, p->diff_scroll, n > p->diff_height
                                                    ? n - p->diff_height : 0);
    if (n > 0) {
        area_text(area, 0, 3, ROLE_DIM, p->all ? "all settings" : "differs");
        area_text(area, 0, c.current, ROLE_DIM, "current");
        if (area.cols >= TITLES_COLS)
            area_text(area, 0, c.preset, ROLE_DIM, "preset");
    }
    for (int i = 0; i < p->diff_height && p->diff_scroll + i < n; i++)
        draw_row(s->session, then, area, i + 1, rows[p->diff_scroll + i], c);
    if (p->diff_scroll + p->diff_height < n)
        area_right(area, 0, area.cols - 1, ROLE_KEY, "▼ more");
    free(rows);
    return n;
}

static void draw_chosen(struct screen *s, struct presets_page *p,
                        struct area area)
{
    const struct preset_entry *entry = &p->list[p->chosen];
    const struct settings *then = &entry->preset.settings;
    const struct forecast *f = forecast_of(s->session, p, p->chosen);
    bool roomy = s->layout.size == SIZE_FULL;
    int row = 0, col = area_text(area, 0, 1, ROLE_TITLE, entry->name);
    char note[32];
    int count;

    area_fit(area, row++, col + 2, area.cols - col - 3, ROLE_DIM,
             entry->path[0] ? entry->path : "comes with memdial");
    if (p->candidate[p->chosen] < 0) {
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
    count = draw_rows(s, p, then, area_sub(area, row, 0, area.rows - row,
                                           area.cols));
    snprintf(note, sizeof(note), "%d %s", count,
             p->all ? "settings" : count == 1 ? "differs" : "differ");
    screen_note(s, area, ROLE_DIM, count ? note : "");
}

static void draw(struct screen *s, void *state, int pane, struct area area)
{
    struct presets_page *p = state;

    keep_up(s->session, p);
    if (pane == PANE_LIST)
        draw_list(s, p, area);
    else
        draw_chosen(s, p, area);
}

/* The whole error, for which the line of the state may be too short. */
static void fail(struct screen *s, const char *title, const struct error *e)
{
    session_say(s->session, NOTICE_ERROR, "%s", e->text);
    screen_popup(s, title);
    text_block_add(&s->popup_text, ROLE_BAD, "%s", e->text);
    text_block_add(&s->popup_text, ROLE_TEXT, " ");
    text_block_add(&s->popup_text, ROLE_TEXT, "Nothing has changed.");
}

/* The file may not be what it was when it was listed, so it is read again. */
static void load(struct screen *s, struct presets_page *p)
{
    const struct preset_entry *entry;
    struct error e;

    reload(s->session, p);
    entry = &p->list[p->chosen];
    if (entry->error.code != EXIT_OK) {
        fail(s, "Not loaded", &entry->error);
    } else if (!model_check(&entry->preset.settings, entry->path[0]
                                ? entry->path : entry->name, &e)) {
        fail(s, "Not loaded", &e);
    } else {
        new_run_go(s, entry->name, entry->name, &entry->preset.settings);
    }
}

static void save(struct screen *s, struct presets_page *p, bool replace)
{
    struct session *session = s->session;
    struct preset preset = { .settings = session->wanted };
    char path[PRESET_PATH_SIZE], saves[PRESET_DESCRIPTION_MAX / 2];
    struct error e;

    if (session->baseline)
        diff_list(saves, sizeof(saves), &session->wanted,
                  &session->baseline->settings);
    snprintf(preset.description, sizeof(preset.description), "%s; from %.50s",
             session->baseline && *saves ? saves : "nothing saved",
             session->preset);
    if (!preset_save(&preset, p->name, replace, path, &e)) {
        fail(s, "Not saved", &e);
        return;
    }
    reload(session, p);
    choose_name(p, p->name);
    session_say(session, NOTICE_INFO, "saved %s", path);
}

/* A name that is taken is asked about: a file of the user's would be lost, and
 * one that comes with memdial no longer found. */
static void save_as(struct screen *s, struct presets_page *p)
{
    static const char extension[] = ".yaml";
    size_t length;
    char question[128];

    memcpy(p->name, s->answer, sizeof(p->name));
    length = strlen(p->name);
    if (length >= sizeof(extension) &&
        strcmp(p->name + length - strlen(extension), extension) == 0)
        p->name[length - strlen(extension)] = '\0';
    reload(s->session, p);
    for (int i = 0; i < p->count; i++) {
        if (strcmp(p->list[i].name, p->name) != 0)
            continue;
        snprintf(question, sizeof(question), "%s %.40s? y: yes, Esc: no",
                 p->list[i].path[0] ? "replace your" : "hide memdial's",
                 p->name);
        p->asked = ASKED_REPLACE;
        screen_ask(s, question, "");
        return;
    }
    save(s, p, false);
}

static void ask_name(struct screen *s, struct presets_page *p)
{
    char name[ANSWER_SIZE] = "";

    if (!strchr(s->session->preset, '/'))
        snprintf(name, sizeof(name), "my-%.32s", s->session->preset);
    p->asked = ASKED_NAME;
    screen_ask(s, "save as:", name);
}

static void on_answer(struct screen *s, struct presets_page *p)
{
    if (p->asked == ASKED_NAME)
        save_as(s, p);
    else if (s->answer[0] == 'y' || s->answer[0] == 'Y')
        save(s, p, true);
}

/* How far an action goes in a list with this many rows in sight; the ends are
 * very far. */
static int steps_of(enum action action, int height)
{
    switch (action) {
    case ACTION_UP:
        return -1;
    case ACTION_DOWN:
        return 1;
    case ACTION_PAGE_UP:
        return -height;
    case ACTION_PAGE_DOWN:
        return height;
    case ACTION_START:
        return -1000000;
    case ACTION_END:
        return 1000000;
    default:
        return 0;
    }
}

static void go(struct screen *s, struct presets_page *p, enum action action)
{
    if (screen_has_keys(s, PANE_DIFF)) {
        p->diff_scroll += steps_of(action, p->diff_height);
        return;
    }
    p->chosen = between(0, p->chosen + steps_of(action, p->height),
                        p->count - 1);
    p->diff_scroll = 0;
}

static void act(struct screen *s, void *state, enum action action,
                int argument)
{
    struct presets_page *p = state;

    keep_up(s->session, p);
    switch (action) {
    case ACTION_ENTER:
        load(s, p);
        break;
    case ACTION_ROW:
        p->chosen = between(0, argument, p->count - 1);
        p->diff_scroll = 0;
        break;
    case ACTION_DIFF:
        p->all = !p->all;
        break;
    case ACTION_SAVE_PRESET:
        ask_name(s, p);
        break;
    case ACTION_ANSWER:
        on_answer(s, p);
        break;
    default:
        go(s, p, action);
        break;
    }
}

const struct page page_presets = { .name = "Presets",
                                   .state_size = sizeof(struct presets_page),
                                   .done = done,
                                   .draw = draw,
                                   .act = act };
