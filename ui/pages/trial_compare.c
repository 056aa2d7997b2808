#include "ui/pages/trial_compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/trial_text.h"
#include "ui/session/diff.h"
#include "ui/term/theme.h"

enum { EPOCHS_SHOWN = 12 };

/* A row has a name and a figure of each. */
static void compare_row(struct text_block *text, unsigned style,
                        const char *name, const char *a, const char *b)
{
    text_block_add(text, style, "  %-16s %14s %14s", name, a, b);
}

static void compare_heading(struct text_block *text, const char *title)
{
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "%s", title);
}

static void compare_settings(struct text_block *text, const struct attempt *a,
                             const struct attempt *b)
{
    const struct settings *x = &a->trial.settings, *y = &b->trial.settings;
    char one[SETTINGS_TEXT_SIZE], other[SETTINGS_TEXT_SIZE];
    bool any = false;

    compare_heading(text, "Settings that differ");
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (!settings_differ(x, y, row))
            continue;
        any = true;
        diff_value(x, row, one, sizeof(one));
        diff_value(y, row, other, sizeof(other));
        compare_row(text, ROLE_PENDING, row->name, one, other);
    }
    if (!any)
        text_block_add(text, ROLE_DIM, "  none");
}

static void compare_sizes(struct text_block *text, const char *name,
                          uint64_t a, uint64_t b)
{
    char one[BYTES_TEXT_SIZE], other[BYTES_TEXT_SIZE];

    if (a || b)
        compare_row(text, a == b ? ROLE_DIM : ROLE_TEXT, name,
                    bytes_format(one, sizeof(one), a),
                    bytes_format(other, sizeof(other), b));
}

static void compare_memory(struct text_block *text, const struct attempt *a,
                           const struct attempt *b)
{
    compare_heading(text, "Bytes at the peak");
    compare_sizes(text, "all", a->peak_bytes, b->peak_bytes);
    for (int k = 0; k < KIND_COUNT && a->plan && b->plan; k++)
        compare_sizes(text, kind_name((enum kind)k), a->plan->bytes[k],
                      b->plan->bytes[k]);
    compare_sizes(text, "arena", a->arena_bytes, b->arena_bytes);
}

/* "×1.20", or an ellipsis where it is not known yet. */
static const char *factor(double value, char text[TEXT_TIME_SIZE])
{
    snprintf(text, TEXT_TIME_SIZE, value > 0 ? "×%.2f" : "…", value);
    return text;
}

/* Seconds of a step as predicted before they were measured; 0: guessed. */
static double predicted_seconds(const struct attempt *a)
{
    return a->plan && !a->plan->guessed ? a->plan->seconds : 0;
}

static const char *time_figure(double seconds, char text[TEXT_TIME_SIZE])
{
    return seconds > 0 ? text_time(text, seconds) : strcpy(text, "…");
}

static void compare_time(struct text_block *text, const struct attempt *a,
                         const struct attempt *b)
{
    char one[TEXT_TIME_SIZE], other[TEXT_TIME_SIZE];

    compare_heading(text, "Time of a step");
    compare_row(text, ROLE_TEXT, "measured",
                time_figure(a->trial.seconds_per_step, one),
                time_figure(b->trial.seconds_per_step, other));
    compare_row(text, ROLE_DIM, "predicted",
                time_figure(predicted_seconds(a), one),
                time_figure(predicted_seconds(b), other));
    compare_row(text, ROLE_TEXT, "FLOPs of baseline",
                factor(trial_flops_ratio(a), one),
                factor(trial_flops_ratio(b), other));
}

/* The epochs whose scores are known: none of a past run that is not read whole.
 */
static int epochs_known(const struct attempt *a)
{
    const struct past *past = past_of(a);

    return past && !past->whole ? 0 : a->trial.epochs;
}

/* The best score of the first epochs; NAN: it has had fewer. */
static double score_by(const struct attempt *a, int epochs)
{
    return epochs_known(a) >= epochs ? trial_best_by(&a->trial, epochs) : NAN;
}

static void compare_epoch(struct text_block *text, const struct attempt *a,
                          const struct attempt *b, int epoch)
{
    struct score score = facts_of(&a->trial.settings).score;
    struct score of_other = facts_of(&b->trial.settings).score;
    double x = score_by(a, epoch), y = score_by(b, epoch);
    char one[NUMBER_SIZE], other[NUMBER_SIZE], name[32];

    snprintf(name, sizeof(name), "%d epoch%s", epoch, epoch == 1 ? "" : "s");
    compare_row(text, ROLE_TEXT, name,
                isnan(x) ? "…" : score_format(&score, x, 2, one),
                isnan(y) ? "…" : score_format(&of_other, y, 2, other));
}

/* Epochs are thinned out evenly; the last one that each has had is shown. */
static void compare_scores(struct text_block *text, const struct attempt *a,
                           const struct attempt *b)
{
    int one = epochs_known(a), another = epochs_known(b);
    int most = one > another ? one : another;
    int least = one + another - most;
    int each = (most + EPOCHS_SHOWN - 1) / EPOCHS_SHOWN;
    struct score score = facts_of(&a->trial.settings).score;
    struct score other = facts_of(&b->trial.settings).score;
    bool same = score_same(&score, &other);
    char title[64];

    snprintf(title, sizeof(title), "Best %s%s%s of validation, after",
             score.name, same ? "" : " beside ", same ? "" : other.name);
    compare_heading(text, title);
    for (int epoch = 1; epoch <= most; epoch++)
        if (epoch % each == 0 || epoch == most || epoch == least)
            compare_epoch(text, a, b, epoch);
    if (most == 0)
        text_block_add(text, ROLE_DIM, "  No epoch has ended yet.");
}

/* What labels alone do not say. */
static void introduce(struct text_block *text, const struct session *s,
                      const struct attempt *a)
{
    const struct past *past = past_of(a);
    char label[TRIAL_LABEL_SIZE], from[TRIAL_EPOCHS_SIZE];

    trial_label(a, label);
    if (past)
        text_block_add(text, ROLE_DIM, "  %s is %s%s%s%s.", label,
                       *past->label ? past->label : past->name,
                       *past->tags ? " " : "", past->tags,
                       past->wanted ? ", which is being read" : "");
    if (trial_continues(&a->trial))
        text_block_add(text, ROLE_DIM, "  %s is a continuation, %s.", label,
                       trial_epochs(s, a, from));
}

void trial_compare(struct text_block *text, const struct session *s,
                   const struct attempt *a, const struct attempt *b)
{
    char one[TRIAL_LABEL_SIZE], other[TRIAL_LABEL_SIZE];

    compare_row(text, ROLE_TITLE, "", trial_label(a, one),
                trial_label(b, other));
    introduce(text, s, a);
    introduce(text, s, b);
    compare_settings(text, a, b);
    compare_memory(text, a, b);
    compare_time(text, a, b);
    compare_scores(text, a, b);
}
