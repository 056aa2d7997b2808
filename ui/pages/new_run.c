#include "ui/pages/new_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "base/number.h"
#include "base/text.h"
#include "data/dataset.h"
#include "settings/facts.h"
#include "settings/preset.h"
#include "ui/pages/leave.h"
#include "ui/pages/screen.h"
#include "ui/session/diff.h"

static void new_run_begin(struct screen *s, const struct new_run *n)
{
    const struct settings *former = session_former(s->session);

    screen_drop_waiting(s);
    if (n->undoes && former && settings_same(former, &n->settings))
        session_undo(s->session);
    else
        session_begin(s->session, n->name, &n->settings);
}

static void on_agreed(struct screen *s, int key)
{
    (void)key;
    new_run_begin(s, &s->popup.run);
}

/* Lists changes that only a new run can make, "depth  10 → 16"; returns the
 * number of others. */
static int list_changes(struct text_block *text, const struct settings *from,
                        const struct settings *to)
{
    int others = 0;

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        char was[SETTINGS_TEXT_SIZE], is[SETTINGS_TEXT_SIZE];
        if (!settings_differ(from, to, row))
            continue;
        others += row->live;
        if (row->live)
            continue;
        diff_value(from, row, was, sizeof(was));
        diff_value(to, row, is, sizeof(is));
        text_block_add(text, ROLE_PENDING, "  %-15s  %s → %s", row->name, was,
                       is);
    }
    return others;
}

/* Says how the present run ends. */
static void tell_end(struct text_block *text, const struct session *s)
{
    double valid = run_latest(session_run(s), CURVE_VALID_SCORE);
    struct score score = run_score(session_run(s));
    char figure[2 * NUMBER_SIZE] = "", text_of[NUMBER_SIZE];

    if (isfinite(valid))
        snprintf(figure, sizeof(figure), ", %.20s %s", score.name,
                 score_format(&score, valid, 1, text_of));
    if (s->state == LINK_DONE)
        text_block_add(text, ROLE_TEXT, "The run of %s is done already%s.",
                       s->begun, figure);
    else
        text_block_add(text, ROLE_WARNING, "The run of %s ends: epoch %d of "
                       "%d%s.", s->begun, session_run(s)->epoch,
                       s->in_force.epochs, figure);
}

/* A run that has failed loses nothing by a new one. */
static void ask_to_begin(struct screen *s, const struct new_run *n)
{
    struct text_block *text = &s->popup.text;
    const struct settings *from;
    char title[64];
    int others;

    if (s->session->state == LINK_FAILED) {
        new_run_begin(s, n);
        return;
    }
    snprintf(title, sizeof(title), "A new run of %.*s",
             text_cut(n->name, 40), n->name);
    screen_popup(s, title);
    s->popup.run = *n;
    s->popup.choose = on_agreed;
    tell_end(text, s->session);
    from = n->undoes ? &s->session->wanted : session_settled(s->session);
    text_block_add(text, ROLE_TEXT,
                   settings_can_follow(from, &n->settings, NULL)
                       ? "It has the same network and data."
                       : "What a run begins with changes:");
    others = list_changes(text, from, &n->settings);
    if (others)
        text_block_add(text, ROLE_DIM, "  and %d setting%s of those that can "
                       "change in a run", others, others > 1 ? "s" : "");
    text_block_add(text, ROLE_TEXT, "Curves and settings of the old run stay "
                   "on the page Runs; u goes back to its settings, in a run "
                   "from the beginning.");
    screen_offer(s, KEY_RETURN, "Enter", "begin it");
    screen_offer(s, KEY_ESCAPE, "Esc", "leave all as it is");
}

static void new_run_consider(struct screen *s, const struct new_run *n);

static void on_folder(struct screen *s)
{
    struct session *session = s->session;
    struct new_run n = s->question.run;
    char path[SETTINGS_TEXT_SIZE];
    struct error e;

    snprintf(path, sizeof(path), "%s", s->question.answer);
    if (!session->remote)
        folder_make_absolute(path, sizeof(path));
    if (!settings_set(&n.settings, "folder", "data_path", path, &e)) {
        session_say(session, NOTICE_ERROR, "%s", e.text);
        return;
    }
    if (session->remote || dataset_check(&n.settings, NULL))
        strcpy(session->data_path, n.settings.data_path);
    new_run_consider(s, &n);
}

static void ask_folder(struct screen *s, const struct new_run *n)
{
    char prompt[48];

    snprintf(prompt, sizeof(prompt), "folder of the %.24s:",
             facts_of(&n->settings).items);
    screen_ask(s, prompt, n->settings.data_path);
    s->question.run = *n;
    s->question.completes = !s->session->remote;
    s->question.answered = on_folder;
}

/* The settings of the preset that draws such data as these train on. */
static struct settings drawing_preset(const struct settings *s)
{
    struct preset preset;
    struct error e;

    if (!preset_load(&preset, facts_of(s).drawn, &e))
        preset.settings = *s;
    return preset.settings;
}

