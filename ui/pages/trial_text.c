#include "ui/pages/trial_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/time_text.h"
#include "ui/session/diff.h"
#include "ui/term/theme.h"

const char *trial_label(const struct attempt *t, char text[TRIAL_LABEL_SIZE])
{
    if (t->number > PAST_FIRST) {
        snprintf(text, TRIAL_LABEL_SIZE, "%d", t->number - PAST_FIRST);
        return text;
    }
    return text_letters(text, t->number);
}

double trial_flops_ratio(const struct attempt *t)
{
    return t->baseline ? t->flops / t->baseline->flops : 0;
}

double trial_reduction(const struct attempt *t)
{
    return t->baseline && t->peak_bytes ?
        (double)t->baseline->peak_bytes / (double)t->peak_bytes : 0;
}

double trial_seconds(const struct attempt *t)
{
    return fmax(0, t->trial.end[AXIS_SECONDS] - t->trial.begin[AXIS_SECONDS]);
}

bool trial_has_point(const struct session *s, const struct attempt *t)
{
    struct contest c = attempts_contest(&s->tried);

    return attempt_competes(t, &c);
}

double trial_score(const struct session *s, const struct attempt *t)
{
    return trial_best_by(&t->trial, attempts_contest(&s->tried).epochs);
}

bool trial_on_front(const struct session *s, const struct attempt *t)
{
    return trial_has_point(s, t) && attempts_beaten_by(&s->tried, t) < 0;
}

unsigned trial_label_style(const struct session *s, const struct attempt *t)
{
    return trial_on_front(s, t)          ? ROLE_GOOD | STYLE_BOLD
           : trial_continues(&t->trial) ? ROLE_DIM
                                        : ROLE_TEXT | STYLE_BOLD;
}

const char *trial_epochs(const struct session *s, const struct attempt *t,
                         char text[TRIAL_EPOCHS_SIZE])
{
    const struct attempt *origin = attempts_origin(&s->tried, t);
    char label[TRIAL_LABEL_SIZE];

    if (trial_continues(&t->trial))
        snprintf(text, TRIAL_EPOCHS_SIZE, "%.3g→%.3g of %s",
                 t->trial.begin[AXIS_EPOCHS], t->trial.end[AXIS_EPOCHS],
                 origin ? trial_label(origin, label) : "another");
    else
        snprintf(text, TRIAL_EPOCHS_SIZE, "%d", t->trial.epochs);
    return text;
}

static const struct attempt *first_of_run(const struct session *s, int run)
{
    const struct attempt *t = s->tried.list;

    while (t->run != run)
        t++;
    return t;
}

void trial_describe(const struct session *s, const struct attempt *t,
                    char *text, size_t size)
{
    const struct settings *settings = &t->trial.settings;
    const struct settings *began = &first_of_run(s, t->run)->trial.settings;
    struct settings nothing = *settings, began_with_nothing = *began;

    settings_save_nothing(&nothing);
    settings_save_nothing(&began_with_nothing);
    diff_list(text, size, settings, &nothing);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (settings_differ(settings, began, row) &&
            !settings_differ(settings, &nothing, row) &&
            !settings_differ(began, &began_with_nothing, row))
            diff_add(text, size, settings, row);
    }
    if (!*text)
        snprintf(text, size, "nothing saved");
    if (strcmp(t->preset, s->tried.list[0].preset) != 0) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, " (%s)", t->preset);
    }
}

/* How it compares with the others. */
static void show_place(struct text_block *text, const struct session *s,
                       const struct attempt *t)
{
    int beaten = attempts_beaten_by(&s->tried, t);
    struct contest c = attempts_contest(&s->tried);
    struct score score = facts_of(&t->trial.settings).score;
    int epochs = c.epochs;
    char number[NUMBER_SIZE], bytes[BYTES_TEXT_SIZE], label[TRIAL_LABEL_SIZE];
    const struct attempt *better;

    if (trial_continues(&t->trial)) {
        text_block_add(text, ROLE_DIM, "It began with the weights of other "
                       "settings, so it does not compete; N runs its settings "
                       "from the beginning.");
        return;
    }
    if (!trial_has_point(s, t)) {
        text_block_add(text, ROLE_DIM, "Trials compete by their %s after %d "
                       "epoch%s now; it has none.", c.score.name, epochs,
                       epochs == 1 ? "" : "s");
        return;
    }
    if (beaten < 0) {
        text_block_add(text, ROLE_GOOD, "On the front after %d epoch%s: "
                       "nothing tried so far has this %s in less memory.",
                       epochs, epochs == 1 ? "" : "s", score.name);
        return;
    }
    better = &s->tried.list[beaten];
    text_block_add(text, ROLE_TEXT, "Not on the front after %d epoch%s: %s has "
                   "%s in %s.", epochs, epochs == 1 ? "" : "s",
                   trial_label(better, label),
                   score_format(&score, trial_score(s, better), 2, number),
                   bytes_format(bytes, sizeof(bytes), better->peak_bytes));
}

