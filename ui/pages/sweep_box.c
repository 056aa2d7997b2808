#include "ui/pages/sweep_box.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "sweep/sweep_command.h"
#include "sweep/sweep_plan.h"
#include "ui/pages/screen.h"

enum { NAME_WIDTH = 40 };

/* "sparsity   0, 0.5, 0.7", one line for each setting. */
static void tell_axes(struct text_block *text, const struct sweep_request *r)
{
    for (int i = 0; i < r->over_count; i++) {
        const char *values = strchr(r->over[i], '=') + 1;
        text_block_add(text, ROLE_TEXT, "  %-15.*s  %s",
                       (int)(values - 1 - r->over[i]), r->over[i], values);
    }
}

static bool is_planned(const struct sweep_run *run)
{
    return run->state != SWEEP_REFUSED && run->peak_bytes > 0;
}

static const struct sweep_run *largest_run(const struct sweep *s)
{
    const struct sweep_run *largest = NULL;

    for (int i = 0; i < s->count; i++)
        if (is_planned(&s->runs[i]) &&
            (!largest || s->runs[i].peak_bytes > largest->peak_bytes))
            largest = &s->runs[i];
    return largest;
}

static void tell_largest(struct text_block *text, const struct sweep *s)
{
    const struct sweep_run *largest = largest_run(s);
    char peak[BYTES_TEXT_SIZE];

    if (largest)
        text_block_add(text, ROLE_TEXT, "Peak at most %s: %s.",
                       bytes_format(peak, sizeof(peak), largest->peak_bytes),
                       largest->name);
}

static void tell_time_of_all(struct text_block *text, const struct sweep *s)
{
    char time[TEXT_DURATION_SIZE];
    int unknown;
    double left = sweep_seconds_left(s, &unknown);

    if (left > 0)
        text_block_add(text, ROLE_TEXT, "Steps of %s in all, one run after the "
                       "other, %s; validation comes on top.",
                       text_duration(time, left),
                       s->guessed ? "as a guess, for this machine is not "
                                    "measured"
                                  : "as this machine was measured");
    if (unknown > 0)
        text_block_add(text, ROLE_DIM, "Of %d run%s only the data tell the "
                       "number of steps.", unknown, unknown == 1 ? "" : "s");
}

/* The runs that cannot be, and why; those that may have no room here. */
static void tell_trouble(struct text_block *text, const struct proposal *p)
{
    const struct sweep *s = &p->sweep;
    char bytes[BYTES_TEXT_SIZE], free[BYTES_TEXT_SIZE];

    for (int i = 0; i < s->count; i++) {
        const struct sweep_run *run = &s->runs[i];
        if (run->why)
            text_block_add(text, ROLE_BAD, "%s: %s: %s", run->name,
                           sweep_state_name(run->state), run->why);
        else if (p->available && run->arena_bytes > p->available)
            text_block_add(text, ROLE_WARNING, "%s: takes %s, and %s are free "
                           "here now", run->name,
                           bytes_format(bytes, sizeof(bytes),
                                        run->arena_bytes),
                           bytes_format(free, sizeof(free), p->available));
    }
}

static void tell_command(struct text_block *text, const struct session *s,
                         const char *what, const struct sweep_request *r)
{
    struct buffer command = { NULL, 0, 0 };

    sweep_command(&command, r, s->usual_root);
    text_block_add(text, ROLE_DIM, "%s", what);
    text_block_add(text, ROLE_KEY, "  %s", command.bytes);
    buffer_done(&command);
}

/* "goes on", "running", ...; nothing of a run that is to begin. */
static const char *state_of_row(const struct sweep_run *run)
{
    return run->state != SWEEP_WAITS ? sweep_state_name(run->state)
           : run->step > 0           ? "goes on" : "";
}

static void tell_row(struct text_block *text, const struct sweep_run *run)
{
    char peak[BYTES_TEXT_SIZE] = "–", time[TEXT_DURATION_SIZE] = "–";

    if (is_planned(run)) {
        bytes_format(peak, sizeof(peak), run->peak_bytes);
        if (!isnan(run->seconds))
            text_duration(time, run->seconds);
    }
    text_block_add(text, run->state == SWEEP_REFUSED || run->why ? ROLE_BAD
                         : run->state == SWEEP_DONE ? ROLE_DIM : ROLE_TEXT,
                   "%-*s %10s %9s %s", NAME_WIDTH, run->name, peak, time,
                   state_of_row(run));
}

/* The same rows as those of `memdial sweep --dry-run`. */
static void tell_rows_of_sweep(struct text_block *text, const struct sweep *s)
{
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_DIM, "%-*s %10s %9s", NAME_WIDTH, "run", "peak",
                   "time");
    for (int i = 0; i < s->count; i++)
        tell_row(text, &s->runs[i]);
}

