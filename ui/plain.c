#include "ui/plain.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ending.h"
#include "base/lines.h"
#include "base/print.h"
#include "base/spelling.h"
#include "base/text.h"
#include "models/model.h"
#include "events/ledger.h"
#include "plan/dial.h"
#include "plan/fit.h"
#include "plan/timings_file.h"
#include "settings/facts.h"

enum { WAIT_MILLISECONDS = 500, COMMAND_SIZE = 1024, CHANGES_SIZE = 256 };

/* Steps come by the hundred; one every few seconds is enough. */
static const double step_seconds = 10;

struct plain {
    struct link *link;       /* borrowed */
    struct lines commands;
    int in;                  /* commands come from there; -1: they have ended */
    bool quit;
    bool has_failed;         /* and that was said */
    bool silent;             /* the worker, and that was said */
    bool learning;           /* subwords, and that was said */
    int64_t step, steps;
    bool has_run;            /* a step of the plan in force */
    double next_step;        /* when to tell of one; monotonic seconds */
    struct event memory;     /* as last told */
    struct facts facts;      /* of the data */
    struct machine machine;  /* the worker's ... */
    struct ledger ledger;    /* ... and its timings */
};

static void say_lesson(struct plain *p, const struct event *e)
{
    char wanted[TEXT_COUNT_SIZE];

    if (!p->learning)
        print("Learning %s merges of subwords.\n",
              text_count(wanted, e->learning.wanted));
    p->learning = e->learning.merges < e->learning.wanted;
}

/* Before a step little of an arena is touched. The size of the process changes
 * a little all the time, which is no news. */
static void say_memory(struct plain *p, const struct event *e)
{
    char planned[BYTES_TEXT_SIZE], touched[BYTES_TEXT_SIZE];
    char os[BYTES_TEXT_SIZE];

    if (!p->has_run ||
        (e->memory.planned == p->memory.memory.planned &&
         e->memory.touched == p->memory.memory.touched))
        return;
    p->memory = *e;
    print("Planned %s, touched %s, the process has %s.\n",
          bytes_format(planned, sizeof(planned), e->memory.planned),
          bytes_format(touched, sizeof(touched), e->memory.touched),
          bytes_format(os, sizeof(os), e->memory.os));
}

static void say_step(struct plain *p, const struct event *e)
{
    p->has_run = true;
    p->step = e->step.step;
    p->steps = e->step.steps;
    if (clock_seconds() < p->next_step)
        return;
    p->next_step = clock_seconds() + step_seconds;
    print("Step %lld of %lld, epoch %d, loss %.3f.\n",
          (long long)e->step.step, (long long)e->step.steps, e->step.epoch,
          e->step.loss);
}

/* Says "accuracy 55.0 percent", if there is a score. A comma stands between two
 * of them, all words after `before`. */
static const char *say_score(const char *before, const struct score *score,
                             double value)
{
    if (isnan(value))
        return before;
    print("%s %s %.1f%s", before, score->name, score->percent ? 100 * value
                                                              : value,
          score->percent ? " percent" : "");
    return ",";
}

/* Says the scores of a split. */
static void say_scores(const struct plain *p, double score, double loss,
                       double accuracy)
{
    const char *before = say_score("", &p->facts.score, score);

    for (int i = 0; i < p->facts.beside_count; i++) {
        const struct score *beside = &p->facts.beside[i];
        before = say_score(before, beside, score_of(beside, loss, accuracy));
    }
    print(".\n");
}

static void say_epoch(const struct plain *p, const struct event *e)
{
    const struct score *score = &p->facts.score;
    double train = event_train_score(e, score);

    print("Epoch %d done", e->epoch.epoch);
    if (!isnan(train))
        say_score(": in training", score, train);
    print("%s in validation", isnan(train) ? ":" : ",");
    say_scores(p, event_score(e, score), e->epoch.valid_loss,
               e->epoch.valid_accuracy);
}

static void say_test(const struct plain *p, const struct event *e)
{
    print("On the test set:");
    say_scores(p, e->test.score, e->test.loss, e->test.accuracy);
}

