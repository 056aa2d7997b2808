#include "cli/sweep_tell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json_print.h"
#include "base/print.h"
#include "base/quote.h"
#include "base/text.h"
#include "base/window.h"
#include "plan/timings_file.h"
#include "settings/facts.h"
#include "settings/settings_json.h"
#include "sweep/sweep_plan.h"

enum { SWEEP_SCHEMA = 1, NAME_CELLS_MAX = 60, STATE_SIZE = 160 };

void sweep_tell_init(struct sweep_tell *t, const struct sweep *s, bool json)
{
    int unknown;

    *t = (struct sweep_tell){ .sweep = s, .json = json,
                              .live = !json && isatty(STDOUT_FILENO),
                              .began = clock_seconds() };
    t->before = sweep_seconds_left(s, &unknown);
}

static void clear_changing_line(struct sweep_tell *t)
{
    if (t->width)
        print("\r%*s\r", t->width, "");
    t->width = 0;
}

static json_t *swept_json(const struct sweep *s, const struct sweep_run *run)
{
    char folder[RECORD_PATH_SIZE];
    json_t *object = json_object();

    json_put(object, "run", json_text(run->name));
    json_put(object, "state", json_text(sweep_state_name(run->state)));
    json_put(object, "why", run->why ? json_text(run->why) : json_null());
    json_put(object, "folder", json_text(sweep_run_folder(s, run, folder)));
    json_put(object, "settings", settings_json_changes(&s->base,
                                                       &run->settings));
    json_put(object, "peak_bytes", json_integer((json_int_t)run->peak_bytes));
    json_put(object, "arena_bytes",
             json_integer((json_int_t)run->arena_bytes));
    json_put(object, "seconds", json_number(run->seconds));
    json_put(object, "step", json_integer(run->step));
    json_put(object, "steps", run->steps ? json_integer(run->steps)
                                         : json_null());
    json_put(object, "score", json_number(run->score));
    return object;
}

static void print_plan_json(const struct sweep_tell *t)
{
    const struct sweep *s = t->sweep;
    json_t *object = json_object(), *runs = json_array();

    for (int i = 0; i < s->count; i++)
        json_push(runs, swept_json(s, &s->runs[i]));
    json_put(object, "type", json_text("plan"));
    json_put(object, "schema", json_integer(SWEEP_SCHEMA));
    json_put(object, "sweep", json_text(s->name));
    json_put(object, "folder", json_text(s->folder));
    json_put(object, "preset", json_text(s->request->preset));
    json_put(object, "seconds", json_number(t->before));
    json_put(object, "guessed", json_boolean(s->guessed));
    json_put(object, "runs", runs);
    json_print_line(object);
}

/* The state of a run before the sweep goes on: "goes on from step 40". */
static void name_before(const struct sweep_run *run, char text[STATE_SIZE])
{
    text[0] = '\0';
    if (run->state == SWEEP_WAITS && run->step > 0)
        snprintf(text, STATE_SIZE, "goes on from step %" PRId64, run->step);
    else if (run->state != SWEEP_WAITS)
        snprintf(text, STATE_SIZE, "%s", sweep_state_name(run->state));
}

/* Prints a name in its column; one that is too long has a line of its own. */
static void print_run_name(const char *name, int width)
{
    if ((int)strlen(name) > width)
        print("  %s\n  %*s", name, width, "");
    else
        print("  %-*s", width, name);
}

static void print_run_row(const struct sweep_run *run, int width)
{
    char peak[BYTES_TEXT_SIZE], arena[BYTES_TEXT_SIZE], state[STATE_SIZE];
    char seconds[TEXT_DURATION_SIZE] = "-";

    name_before(run, state);
    print_run_name(run->name, width);
    if (run->state == SWEEP_REFUSED) {
        print(" %10s %10s %9s  %s: %s\n", "-", "-", "-", state, run->why);
        return;
    }
    if (!isnan(run->seconds))
        text_duration(seconds, run->seconds);
    print(" %10s %10s %9s%s%s%s%s\n",
          bytes_format(peak, sizeof(peak), run->peak_bytes),
          bytes_format(arena, sizeof(arena), run->arena_bytes), seconds,
          *state ? "  " : "", state, run->why ? ": " : "",
          run->why ? run->why : "");
}

