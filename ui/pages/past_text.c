#include "ui/pages/past_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/time_text.h"
#include "ui/pages/trial_text.h"
#include "ui/term/theme.h"

/* The bytes of a folder's name, "20261129-094512-quick", before the preset. */
static size_t name_without(const char *name, const char *preset)
{
    size_t length = strlen(name), end = strlen(preset) + 1;

    return length > end && name[length - end] == '-' &&
                   strcmp(name + length - end + 1, preset) == 0
               ? length - end : length;
}

enum { TURNED_SIZE = 40 };

/* "  turned 2x"; nothing where no settings were. */
static const char *told_turns(const struct past *p, char text[TURNED_SIZE])
{
    snprintf(text, TURNED_SIZE, p->turned ? "  turned %lldx" : "",
             (long long)p->turned);
    return text;
}

void past_describe(const struct session *s, const struct past *p, char *text,
                   size_t size)
{
    const char *what = p->has_settings ? p->savings : p->trouble;
    const char *slash = strchr(p->name, '/');
    const char *name = *p->label ? p->label : slash ? slash + 1 : p->name;
    size_t shown = *p->label ? strlen(name) : name_without(name, s->preset);
    int sweep = slash ? (int)(slash - p->name) : 0;
    char turned[TURNED_SIZE];

    snprintf(text, size, "%.*s%s%s%s%s%s%s%.*s", (int)shown, name,
             *p->tags ? " " : "", p->tags, told_turns(p, turned),
             *what ? "  " : "", what, sweep ? "  of " : "", sweep, p->name);
}

static void tell_names(struct text_block *text, const struct past *p)
{
    bool failed = p->state == RECORD_FAILED || p->state == RECORD_DIVERGED;
    char date[TEXT_DATE_SIZE];

    text_block_add(text, ROLE_TITLE, "%s", p->name);
    if (*p->label || *p->tags)
        text_block_add(text, ROLE_TEXT, "%s%s%s", p->label,
                       *p->label && *p->tags ? "  " : "", p->tags);
    text_block_add(text, failed ? ROLE_BAD : ROLE_TEXT, "%s%s%s%s; began %s.",
                   record_state_name(p->state),
                   p->guessed ? ", as far as is known here" : "",
                   *p->attempt.preset ? "; preset " : "", p->attempt.preset,
                   text_date(date, p->began));
    if (*p->trouble)
        text_block_add(text, ROLE_BAD, "%s", p->trouble);
}

static void tell_turns(struct text_block *text, const struct past *p)
{
    if (p->turned)
        text_block_add(text, ROLE_WARNING, "Its settings were turned %lld "
                       "time%s in its middle: the score is not that of the "
                       "last ones alone.", (long long)p->turned,
                       p->turned == 1 ? "" : "s");
}

static void tell_scores(struct text_block *text, const struct past *p)
{
    const struct trial *t = &p->attempt.trial;
    struct score score = facts_of(&t->settings).score;
    char best[NUMBER_SIZE], last[NUMBER_SIZE];

    if (isnan(p->score))
        text_block_add(text, ROLE_DIM, "It has no %s.", score.name);
    else if (p->whole && t->scored)
        text_block_add(text, ROLE_TEXT, "%s: %s at best, %s last, after %d "
                       "epoch%s.", score.name,
                       score_format(&score, t->best_score, 2, best),
                       score_format(&score, p->score, 2, last), p->epochs,
                       p->epochs == 1 ? "" : "s");
    else
        text_block_add(text, ROLE_TEXT, "%s: %s last, after %d epoch%s.",
                       score.name, score_format(&score, p->score, 2, last),
                       p->epochs, p->epochs == 1 ? "" : "s");
}

static void tell_figures(struct text_block *text, const struct past *p)
{
    const struct attempt *a = &p->attempt;
    char bytes[BYTES_TEXT_SIZE];
    char number[NUMBER_SIZE];

    if (a->peak_bytes)
        text_block_add(text, ROLE_TEXT, "Peak %s.",
                       bytes_format(bytes, sizeof(bytes), a->peak_bytes));
    if (trial_reduction(a) > 0)
        text_block_add(text, ROLE_TEXT, "Its baseline, which saves nothing: "
                       "%s. Reduction %.2fx, FLOPs ×%.2f.",
                       bytes_format(bytes, sizeof(bytes),
                                    a->baseline->peak_bytes),
                       trial_reduction(a), trial_flops_ratio(a));
    time_text_tell(text, a);
    if (!isnan(p->seconds))
        text_block_add(text, ROLE_TEXT, "%s seconds of steps and validations.",
                       number_format(number, p->seconds, 1,
                                     TRIAL_SECONDS_CELLS));
    tell_scores(text, p);
    tell_turns(text, p);
}

/* What only the whole of a run tells. */
static void tell_whole(struct text_block *text, const struct past *p)
{
    const struct record *r = &p->whole->record;

    if (p->whole->goes_on)
        text_block_add(text, ROLE_GOOD, "C goes on with it after step %lld of "
                       "%lld.", (long long)p->whole->step,
                       (long long)p->attempt.steps);
    else
        text_block_add(text, ROLE_DIM, "It does not go on: %s.",
                       p->whole->why_not.text);
    if (r->warnings)
        text_block_add(text, ROLE_WARNING, "%d warning%s, the last: %s",
                       r->warnings, r->warnings == 1 ? "" : "s", r->warning);
    if (r->bad)
        text_block_add(text, ROLE_WARNING, "%d line%s of its events %s none.",
                       r->bad, r->bad == 1 ? "" : "s",
                       r->bad == 1 ? "is" : "are");
    if (*r->unknown)
        text_block_add(text, ROLE_WARNING, "Of a newer version: %s.",
                       r->unknown);
}

void past_explain(struct text_block *text, const struct session *s,
                  const struct past *p)
{
    tell_names(text, p);
    if (p->has_settings)
        tell_figures(text, p);
    if (p->whole)
        tell_whole(text, p);
    else if (p->wanted)
        text_block_add(text, ROLE_DIM, "All of it is being read …");
    text_block_add(text, ROLE_DIM, "memdial runs show %s says more.", p->name);
    if (!p->has_settings)
        return;
    trial_tell_changes(text, s, &p->attempt);
    trial_tell_settings(text, &p->attempt);
}