static void say_change(struct plain *p, const struct event *e)
{
    char planned[BYTES_TEXT_SIZE], changes[CHANGES_SIZE];

    settings_changes(e->applied.before, e->applied.after, changes,
                     sizeof(changes));
    p->has_run = false;
    print("Changed at step %lld: %s; planned %s.\n",
          (long long)e->applied.step, changes,
          bytes_format(planned, sizeof(planned), e->applied.planned));
}

static void say_start(struct plain *p, const struct event *e)
{
    char left_out[EVENT_LEFT_OUT_SIZE];

    p->facts = facts_of(e->start.settings);
    p->machine = e->start.machine;
    p->step = e->start.step;
    p->steps = e->start.steps;
    print("Training %s, %lld steps.\n", e->start.preset,
          (long long)e->start.steps);
    if (*event_left_out(e, left_out))
        print("%s.\n", left_out);
}

static void say_refusal(struct plain *p, const struct event *e)
{
    if (strcmp(e->refused.command, "start") == 0) {
        p->has_failed = true;
        print("The run cannot begin: %s.\n", e->refused.message);
    } else {
        print("Not done: %s: %s.\n", e->refused.command, e->refused.message);
    }
}

/* Events before the first start tell nothing of a run, but for the reasons why
 * there is none. */
static bool tells(const struct plain *p, const struct event *e)
{
    return p->facts.score.name || e->type == EVENT_LEARNING ||
           e->type == EVENT_START ||
           e->type == EVENT_REFUSED || e->type == EVENT_WARNING ||
           e->type == EVENT_ERROR || e->type == EVENT_DONE;
}

static void say_event(struct plain *p, const struct event *e)
{
    if (!tells(p, e))
        return;
    switch (e->type) {
    case EVENT_LEARNING:
        say_lesson(p, e);
        break;
    case EVENT_START:
        say_start(p, e);
        break;
    case EVENT_MEMORY:
        say_memory(p, e);
        break;
    case EVENT_STEP:
        say_step(p, e);
        break;
    case EVENT_EPOCH:
        say_epoch(p, e);
        break;
    case EVENT_TEST:
        say_test(p, e);
        break;
    case EVENT_APPLIED:
        say_change(p, e);
        break;
    case EVENT_REFUSED:
        say_refusal(p, e);
        break;
    case EVENT_PAUSED:
        print("Paused at step %lld.\n", (long long)e->stopped_at);
        break;
    case EVENT_RESUMED:
        print("Going on from step %lld.\n", (long long)e->stopped_at);
        break;
    case EVENT_WARNING:
        print("Warning: %s.\n", e->message);
        break;
    case EVENT_ERROR:
        p->has_failed = true;
        print("Error: %s.\n", e->message);
        break;
    case EVENT_DONE:
        print("Done.\n");
        break;
    case EVENT_TIMINGS:
    case EVENT_SAVED: /* the link's own snapshots */
    case EVENT_LABEL:
    case EVENT_COUNT:
        break;
    }
}

static void say_last_step(const struct plain *p)
{
    if (!p->facts.score.name)
        print("Ended before the run began.\n");
    else
        print("Ended at step %lld of %lld.\n", (long long)p->step,
              (long long)p->steps);
}

/* "set precision=fp16 microbatch=10": all assignments or none. */
static bool set_dials(struct plain *p, char *words, struct error *e)
{
    struct settings wanted = *link_wanted(p->link);
    char *rest, *word = strtok_r(words, " \t", &rest);

    if (!word)
        return error_set(e, EXIT_INPUT, "set: name=value must follow; dials "
                         "lists the names");
    for (; word; word = strtok_r(NULL, " \t", &rest))
        if (!settings_assign(&wanted, "set", word, e))
            return false;
    if (!model_check(&wanted, "set", e) ||
        !settings_can_follow(link_settings(p->link), &wanted, e))
        return false;
    if (settings_same(&wanted, link_wanted(p->link)))
        return error_set(e, EXIT_INPUT, "set: it is set so already");
    link_set(p->link, &wanted);
    return true;
}

static bool list_dials(struct plain *p, char *words, struct error *e)
{
    (void)words;
    (void)e;
    for (int dial = 0; dial < dial_count(); dial++) {
        const struct setting *row = dial_setting(dial);
        char value[SETTINGS_TEXT_SIZE];
        settings_format(link_wanted(p->link), row, value, sizeof(value));
        print("%s=%s: %s.\n", row->name, value, row->help);
    }
    return true;
}