static int name_width(const struct sweep *s)
{
    int width = (int)strlen("run");

    for (int i = 0; i < s->count; i++) {
        int n = (int)strlen(s->runs[i].name);
        width = n > width ? n : width;
    }
    return width < NAME_CELLS_MAX ? width : NAME_CELLS_MAX;
}

static void print_time(const struct sweep *s)
{
    struct buffer command = { NULL, 0, 0 };
    char time[TEXT_DURATION_SIZE];
    int unknown;
    double left = sweep_seconds_left(s, &unknown);

    timings_command(&command, s->request->preset, &s->base);
    if (left > 0 && s->guessed)
        print("%s of steps in all, one after the other: a guess, for this "
              "machine is not measured;\n`%s` measures it\n",
              text_duration(time, left), command.bytes);
    else if (left > 0)
        print("%s of steps in all, one after the other, as this machine was "
              "measured;\nvalidation comes on top\n",
              text_duration(time, left));
    if (unknown > 0)
        print("of %d run%s only the data tell the number of steps\n", unknown,
              unknown == 1 ? "" : "s");
    buffer_done(&command);
}

void sweep_tell_plan(struct sweep_tell *t)
{
    const struct sweep *s = t->sweep;
    int width = name_width(s);

    if (t->json) {
        print_plan_json(t);
        return;
    }
    print("%s: %d run%s of %s, in %s\n\n", s->name, s->count,
          s->count == 1 ? "" : "s", s->request->preset, s->folder);
    print("  %-*s %10s %10s %9s\n", width, "run", "peak", "arena", "time");
    for (int i = 0; i < s->count; i++)
        print_run_row(&s->runs[i], width);
    print("\n");
    if (s->twice)
        print("%d more %s like another run in all settings, and left out\n",
              s->twice, s->twice == 1 ? "is" : "are");
    if (sweep_count(s, SWEEP_DONE) == s->count)
        print("all %d are done\n", s->count);
    print_time(s);
    print_flush();
}

/* "done, accuracy 77.82%" */
static void print_run_end(const struct sweep_run *run, const char *what)
{
    struct score score = facts_of(&run->settled).score;
    char figure[NUMBER_SIZE];

    print("%s", what ? what : sweep_state_name(run->state));
    if (run->state == SWEEP_DONE && !isnan(run->score))
        print(", %s %s", score.name,
              score_format(&score, run->score, 2, figure));
    if (run->why)
        print(": %s", run->why);
    print("\n");
}

void sweep_tell_run(struct sweep_tell *t, const struct sweep_run *run,
                    const char *what)
{
    const struct sweep *s = t->sweep;

    if (t->json) {
        json_t *object = swept_json(s, run);
        json_put(object, "type", json_text("run"));
        json_print_line(object);
    } else {
        clear_changing_line(t);
        print("%d of %d  %s: ", (int)(run - s->runs) + 1, s->count, run->name);
        print_run_end(run, what);
    }
    print_flush();
}

void sweep_tell_line(struct sweep_tell *t, const char *type, const char *text)
{
    if (t->json) {
        json_t *object = json_object();
        json_put(object, "type", json_text(type));
        json_put(object, "message", json_text(text));
        json_print_line(object);
    } else {
        clear_changing_line(t);
        print("%s\n", text);
    }
    print_flush();
}

/* Seconds until the end, if the rest is as much slower or faster than predicted
 * as what was done since the sweep began. */
static double seconds_to_end(const struct sweep_tell *t)
{
    int unknown;
    double left = sweep_seconds_left(t->sweep, &unknown);
    double done = t->before - left;

    return unknown || done <= 0 ? NAN
                                : left * (clock_seconds() - t->began) / done;
}

