/*
 * The page Presets: a list of them, and the changes that the chosen preset
 * would make. A preset is loaded here, and the settings wanted are saved here.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "models/model.h"
#include "ui/pages/new_run.h"
#include "ui/pages/pane_preset.h"
#include "ui/session/diff.h"

enum { PANE_LIST, PANE_PRESET };

/* The question that the page has asked. */
enum question_asked { ASKED_NAME, ASKED_REPLACE };

struct presets_page {
    struct pane_presets presets;
    struct pane_preset preset;       /* the chosen one */
    enum question_asked asked;
    char name[ANSWER_SIZE];          /* to save as */
};

static void page_presets_done(void *state)
{
    struct presets_page *p = state;

    pane_presets_done(&p->presets);
}

static void page_presets_draw(struct screen *s, void *state, int pane,
                              struct area area)
{
    struct presets_page *p = state;

    pane_presets_keep_up(s->session, &p->presets);
    if (pane == PANE_LIST)
        pane_presets_draw(s, &p->presets, area, screen_has_keys(s, PANE_LIST));
    else
        pane_preset_draw(s, &p->preset, &p->presets, area);
}

/* Shows the whole error, for which the status line may be too short. */
static void show_error(struct screen *s, const char *title,
                       const struct error *e)
{
    session_say(s->session, NOTICE_ERROR, "%s", e->text);
    screen_popup(s, title);
    text_block_add(&s->popup.text, ROLE_BAD, "%s", e->text);
    text_block_add(&s->popup.text, ROLE_TEXT, " ");
    text_block_add(&s->popup.text, ROLE_TEXT, "Nothing has changed.");
}

/* The file may have changed since it was listed, so it is read again. */
static void load(struct screen *s, struct presets_page *p)
{
    const struct preset_entry *entry;
    struct error e;

    pane_presets_reload(s->session, &p->presets);
    entry = &p->presets.list[p->presets.chosen];
    if (entry->error.code != EXIT_OK) {
        show_error(s, "Not loaded", &entry->error);
    } else if (!model_check(&entry->preset.settings, entry->path[0]
                                ? entry->path : entry->name, &e)) {
        show_error(s, "Not loaded", &e);
    } else {
        new_run_go(s, entry->name, entry->name, &entry->preset.settings);
    }
}

static void save_wanted(struct screen *s, struct presets_page *p, bool replace)
{
    struct session *session = s->session;
    struct preset preset = { .settings = session->wanted };
    char path[PRESET_PATH_SIZE], saves[PRESET_DESCRIPTION_MAX / 2];
    struct error e;

    if (session->baseline)
        diff_list(saves, sizeof(saves), &session->wanted,
                  &session->baseline->settings);
    snprintf(preset.description, sizeof(preset.description), "%s; from %.*s",
             session->baseline && *saves ? saves : "nothing saved",
             text_cut(session->preset, 50), session->preset);
    if (!preset_save(&preset, p->name, replace, path, &e)) {
        show_error(s, "Not saved", &e);
        return;
    }
    pane_presets_reload(session, &p->presets);
    pane_presets_choose(&p->presets, p->name);
    session_say(session, NOTICE_INFO, "saved %s", path);
}

/* A question comes before a name that is taken: the user's file would be
 * lost, or a preset that comes with memdial no longer found. */
static void save_as(struct screen *s, struct presets_page *p)
{
    static const char extension[] = ".yaml";
    size_t length;
    char question[128];

    memcpy(p->name, s->question.answer, sizeof(p->name));
    length = strlen(p->name);
    if (length >= sizeof(extension) &&
        strcmp(p->name + length - strlen(extension), extension) == 0)
        p->name[length - strlen(extension)] = '\0';
    pane_presets_reload(s->session, &p->presets);
    for (int i = 0; i < p->presets.count; i++) {
        if (strcmp(p->presets.list[i].name, p->name) != 0)
            continue;
        snprintf(question, sizeof(question), "%s %.*s? y: yes, Esc: no",
                 p->presets.list[i].path[0] ? "replace your" : "hide memdial's",
                 text_cut(p->name, 40), p->name);
        p->asked = ASKED_REPLACE;
        screen_ask(s, question, "");
        return;
    }
    save_wanted(s, p, false);
}

static void ask_name(struct screen *s, struct presets_page *p)
{
    char name[ANSWER_SIZE] = "";

    if (!strchr(s->session->preset, '/'))
        snprintf(name, sizeof(name), "my-%.*s",
                 text_cut(s->session->preset, 32), s->session->preset);
    p->asked = ASKED_NAME;
    screen_ask(s, "save as:", name);
}

static void take_name_or_yes(struct screen *s, struct presets_page *p)
{
    if (p->asked == ASKED_NAME)
        save_as(s, p);
    else if (s->question.answer[0] == 'y' || s->question.answer[0] == 'Y')
        save_wanted(s, p, true);
}

/* Another preset is shown from its beginning. */
static void choose_listed(struct presets_page *p, enum action action,
                          int argument)
{
    pane_presets_act(&p->presets, action, argument);
    p->preset.scroll = 0;
}

static void page_presets_act(struct screen *s, void *state, enum action action,
                             int argument)
{
    struct presets_page *p = state;

    pane_presets_keep_up(s->session, &p->presets);
    switch (action) {
    case ACTION_ENTER:
        load(s, p);
        break;
    case ACTION_ROW:
        choose_listed(p, action, argument);
        break;
    case ACTION_SAVE_PRESET:
        ask_name(s, p);
        break;
    case ACTION_ANSWER:
        take_name_or_yes(s, p);
        break;
    default:
        if (action == ACTION_DIFF || screen_has_keys(s, PANE_PRESET))
            pane_preset_act(&p->preset, action);
        else
            choose_listed(p, action, argument);
        break;
    }
}

const struct page page_presets = { .name = "Presets",
                                   .state_size = sizeof(struct presets_page),
                                   .done = page_presets_done,
                                   .draw = page_presets_draw,
                                   .act = page_presets_act };
