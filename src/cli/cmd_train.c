/*
 * `memdial train`: a run in this process, without screens.
 */
#include "cli/cmd_train.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/print.h"
#include "cli/lesson.h"
#include "cli/profile_table.h"
#include "cli/progress.h"
#include "cli/request.h"
#include "plan/timings_file.h"
#include "train/snapshot.h"
#include "train/training.h"

struct choices {
    struct request *request;
    bool json, profile;
    const char *save, *load;
};

static const char usage[] =
    "train [PRESET] [--set NAME=VALUE]... [--epochs N] [--json] "
    "[--save FILE] [--load FILE] [--profile]";

static const struct option options[] = {
    { "set", required_argument, NULL, 's' },
    { "epochs", required_argument, NULL, 'e' },
    { "json", no_argument, NULL, 'j' },
    { "save", required_argument, NULL, 'S' },
    { "load", required_argument, NULL, 'L' },
    { "profile", no_argument, NULL, 'p' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void set_epochs(struct request *r, const char *value)
{
    static const char name[] = "epochs=";
    char *assignment = xcalloc(strlen(name) + strlen(value) + 1, 1);

    strcpy(assignment, name);
    strcat(assignment, value);
    request_set(r, "--epochs", assignment);
    free(assignment);
}

static void cmd_train_choose(void *arg, int which, const char *value)
{
    struct choices *c = arg;

    switch (which) {
    case 'e':
        set_epochs(c->request, value);
        break;
    case 'j':
        c->json = true;
        break;
    case 'p':
        c->profile = true;
        break;
    case 'S':
        c->save = value;
        break;
    case 'L':
        c->load = value;
        break;
    }
}

/* A reader of our output that closes it must not cost the run its snapshot. An
 * event is told as JSON, or for people by a progress. */
static void tell_event(void *progress, const struct event *event)
{
    if (progress)
        progress_emit(progress, event);
    else
        event_print(event);
    if (!print_flush())
        ending_ask(SIGPIPE);
}

static bool make_trainer(const struct choices *c, struct trainer **t,
                         struct error *e)
{
    struct settings settings;

    if (!file_check_path("--save", c->save, e) ||
        !file_check_path("--load", c->load, e) ||
        !request_settings(c->request, &settings, e) ||
        !trainer_new(t, &settings, e))
        return false;
    if ((c->save && !snapshot_check(c->save, e)) ||
        (c->load && !snapshot_load(*t, c->load, e))) {
        trainer_free(*t);
        return false;
    }
    return true;
}

/* Prints the profile after the run's other output. */
static void print_profile(const struct choices *c, struct trainer *t,
                          struct profile *p)
{
    if (!c->profile)
        return;
    profile_table_print(p, t->job->settings.tf32, t->seconds, c->json);
    profile_done(p);
}

/* Adds what calls took to this machine's timings. */
static void pass_timings(struct trainer *t)
{
    struct timings *seen = trainer_take_timings(t);

    if (seen)
        timings_refresh(seen);
    timings_free(seen);
}

static int train(const struct choices *c)
{
    struct trainer *t;
    struct progress progress;
    struct profile profile;
    struct error e;
    bool ok;

    if (c->json) {
        event_print_last_words();
        lesson_print();
    } else {
        lesson_show();
    }
    if (!make_trainer(c, &t, &e))
        return report_error(&e);
    ending_catch();
    progress_init(&progress);
    if (c->profile)
        profile_init(&profile, t->executor);
    ok = training_run(t, c->request->preset,
                     (struct event_sink){ tell_event,
                                          c->json ? NULL : &progress },
                     ending_flag(), c->save, &e);
    if (ok && !c->json)
        progress_summary(&progress, t->step < trainer_steps(t), c->save);
    print_profile(c, t, &profile);
    pass_timings(t);
    trainer_free(t);
    return ok ? EXIT_OK : report_error(&e);
}

int cmd_train(int argc, char **argv)
{
    struct request request;
    struct choices choices = { .request = &request };
    int code;

    if (request_parse(&request, argc, argv, options, usage, cmd_train_choose,
                      &choices, &code))
        code = train(&choices);
    request_done(&request);
    return code;
}