/* Trains on the data of the preset that draws them, with the network of this
 * one. Where this one would use all of a set of files, epochs and evaluations
 * are as short as there. */
static void take_drawn(struct screen *s, struct new_run n)
{
    struct settings *settings = &n.settings;
    struct settings drawn = drawing_preset(settings);

    settings->data = drawn.data;
    settings->data_path[0] = '\0';
    if (settings->epoch_samples == 0)
        settings->epoch_samples = drawn.epoch_samples;
    if (settings->valid_samples == 0)
        settings->valid_samples = drawn.valid_samples;
    new_run_consider(s, &n);
}

static void on_data(struct screen *s, int key)
{
    if (key == 'f')
        ask_folder(s, &s->popup.run);
    else if (key == 'd')
        take_drawn(s, s->popup.run);
}

/* "no data_batch_1.bin in ...; unpack it there" is two sentences. */
static void tell_problem(struct text_block *text, const char *message)
{
    static const char label[] = "data_path: ";
    bool labelled = strncmp(message, label, strlen(label)) == 0;
    const char *problem = message + (labelled ? strlen(label) : 0);
    const char *remedy = strstr(problem, "; ");
    bool unset = strncmp(problem, "not set;", 8) == 0;

    if (unset)
        text_block_add(text, ROLE_WARNING, "No folder is set (data_path).");
    else
        text_block_add(text, ROLE_BAD, "%.*s.",
                       (int)(remedy ? remedy - problem
                                    : (long)strlen(problem)), problem);
    if (remedy && !unset)
        text_block_add(text, ROLE_TEXT, "To do: %s.", remedy + 2);
}

static void ask_data(struct screen *s, const struct new_run *n,
                     const char *message)
{
    const struct session *session = s->session;
    struct text_block *text = &s->popup.text;
    struct facts facts = facts_of(&n->settings);
    struct settings drawn = drawing_preset(&n->settings);
    char title[80], count[TEXT_COUNT_SIZE];

    snprintf(title, sizeof(title), "%.*s trains on %.24s from files",
             text_cut(n->name, 24), n->name, facts.items);
    screen_popup(s, title);
    s->popup.run = *n;
    s->popup.choose = on_data;
    tell_problem(text, message);
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TEXT, "They are %s.",
                   facts.where);
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TEXT, "Or the network is trained on %s that "
                   "memdial draws, in epochs of %s %s, as %s is: data=%s.",
                   facts.items, text_count(count, drawn.epoch_samples),
                   facts.units, facts.drawn,
                   settings_find("data")->choices[drawn.data]);
    if (session->state != LINK_FAILED && session->state != LINK_DEAD)
        text_block_add(text, ROLE_DIM, "Nothing has changed: the run of %s "
                       "goes on.", session->preset);
    screen_offer(s, 'f', "f", "name the folder");
    screen_offer(s, 'd', "d", "drawn data instead");
    screen_offer(s, KEY_ESCAPE, "Esc", "leave all as it is");
}

static struct new_run new_run_of(const char *preset,
                                 const struct settings *settings, bool undoes)
{
    struct new_run n = { .settings = *settings, .undoes = undoes };

    snprintf(n.name, sizeof(n.name), "%s", preset);
    return n;
}

/* Says why no run began. */
static void tell_refused(struct screen *s)
{
    const struct refused_run *r = &s->refused;
    struct text_block *text = &s->popup.text;

    screen_popup(s, r->continued ? "That run cannot go on"
                                 : "The new run cannot begin");
    text_block_add(text, ROLE_BAD, "%s", r->message);
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TEXT, "Nothing has changed: the run of %s is "
                   "as it was.", s->session->begun);
}

/* If it lacks data they are asked for. */
static void open_refused(struct screen *s)
{
    const struct refused_run *r = &s->refused;
    struct new_run n = new_run_of(r->preset, &r->settings, false);

    if (r->reason == REASON_DATA && !r->continued &&
        facts_of(&n.settings).where)
        ask_data(s, &n, r->message);
    else if (s->session->state == LINK_FAILED)
        screen_trouble(s);
    else
        tell_refused(s);
}

void new_run_refused(struct screen *s, const struct refused_run *r)
{
    s->refused = *r;
    screen_when_free(s, open_refused);
}

static void new_run_consider(struct screen *s, const struct new_run *n)
{
    struct error e;

    if (s->session->remote || dataset_check(&n->settings, &e))
        ask_to_begin(s, n);
    else
        ask_data(s, n, e.text);
}

static void consider_run(struct screen *s, const char *preset,
                         const struct settings *settings, bool undoes)
{
    struct new_run n = new_run_of(preset, settings, undoes);

    session_fill(s->session, &n.settings);
    new_run_consider(s, &n);
}