/* The run under way that is told of: the first. */
static const struct sweep_run *run_under_way(const struct sweep *s)
{
    for (int i = 0; i < s->count; i++)
        if (s->runs[i].state == SWEEP_RUNS)
            return &s->runs[i];
    return NULL;
}

void sweep_tell_progress(struct sweep_tell *t)
{
    const struct sweep *s = t->sweep;
    const struct sweep_run *run = run_under_way(s);
    char line[512], left[TEXT_DURATION_SIZE];
    double seconds = seconds_to_end(t);
    int used, before = t->width, room = window_columns() - 1;

    if (!t->live)
        return;
    used = snprintf(line, sizeof(line), "%d of %d done",
                    sweep_count(s, SWEEP_DONE), s->count);
    if (!isnan(seconds))
        used += snprintf(line + used, sizeof(line) - (size_t)used, ", %s left",
                         text_duration(left, seconds));
    if (run)
        snprintf(line + used, sizeof(line) - (size_t)used,
                 ", epoch %d of %d of %s", run->epoch, run->settled.epochs,
                 run->name);
    if ((int)strlen(line) > room)
        line[room > 0 ? room : 0] = '\0';
    print("\r");
    t->width = print("%s", line);
    if (before > t->width)
        print("%*s", before - t->width, "");
    print_flush();
}

static void print_counts(const struct sweep *s)
{
    const char *comma = "";

    for (int state = 0; state < SWEEP_STATES; state++) {
        int count = sweep_count(s, (enum sweep_state)state);
        if (count > 0)
            print("%s%d %s", comma, count,
                  sweep_state_name((enum sweep_state)state));
        if (count > 0)
            comma = ", ";
    }
}

static void print_end_json(const struct sweep *s, bool interrupted)
{
    json_t *object = json_object();

    json_put(object, "type", json_text("end"));
    json_put(object, "interrupted", json_boolean(interrupted));
    for (int state = 0; state < SWEEP_STATES; state++)
        json_put(object, sweep_state_name((enum sweep_state)state),
                 json_integer(sweep_count(s, (enum sweep_state)state)));
    json_print_line(object);
}

/* Whether the runs have their folders still. Says so if they had them. */
static bool has_folders(struct sweep_tell *t)
{
    const struct sweep *s = t->sweep;
    char text[RECORD_PATH_SIZE + 64];

    if (access(s->folder, F_OK) == 0)
        return true;
    snprintf(text, sizeof(text), "%s is gone, and its runs with it", s->folder);
    if (sweep_count(s, SWEEP_REFUSED) < s->count)
        sweep_tell_line(t, "warning", text);
    return false;
}

void sweep_tell_end(struct sweep_tell *t, bool interrupted)
{
    const struct sweep *s = t->sweep;
    int failed = sweep_count(s, SWEEP_FAILED);
    struct buffer command = { NULL, 0, 0 };
    char usual[RECORD_PATH_SIZE];

    if (t->json) {
        has_folders(t);
        print_end_json(s, interrupted);
        return;
    }
    clear_changing_line(t);
    print("\n%d run%s: ", s->count, s->count == 1 ? "" : "s");
    print_counts(s);
    print("\n");
    if (!has_folders(t))
        return;
    if (sweep_count(s, SWEEP_DONE) + sweep_count(s, SWEEP_REFUSED) + failed <
        s->count)
        print("the same command goes on\n");
    if (failed > 0)
        print("the same command with --retry tries %s again\n",
              failed == 1 ? "the one that failed" : "those that failed");
    buffer_text(&command, "memdial runs list ");
    quote_shell(&command, s->name);
    archive_root(usual, NULL, NULL);
    archive_add_root(&command, s->root, usual);
    print("%s shows the runs\n", command.bytes);
    buffer_done(&command);
}
