#include "ui/pages/time_text.h"

#include <stdio.h>

#include "base/text.h"
#include "plan/timings_file.h"
#include "ui/term/theme.h"

const char *time_text(const struct forecast *f, double measured,
                      char text[TIME_TEXT_SIZE])
{
    bool guessed = !f || f->refused || f->guessed;
    char is[TEXT_TIME_SIZE], was[TEXT_TIME_SIZE];

    text_time(is, measured);
    *text = '\0';
    if (f && !f->refused)
        text_time(was, f->seconds);
    if (measured > 0 && guessed)
        snprintf(text, TIME_TEXT_SIZE, "measured %s", is);
    else if (measured > 0)
        snprintf(text, TIME_TEXT_SIZE, "predicted %s, measured %s (%+.0f%%)",
                 was, is, 100 * (f->seconds / measured - 1));
    else if (f && !f->refused)
        snprintf(text, TIME_TEXT_SIZE, "%s %s",
                 guessed ? "guessed" : "predicted", was);
    return text;
}

void time_text_tell(struct text_block *text, const struct attempt *a)
{
    const struct trial *t = &a->trial;
    char mean[TIME_TEXT_SIZE], last[TEXT_TIME_SIZE];

    time_text(a->plan, t->seconds_per_step, mean);
    if (t->last_step_seconds > 0)
        text_block_add(text, ROLE_TEXT, "A step, mean: %s; the last %s.",
                       mean, text_time(last, t->last_step_seconds));
    else if (*mean)
        text_block_add(text, ROLE_TEXT, "A step: %s.", mean);
}

/* The latest attempt at settings that were trained; or NULL. */
static const struct attempt *attempt_at(const struct session *s,
                                        const struct settings *settings)
{
    for (int i = s->tried.count - 1; i >= 0; i--)
        if (s->tried.list[i].trial.seconds_per_step > 0 &&
            settings_same(&s->tried.list[i].trial.settings, settings))
            return &s->tried.list[i];
    return NULL;
}

const char *time_text_of(const struct session *s, const struct forecast *f,
                         char text[TIME_TEXT_SIZE])
{
    const struct attempt *a = f ? attempt_at(s, &f->settings) : NULL;

    return a ? time_text(a->plan, a->trial.seconds_per_step, text)
             : time_text(f, 0, text);
}

const char *time_text_guess(const struct session *s,
                            char text[TIME_GUESS_SIZE])
{
    const char *why = s->ledger.why;
    struct buffer command = { NULL, 0, 0 };

    *text = '\0';
    timings_command(&command, s->preset, &s->wanted);
    if (!s->ledger.timings)
        snprintf(text, TIME_GUESS_SIZE, "Times are a roofline's guess: %s%s"
                 "`%s`%s measures them.", why, *why ? "; " : "",
                 command.bytes, s->remote ? " on the worker's machine" : "");
    buffer_done(&command);
    return text;
}