void new_run_go(struct screen *s, const char *name, const char *preset,
                const struct settings *settings)
{
    struct session *session = s->session;

    if (settings_same(&session->wanted, settings)) {
        if (session_pending(session))
            session->asks |= SESSION_ASK_APPLY;
        else
            session_say(session, NOTICE_INFO,
                        "%s: these are the current settings", name);
    } else if (!settings_can_follow(session_settled(session), settings,
                                    NULL)) {
        consider_run(s, preset, settings, false);
    } else {
        session_want(session, settings);
        session_say(session, NOTICE_INFO, "took %s%s", name,
                    session->locked ? "; Enter applies" : "");
    }
}

void new_run_afresh(struct screen *s, const char *preset,
                    const struct settings *settings)
{
    consider_run(s, preset, settings, false);
}

static void on_continue(struct screen *s, int key)
{
    struct past *past = history_find(&s->session->history,
                                     s->popup.run.continued);

    (void)key;
    screen_drop_waiting(s);
    if (past && past->whole && past->whole->goes_on)
        session_continue(s->session, past);
}

static void tell_continuation(struct screen *s, const struct past *past)
{
    const struct whole *w = past->whole;
    struct text_block *text = &s->popup.text;

    tell_end(text, s->session);
    if (w->step > 0)
        text_block_add(text, ROLE_TEXT, "That of %s goes on after step %lld of "
                       "%lld, in its folder.", w->preset, (long long)w->step,
                       (long long)past->attempt.steps);
    else
        text_block_add(text, ROLE_WARNING, "That of %s has no snapshot: it "
                       "begins again, in its folder.", w->preset);
    text_block_add(text, ROLE_DIM, "It has the settings that were in force "
                   "there; dials can be turned as it runs.");
    screen_offer(s, KEY_RETURN, "Enter", "go on with it");
    screen_offer(s, KEY_ESCAPE, "Esc", "leave all as it is");
}

/* The run may be read only now. */
static void fill_continuation(struct screen *s)
{
    struct past *past = history_find(&s->session->history,
                                     s->popup.run.continued);

    s->popup.choice_count = 0;
    if (!past)
        text_block_add(&s->popup.text, ROLE_DIM, "It is gone.");
    else if (!history_want(&s->session->history, past))
        text_block_add(&s->popup.text, ROLE_DIM, "It is being read …");
    else if (past->whole->goes_on)
        tell_continuation(s, past);
    else
        text_block_add(&s->popup.text, ROLE_BAD, "%s.",
                       past->whole->why_not.text);
}

void new_run_continue(struct screen *s, struct past *past)
{
    const char *name = *past->label ? past->label : past->name;
    char title[64];

    if (s->session->remote) {
        session_say(s->session, NOTICE_WARNING, "the worker is elsewhere, and "
                    "cannot go on with a run of this machine; N runs its "
                    "settings afresh");
        return;
    }
    snprintf(title, sizeof(title), "Going on with %.*s",
             text_cut(name, 40), name);
    screen_popup(s, title);
    s->popup.run.continued = past->attempt.number;
    s->popup.choose = on_continue;
    screen_fill(s, fill_continuation);
}

void new_run_undo(struct screen *s)
{
    const struct settings *former = session_former(s->session);

    if (!former || settings_can_follow(&s->session->wanted, former, NULL))
        session_undo(s->session);
    else
        consider_run(s, session_former_preset(s->session), former, true);
}

static void on_begin_again(struct screen *s, int key)
{
    (void)key;
    screen_drop_waiting(s);
    session_begin_again(s->session);
}

/* Whether R goes on from the snapshot: there is one, and no run to lose. */
static bool restarts_from_snapshot(const struct session *s)
{
    return s->snapshot >= 0 && (s->silent || s->state == LINK_DEAD ||
                                s->state == LINK_FAILED);
}

/* Another start would take the place of the run that the worker loads. */
static bool is_about_to_begin(const struct session *s)
{
    return !s->silent && (s->state == LINK_STARTING ||
                          s->asks & (SESSION_ASK_BEGIN | SESSION_ASK_CONTINUE |
                                     SESSION_ASK_RESTART));
}

void new_run_restart(struct screen *s)
{
    struct session *session = s->session;

    if (is_about_to_begin(session)) {
        session_say(session, NOTICE_INFO, "a run of %s is about to begin",
                    session->preset);
        return;
    }
    if (restarts_from_snapshot(session)) {
        session->asks |= SESSION_ASK_RESTART;
        return;
    }
    if (session->silent || !session_has_work(session)) {
        on_begin_again(s, KEY_RETURN);
        return;
    }
    screen_popup(s, "The same run from the beginning");
    tell_end(&s->popup.text, session);
    if (*session->folder)
        leave_tell_kept(&s->popup.text, session);
    else
        text_block_add(&s->popup.text, ROLE_TEXT, "Its curves stay on the page "
                       "Runs, its weights are lost.");
    if (session_pending(session))
        text_block_add(&s->popup.text, ROLE_PENDING, "It begins with the dials "
                       "as they are, and with what is pending.");
    screen_offer(s, KEY_RETURN, "Enter", "begin it");
    screen_offer(s, KEY_ESCAPE, "Esc", "leave all as it is");
    s->popup.choose = on_begin_again;
}