static void show_results(struct text_block *text, const struct session *s,
                         const struct attempt *t)
{
    char bytes[BYTES_TEXT_SIZE], more[BYTES_TEXT_SIZE];
    char number[NUMBER_SIZE], last[NUMBER_SIZE];
    struct score score = facts_of(&t->trial.settings).score;

    text_block_add(text, ROLE_TEXT,
                   "Run %d, preset %s: epoch %.4g to %.4g, %s seconds.",
                   t->run + 1, t->preset, t->trial.begin[AXIS_EPOCHS],
                   t->trial.end[AXIS_EPOCHS],
                   number_format(number, trial_seconds(t), 1,
                                 TRIAL_SECONDS_CELLS));
    bytes_format(bytes, sizeof(bytes), t->peak_bytes);
    text_block_add(text, ROLE_TEXT, "Peak %s.", bytes);
    if (t->baseline)
        text_block_add(text, ROLE_TEXT,
                       "Its baseline, which saves nothing: %s. Reduction "
                       "%.2fx, FLOPs ×%.2f.",
                       bytes_format(more, sizeof(more),
                                    t->baseline->peak_bytes),
                       trial_reduction(t), trial_flops_ratio(t));
    time_text_tell(text, t);
    if (t->trial.epochs == 0) {
        text_block_add(text, ROLE_DIM, "No epoch of it has ended yet.");
        return;
    }
    if (t->trial.scored)
        text_block_add(text, ROLE_TEXT, "Validation %s: %s at best, %s last, "
                       "after %d epoch%s.", score.name,
                       score_format(&score, t->trial.best_score, 2, number),
                       score_format(&score, t->trial.valid_score, 2, last),
                       t->trial.scored, t->trial.scored == 1 ? "" : "s");
    if (!isnan(t->trial.test_score))
        text_block_add(text, ROLE_TEXT, "%s on the test set, at the end: %s.",
                       score.name,
                       score_format(&score, t->trial.test_score, 2, number));
    show_place(text, s, t);
}

void trial_tell_changes(struct text_block *text, const struct session *s,
                        const struct attempt *t)
{
    char was[SETTINGS_TEXT_SIZE], is[SETTINGS_TEXT_SIZE];
    bool follows = settings_can_follow(session_settled(s), &t->trial.settings,
                                       NULL);

    text_block_add(text, ROLE_TEXT, " ");
    if (settings_same(&s->wanted, &t->trial.settings)) {
        text_block_add(text, ROLE_TITLE, "These are the current settings.");
        return;
    }
    text_block_add(text, ROLE_TITLE, "Key b goes back to them%s:",
                   follows ? "" : " in a new run");
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (!settings_differ(&s->wanted, &t->trial.settings, row))
            continue;
        diff_value(&s->wanted, row, was, sizeof(was));
        diff_value(&t->trial.settings, row, is, sizeof(is));
        text_block_add(text, ROLE_PENDING, "  %-17s %s → %s", row->name, was,
                       is);
    }
}

void trial_tell_settings(struct text_block *text, const struct attempt *t)
{
    char value[SETTINGS_TEXT_SIZE];
    struct settings nothing = t->trial.settings;

    settings_save_nothing(&nothing);
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "All settings; * saves memory");
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        bool saves = settings_differ(&nothing, &t->trial.settings, row);
        diff_value(&t->trial.settings, row, value, sizeof(value));
        text_block_add(text, saves ? ROLE_GOOD : ROLE_TEXT,
                       "%s %-17s %s", saves ? "*" : " ", row->name, value);
    }
}

void trial_explain(struct text_block *text, const struct session *s,
                   const struct attempt *t)
{
    show_results(text, s, t);
    trial_tell_changes(text, s, t);
    trial_tell_settings(text, t);
}
