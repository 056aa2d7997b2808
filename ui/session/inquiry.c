#include "ui/session/inquiry.h"

#include "plan/dial.h"

enum { CANDIDATES_AT_ONCE = 16 };

/* Tags of questions; turns of dials follow, then candidates. */
enum { TAG_PLANNED, TAG_NOW, TAG_BASELINE, TAG_PINNED, TAG_TURN };

/* Where the session has the forecast of a turn. */
static struct forecast **turn_place(const struct session *s, int dial, int turn)
{
    return &s->turn[dial * DIAL_TURNS + turn];
}

int inquiry_most(void)
{
    return TAG_TURN + dial_count() * DIAL_TURNS + CANDIDATES_AT_ONCE;
}

static struct question question(const struct session *s, int tag,
                                const struct settings *settings)
{
    return (struct question){ .tag = tag, .settings = *settings,
                              .machine = s->machine,
                              .timings = s->ledger.timings };
}

/* Whether a forecast is here, with the time that the timings of now predict. */
static bool is_here(const struct session *s, const struct forecast *f)
{
    return f && f->timings == s->ledger.timings;
}

static int ask_turns(const struct session *s, int dial, struct question *q)
{
    struct settings next;
    int n = 0;

    for (int turn = 0; turn < DIAL_TURNS; turn++)
        if (!is_here(s, *turn_place(s, dial, turn)) &&
            session_next(s, dial, (enum dial_turn)turn, &next))
            q[n++] = question(s, TAG_TURN + dial * DIAL_TURNS + turn, &next);
    return n;
}

static int candidate_tag(int candidate)
{
    return TAG_TURN + dial_count() * DIAL_TURNS + candidate;
}

/* Asks for the first block of candidates that is not known whole. */
static int ask_candidates(const struct session *s, struct question *q)
{
    int n = 0, i = 0, end;

    while (i < s->candidate_count && is_here(s, s->candidates[i].forecast))
        i++;
    end = (i / CANDIDATES_AT_ONCE + 1) * CANDIDATES_AT_ONCE;
    for (; i < end && i < s->candidate_count; i++)
        if (!is_here(s, s->candidates[i].forecast))
            q[n++] = question(s, candidate_tag(i),
                              &s->candidates[i].settings);
    return n;
}

int inquiry_list(const struct session *s, int dial, struct question *q)
{
    int n = 0;
    bool here = session_planned(s) && is_here(s, s->planned);
    bool differs = session_differs(s);

    if (!here)
        q[n++] = question(s, TAG_PLANNED, &s->wanted);
    if (!is_here(s, s->now) && (here || differs))
        q[n++] = question(s, TAG_NOW, &s->in_force);
    if (!is_here(s, s->baseline) || !here) {
        q[n] = question(s, TAG_BASELINE, &s->wanted);
        q[n++].baseline = true;
    }
    if (s->pinned && (!s->pinned->job || !is_here(s, s->pinned))) {
        q[n] = question(s, TAG_PINNED, &s->pinned->settings);
        q[n++].machine = s->pinned->machine;
    }
    for (int i = 0; i < n; i++)
        q[i].whole = true;
    n += ask_turns(s, dial, q + n);
    for (int i = 0; i < dial_count(); i++)
        if (i != dial)
            n += ask_turns(s, i, q + n);
    return n + ask_candidates(s, q + n);
}

/* The answer may be about candidates that were replaced meanwhile. When a block
 * is complete the next one is asked for. */
static void answer_candidate(struct session *s, int candidate,
                             struct forecast *f)
{
    struct candidate *c = &s->candidates[candidate];

    if (!forecast_is_of(f, &c->settings, &s->machine)) {
        forecast_release(f);
        return;
    }
    forecast_replace(&c->forecast, f);
    if ((candidate + 1) % CANDIDATES_AT_ONCE == 0)
        s->asks |= SESSION_ASK_QUESTIONS;
}

/* The least arena limits the budgets, so their turns are asked anew. */
static void learn_least(struct session *s, struct forecast *f)
{
    if (f->refused || f->settings.checkpoint != CHECKPOINT_OPTIMAL ||
        f->settings.memory_budget > 0)
        return;
    forecast_replace(&s->least, forecast_figures(f));
    for (int dial = 0; dial < dial_count(); dial++)
        for (int turn = 0; turn < DIAL_TURNS; turn++)
            if (dial_setting(dial)->type == SETTING_BYTES)
                forecast_replace(turn_place(s, dial, turn), NULL);
    s->asks |= SESSION_ASK_QUESTIONS;
}

void inquiry_answer(struct session *s, int tag, struct forecast *f)
{
    int turn = tag - TAG_TURN, candidate = tag - candidate_tag(0);

    if (tag == TAG_PLANNED) {
        learn_least(s, f);
        forecast_replace(&s->planned, f);
        if (f->refused)
            session_say(s, NOTICE_ERROR, "%s", f->error.text);
        else if (forecast_is_of(f, &s->in_force, &s->machine))
            forecast_replace(&s->now, forecast_hold(f));
    } else if (tag == TAG_NOW) {
        forecast_replace(&s->now, f);
    } else if (tag == TAG_BASELINE && !f->refused) {
        forecast_replace(&s->baseline, f);
    } else if (tag == TAG_PINNED && s->pinned &&
               forecast_is_of(f, &s->pinned->settings, &s->pinned->machine)) {
        forecast_replace(&s->pinned, f);
    } else if (turn >= 0 && turn < dial_count() * DIAL_TURNS) {
        forecast_replace(&s->turn[turn], f);
    } else if (candidate >= 0 && candidate < s->candidate_count) {
        answer_candidate(s, candidate, f);
    } else {
        forecast_release(f);
    }
    attempts_note(&s->tried, s->now, s->baseline);
}