static void say_guessed(const struct plain *p)
{
    struct buffer command = { NULL, 0, 0 };

    timings_command(&command, link_name(p->link), link_wanted(p->link));
    print("Times are a roofline's guess; `%s` on the worker's machine "
          "measures them.\n", command.bytes);
    buffer_done(&command);
}

static void say_fit(const struct plain *p, const struct fit *fit)
{
    for (int i = 0; i < fit->count; i++) {
        const struct fit_row *r = &fit->rows[i];
        char change[CHANGE_TEXT_SIZE], arena[BYTES_TEXT_SIZE];
        char sets[SETTINGS_TEXT_SIZE], time[TEXT_TIME_SIZE];
        settings_changes(link_wanted(p->link), &r->settings, sets,
                         sizeof(sets));
        print("%s, in %s, %s %s a step, x%.2f of baseline: %s%s.\n",
              change_text(&r->change, change),
              bytes_format(arena, sizeof(arena), r->arena_bytes),
              fit->guessed ? "about" : "predicted",
              text_time(time, r->seconds),
              r->seconds / fit->baseline.seconds, *sets ? "set " : "",
              *sets ? sets : "as it is");
    }
    if (fit->guessed)
        say_guessed(p);
}

static bool refuse_fit(const struct fit_query *q, struct error *e)
{
    char budget[BYTES_TEXT_SIZE], least[BYTES_EXACT_SIZE];
    struct fit_obstacle o;

    return fit_find_obstacle(&o, q, e) &&
           error_set(e, EXIT_BUDGET, "fit: nothing trains in %s: the least is "
                     "%s, above all %s at %s; raise the budget, or lower %s",
                     bytes_format(budget, sizeof(budget), q->budget),
                     bytes_exact(least, o.least.arena_bytes),
                     o.largest, o.step, o.sizes);
}

/* "fit 8MiB": the least change first, as lines that set takes. */
static bool fit_budget(struct plain *p, char *words, struct error *e)
{
    struct fit_query q = { .settings = link_wanted(p->link),
                           .machine = &p->machine,
                           .timings = p->ledger.timings };
    struct fit fit;
    uint64_t budget;
    bool any;

    words += strspn(words, " \t");
    if (!bytes_parse(words, &budget) || budget == 0)
        return error_set(e, EXIT_INPUT, "fit: '%.*s' is no budget: a number "
                         "of bytes above 0 is, as 8388608 or 8MiB",
                         text_cut(words, 24), words);
    if (!p->facts.score.name)
        return error_set(e, EXIT_RUN, "fit: the run has not begun yet");
    q.budget = budget;
    if (!fit_find(&fit, &q, e))
        return false;
    say_fit(p, &fit);
    any = fit.count > 0;
    fit_done(&fit);
    return any || refuse_fit(&q, e);
}

static bool pause_run(struct plain *p, char *words, struct error *e)
{
    (void)words;
    (void)e;
    link_pause(p->link, true);
    return true;
}

static bool resume_run(struct plain *p, char *words, struct error *e)
{
    (void)words;
    (void)e;
    link_pause(p->link, false);
    return true;
}

static bool ask_to_quit(struct plain *p, char *words, struct error *e)
{
    (void)words;
    (void)e;
    p->quit = true;
    return true;
}

static bool help(struct plain *p, char *words, struct error *e);

