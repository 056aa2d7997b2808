#define _GNU_SOURCE

#include "ui/session/sift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "settings/setting_meets.h"

/* What conditions can be about, beside settings. */
enum quantity { BY_NAME, BY_LABEL, BY_TAG, BY_PRESET, BY_STATE, BY_PEAK,
                BY_ARENA, BY_SCORE, BY_EPOCHS, BY_SECONDS, BY_STEP_SECONDS,
                QUANTITIES };

/* As `memdial runs list` calls them. */
static const char *const quantities[QUANTITIES] = {
    "name", "label", "tags", "preset", "state", "peak", "arena", "score",
    "epoch", "seconds", "step_seconds"
};

static int find_quantity(const char *name)
{
    int i = 0;

    while (i < QUANTITIES && strcmp(quantities[i], name) != 0)
        i++;
    return i;
}

static void add_condition(struct sift *s, struct sift_term *term)
{
    const char *name = term->condition.name;

    term->word = NULL;
    term->setting = settings_find(name);
    term->quantity = find_quantity(name);
    if (!term->setting && term->quantity == QUANTITIES)
        snprintf(s->trouble, sizeof(s->trouble), "no column or setting '%.*s'",
                 text_cut(name, 24), name);
    else if (*term->condition.value)
        s->count++;
}

void sift_set(struct sift *s, const char *text)
{
    char *rest, *word;

    snprintf(s->text, sizeof(s->text), "%s", text);
    strcpy(s->words, s->text);
    s->count = 0;
    s->trouble[0] = '\0';
    for (word = strtok_r(s->words, " ", &rest);
         word && s->count < SIFT_TERMS; word = strtok_r(NULL, " ", &rest)) {
        struct sift_term *term = &s->terms[s->count];
        if (condition_parse(&term->condition, word)) {
            add_condition(s, term);
        } else {
            term->word = word;
            s->count++;
        }
    }
}

/* Whether one of "#a #b" is a tag. */
static bool has_tag(const char *tags, const char *tag)
{
    size_t length = strlen(tag);

    for (const char *at = tags; (at = strchr(at, '#')); at++)
        if (strncmp(at + 1, tag, length) == 0 &&
            (at[1 + length] == ' ' || !at[1 + length]))
            return true;
    return false;
}

static double score_of_row(const struct attempt *a, const struct past *p)
{
    const struct trial *t = &a->trial;

    return p && !p->whole ? p->score : t->scored ? t->best_score : NAN;
}

static bool meets_text(const struct condition *c, enum quantity quantity,
                       const struct attempt *a, const struct past *p,
                       const char *state)
{
    switch (quantity) {
    case BY_NAME:
        return p && condition_meets_text(c, p->name);
    case BY_LABEL:
        return p && *p->label && condition_meets_text(c, p->label);
    case BY_TAG:
        return p && condition_meets_any(c, has_tag(p->tags, c->value));
    case BY_PRESET:
        return condition_meets_text(c, a->preset);
    default:
        return condition_meets_text(c, state);
    }
}

/* A quantity that is not known yet meets nothing. */
static bool meets_figure(const struct condition *c, enum quantity quantity,
                         const struct attempt *a, const struct past *p)
{
    const struct trial *t = &a->trial;
    double value = NAN;

    if (quantity == BY_PEAK && a->peak_bytes)
        value = (double)a->peak_bytes;
    else if (quantity == BY_ARENA && a->arena_bytes)
        value = (double)a->arena_bytes;
    else if (quantity == BY_SCORE)
        value = score_of_row(a, p);
    else if (quantity == BY_EPOCHS)
        value = p ? p->epochs : t->epochs;
    else if (quantity == BY_SECONDS)
        value = p ? p->seconds : t->end[AXIS_SECONDS] - t->begin[AXIS_SECONDS];
    else if (quantity == BY_STEP_SECONDS && t->seconds_per_step > 0)
        value = t->seconds_per_step;
    return condition_meets_number(c, value, "");
}

static bool meets_condition(const struct sift_term *term,
                            const struct attempt *a, const struct past *p,
                            const char *state)
{
    const struct condition *c = &term->condition;
    enum quantity quantity = (enum quantity)term->quantity;

    if (term->setting)
        return !(p && !p->has_settings) &&
               setting_meets(&a->trial.settings, term->setting, c);
    return quantity <= BY_STATE ? meets_text(c, quantity, a, p, state)
                                : meets_figure(c, quantity, a, p);
}

bool sift_passes(const struct sift *s, const struct attempt *a,
                 const struct past *p, const char *state, const char *words)
{
    for (int i = 0; i < s->count; i++) {
        const struct sift_term *term = &s->terms[i];
        if (!(term->word ? strcasestr(words, term->word) != NULL
                         : meets_condition(term, a, p, state)))
            return false;
    }
    return true;
}
