#include "ui/pages/pane_presets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/folder.h"
#include "ui/term/scroll.h"

void pane_presets_done(struct pane_presets *p)
{
    free(p->list);
    free(p->candidate);
}

/* The time at which a file was last added to the user's folder, or removed. */
static struct timespec folder_time(void)
{
    char path[PRESET_PATH_SIZE];
    struct stat status;

    if (folder_config(path, sizeof(path), "presets") &&
        stat(path, &status) == 0)
        return status.st_mtim;
    return (struct timespec){ 0 };
}

static void consider(struct session *s, struct pane_presets *p)
{
    struct settings *all = xcalloc((unsigned long)p->count, sizeof(*all));
    int n = 0;

    for (int i = 0; i < p->count; i++) {
        bool good = p->list[i].error.code == EXIT_OK;
        p->candidate[i] = good ? n : -1;
        if (good)
            all[n++] = p->list[i].preset.settings;
    }
    session_consider(s, p, all, n);
    free(all);
}

void pane_presets_choose(struct pane_presets *p, const char *name)
{
    for (int i = 0; i < p->count; i++)
        if (strcmp(p->list[i].name, name) == 0)
            p->chosen = i;
}

void pane_presets_reload(struct session *s, struct pane_presets *p)
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
    pane_presets_choose(p, name);
    consider(s, p);
}

void pane_presets_keep_up(struct session *s, struct pane_presets *p)
{
    struct timespec now = folder_time();

    if (!p->list || strcmp(p->data_path, s->data_path) != 0 ||
        now.tv_sec != p->changed.tv_sec ||
        now.tv_nsec != p->changed.tv_nsec)
        pane_presets_reload(s, p);
    else if (s->candidates_for != p)
        consider(s, p);
}

static const struct forecast *forecast_of_row(const struct session *s,
                                              const struct pane_presets *p,
                                              int i)
{
    return p->candidate[i] < 0 ? NULL
                               : s->candidates[p->candidate[i]].forecast;
}

const struct forecast *pane_presets_forecast(const struct session *s,
                                             const struct pane_presets *p)
{
    return forecast_of_row(s, p, p->chosen);
}

static void peak_text(const struct session *s, const struct pane_presets *p,
                      int i, char *text, size_t size, unsigned *style)
{
    const struct forecast *f = forecast_of_row(s, p, i);
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

/* Draws a preset's name and peak, and its description below. */
static void draw_entry(struct screen *s, const struct pane_presets *p,
                       struct area area, int row, int i, bool keys)
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
    if (chosen && keys)
        area_mark(area, row, 0, area.cols, STYLE_REVERSE);
}

void pane_presets_draw(struct screen *s, struct pane_presets *p,
                       struct area area, bool keys)
{
    char note[32];

    p->height = area.rows / 2;
    p->scroll = scroll_keep(p->scroll, p->chosen, p->count, p->height);
    for (int i = 0; i < p->height && p->scroll + i < p->count; i++)
        draw_entry(s, p, area, 2 * i, p->scroll + i, keys);
    snprintf(note, sizeof(note), "%d/%d", p->chosen + 1, p->count);
    screen_note(s, area, ROLE_DIM, note);
}

void pane_presets_act(struct pane_presets *p, enum action action, int argument)
{
    int row = action == ACTION_ROW
                  ? argument : p->chosen + scroll_steps(action, p->height);

    p->chosen = scroll_row(row, p->count);
}