static const struct {
    const char *name, *arguments, *help;
    bool (*run)(struct plain *, char *words, struct error *);
} commands[] = {
    { "set", " NAME=VALUE...", "turn dials, between two steps", set_dials },
    { "fit", " BYTES", "list settings of the dials that train within a budget, "
      "the least change first", fit_budget },
    { "dials", "", "list the dials and what they are set to", list_dials },
    { "pause", "", "do no more steps", pause_run },
    { "resume", "", "go on", resume_run },
    { "quit", "", "end the run and leave", ask_to_quit },
    { "help", "", "list the commands", help },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static bool help(struct plain *p, char *words, struct error *e)
{
    (void)p;
    (void)words;
    (void)e;
    for (int i = 0; i < COMMAND_COUNT; i++)
        print("%s%s: %s.\n", commands[i].name, commands[i].arguments,
              commands[i].help);
    return true;
}

static bool refuse_typed_name(const char *name, struct error *e)
{
    struct spelling spelling;

    spelling_init(&spelling, name);
    for (int i = 0; i < COMMAND_COUNT; i++)
        spelling_offer(&spelling, commands[i].name);
    return spelling_refuse(&spelling, "command", "help lists them", e);
}

static bool run_command(struct plain *p, const char *name, char *words,
                        struct error *e)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (!*commands[i].arguments && words[strspn(words, " \t")])
            return error_set(e, EXIT_INPUT, "%s: nothing can follow", name);
        return commands[i].run(p, words, e);
    }
    return refuse_typed_name(name, e);
}

static void take_command_line(struct plain *p, const struct line *line)
{
    char text[COMMAND_SIZE], *words;
    struct error e;
    size_t length = line->length;

    if (line->too_long || length >= sizeof(text)) {
        print("Not done: a line of %d bytes or more.\n", COMMAND_SIZE);
        return;
    }
    if (memchr(line->text, '\0', length)) {
        print("Not done: a line with a byte that is zero.\n");
        return;
    }
    /* A line may end as in DOS, and in blanks. */
    while (length > 0 && strchr(" \t\r", line->text[length - 1]))
        length--;
    snprintf(text, sizeof(text), "%.*s", (int)length, line->text);
    words = text + strspn(text, " \t");
    if (*words) {
        char *name = words;
        words += strcspn(words, " \t");
        if (*words)
            *words++ = '\0';
        if (!run_command(p, name, words, &e))
            print("Not done: %s.\n", e.text);
    }
}

static void take_commands(struct plain *p)
{
    ssize_t n = lines_fill(&p->commands, p->in);
    struct line line;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        p->in = -1;
        lines_end(&p->commands);
    }
    while (!p->quit && lines_next(&p->commands, &line))
        take_command_line(p, &line);
}

/* The descriptor to read commands from, or -1: a terminal would stop us if we
 * read from it in its background. */
static int command_fd(const struct plain *p)
{
    pid_t in_front = p->in >= 0 && isatty(p->in) ? tcgetpgrp(p->in) : -1;

    return in_front > 0 && in_front != getpgrp() ? -1 : p->in;
}

static void wait_for_input(struct plain *p)
{
    struct pollfd fds[] = { { link_fd(p->link), POLLIN, 0 },
                            { command_fd(p), POLLIN, 0 } };

    if (poll(fds, 2, WAIT_MILLISECONDS) > 0 && fds[1].revents)
        take_commands(p);
}

static void listen(struct plain *p)
{
    const struct event *e;

    link_update(p->link);
    while ((e = link_next(p->link))) {
        ledger_take(&p->ledger, e);
        say_event(p, e);
    }
    if (link_silent(p->link) && !p->silent)
        print("Warning: %s.\n", link_sentence(p->link));
    p->silent = link_silent(p->link);
}

static bool has_ended(const struct plain *p)
{
    enum link_state state = link_state(p->link);

    return p->quit || state == LINK_DONE || state == LINK_DEAD ||
           state == LINK_FAILED;
}

bool plain_run(struct link *link)
{
    struct plain p = { .link = link, .in = STDIN_FILENO };
    const char *why = link_sentence(link);

    ledger_init(&p.ledger);
    ending_catch(); /* so that the link removes its snapshot */
    lines_init(&p.commands);
    if (isatty(p.in) && isatty(STDOUT_FILENO))
        print("Commands can be typed; help lists them.\n");
    while (!has_ended(&p) && !ending_signal()) {
        wait_for_input(&p);
        listen(&p);
        p.quit |= !print_flush();
    }
    if (p.quit || ending_signal())
        say_last_step(&p); /* after all events that came with the command */
    if (*why && !p.has_failed)
        print("%s.\n", why);
    ledger_done(&p.ledger);
    print_flush(); /* a signal leaves no time for it later */
    return p.quit || link_state(link) == LINK_DONE;
}