static void tell_proposal(struct text_block *text, const struct session *s,
                          const struct proposal *p)
{
    const struct sweep *sweep = &p->sweep;
    int refused = sweep_count(sweep, SWEEP_REFUSED);
    int done = sweep_count(sweep, SWEEP_DONE);

    text_block_add(text, ROLE_TITLE, "%d run%s of %s, every combination of",
                   sweep->count, sweep->count == 1 ? "" : "s", p->preset);
    tell_axes(text, &p->request);
    tell_largest(text, sweep);
    tell_time_of_all(text, sweep);
    if (refused)
        text_block_add(text, ROLE_BAD, "%d cannot be, and %s left out:",
                       refused, refused == 1 ? "is" : "are");
    tell_trouble(text, p);
    if (done)
        text_block_add(text, ROLE_TEXT, "%d %s done already.", done,
                       done == 1 ? "is" : "are");
    text_block_add(text, ROLE_TEXT, "Each is kept in its folder in %s.",
                   sweep->folder);
    tell_command(text, s, "The same without the screens, and on a cluster with "
                 "--slurm:", &p->request);
    tell_rows_of_sweep(text, sweep);
}

static void offer_sweep(struct screen *s, const struct sweep *sweep)
{
    const struct session *session = s->session;
    bool work = session_has_work(session);

    s->popup.choice_count = 0;
    if (sweep && session->remote)
        text_block_add(&s->popup.text, ROLE_WARNING, "The worker is elsewhere, "
                       "and cannot write to this folder: use the command "
                       "there.");
    else if (sweep && sweep_count(sweep, SWEEP_WAITS) > 0)
        screen_offer(s, KEY_RETURN, "Enter",
                     work ? "end this run and begin" : "begin");
    if (s->popup.choice_count && (work || session->queue.count))
        screen_offer(s, 'a', "a", "begin after it");
    screen_offer(s, KEY_ESCAPE, "Esc", "leave it");
}

static void fill_proposal(struct screen *s)
{
    const struct session *session = s->session;
    const struct proposal *p = session->proposed;
    struct text_block *text = &s->popup.text;

    if (!p)
        text_block_add(text, ROLE_DIM, "It is being planned …");
    else if (!p->planned)
        text_block_add(text, ROLE_BAD, "%s.", p->error.text);
    else
        tell_proposal(text, session, p);
    offer_sweep(s, p && p->planned ? &p->sweep : NULL);
}

static void on_proposal(struct screen *s, int key)
{
    screen_drop_waiting(s);
    session_sweep(s->session, key == KEY_RETURN);
}

static void fill_sweeping(struct screen *s)
{
    struct text_block *text = &s->popup.text;
    const struct sweep *sweep = sweeping_sweep(&s->session->sweeping);
    double left = session_seconds_left(s->session);
    char time[TEXT_DURATION_SIZE];

    s->popup.choice_count = 0;
    if (!sweep) {
        text_block_add(text, ROLE_TEXT, "The sweep is over.");
        screen_offer(s, KEY_ESCAPE, "Esc", "close");
        return;
    }
    text_block_add(text, ROLE_TITLE, "%d of %d runs are done, %d wait%s%s.",
                   sweep_count(sweep, SWEEP_DONE), sweep->count,
                   sweep_count(sweep, SWEEP_WAITS), left > 0 ? "; left " : "",
                   left > 0 ? text_duration(time, left) : "");
    for (int i = 0; i < sweep->count; i++)
        if (sweep->runs[i].why)
            text_block_add(text, ROLE_BAD, "%s: %s: %s", sweep->runs[i].name,
                           sweep_state_name(sweep->runs[i].state),
                           sweep->runs[i].why);
    text_block_add(text, ROLE_TEXT, "They are kept in %s.", sweep->folder);
    tell_command(text, s->session, "After this session it goes on with:",
                 sweep->request);
    tell_rows_of_sweep(text, sweep);
    screen_offer(s, 'x', "x", "begin no more of them");
    screen_offer(s, KEY_ESCAPE, "Esc", "close");
}

static void on_sweeping(struct screen *s, int key)
{
    (void)key;
    session_end_sweep(s->session);
}

void sweep_box_open(struct screen *s)
{
    struct session *session = s->session;
    const struct sweep *sweep = sweeping_sweep(&session->sweeping);
    char title[64];

    if (!sweep && session->marks.count == 0) {
        session_say(session, NOTICE_INFO, "a sweep runs every combination of "
                    "values that are marked: Enter on a dial lists its values, "
                    "Space marks one");
        return;
    }
    snprintf(title, sizeof(title), "%s%.*s", sweep ? "The sweep " : "A sweep",
             sweep ? text_cut(sweep->name, 48) : 0, sweep ? sweep->name : "");
    screen_popup(s, title);
    s->popup.choose = sweep ? on_sweeping : on_proposal;
    if (!sweep)
        session_propose(session);
    screen_fill(s, sweep ? fill_sweeping : fill_proposal);
}
