/*
 * `memdial train`: a run in this process, without screens. Its record is kept
 * in a folder of its own, unless nobody wants that; with --resume it goes on
 * from one.
 */
#include "cli/cmd_train.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/print.h"
#include "cli/gates.h"
#include "cli/lesson.h"
#include "cli/profile_table.h"
#include "cli/progress.h"
#include "cli/request.h"
#include "events/archive.h"
#include "plan/timings_file.h"
#include "train/resume.h"
#include "train/snapshot.h"
#include "train/training.h"

struct choices {
    struct request *request;
    bool json, profile, take_over;
    const char *save, *load, *runs, *name, *resume;
    struct gates gates;
};

static const char usage[] =
    "train [PRESET] [--set NAME=VALUE]... [--epochs N] [--json] "
    "[--save FILE] [--load FILE] [--profile] [--runs DIR] [--name NAME] "
    "[--resume RUN [--take-over]] [--assert-peak BYTES] "
    "[--assert-accuracy SHARE] [--baseline RUN [--tolerance SHARE]]";

static const struct option options[] = {
    { "set", required_argument, NULL, 's' },
    { "epochs", required_argument, NULL, 'e' },
    { "json", no_argument, NULL, 'j' },
    { "save", required_argument, NULL, 'S' },
    { "load", required_argument, NULL, 'L' },
    { "profile", no_argument, NULL, 'p' },
    { "runs", required_argument, NULL, 'r' },
    { "name", required_argument, NULL, 'n' },
    { "resume", required_argument, NULL, 'R' },
    { "take-over", no_argument, NULL, 't' },
    GATES_OPTIONS_OF_RUN,
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

    if (gates_option(&c->gates, which, value))
        return;
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
    case 't':
        c->take_over = true;
        break;
    case 'S':
        c->save = value;
        break;
    case 'L':
        c->load = value;
        break;
    case 'r':
        c->runs = value;
        break;
    case 'n':
        c->name = value;
        break;
    case 'R':
        c->resume = value;
        break;
    }
}

/* A run of this command. */
struct command_run {
    struct choices *choices;
    const char *preset;              /* its name in `start` */
    char folder[RECORD_PATH_SIZE];   /* its record; "": none is kept */
    struct error unkept;             /* why not; EXIT_OK: nobody wants it */
    struct resume resume;            /* that it goes on from, if it does */
    struct trainer *trainer;         /* owned */
    struct recorder *recorder;       /* owned; or NULL */
    struct progress progress;
};

/* A reader of our output that closes it must not cost the run its snapshot. An
 * event is told as JSON, or for people by a progress. */
static void tell_event(void *arg, const struct event *event)
{
    struct command_run *r = arg;

    gates_take(&r->choices->gates, &r->trainer->job->settings, event);
    if (r->choices->json)
        event_print(event);
    else
        progress_emit(&r->progress, event);
    if (!print_flush())
        ending_ask(SIGPIPE);
}

static void warn_unkept(struct command_run *r)
{
    char text[ERROR_TEXT_SIZE + 128];

    snprintf(text, sizeof(text), "the run is not kept: %s; --runs names "
             "another folder, or " ARCHIVE_NONE, r->unkept.text);
    r->unkept.code = EXIT_OK;
    tell_event(r, &(struct event){ .type = EVENT_WARNING, .message = text });
}

static bool refuse_together(const char *option, struct error *e)
{
    return error_set(e, EXIT_INPUT, "%s: not with --resume, which goes on with "
                     "what the run has", option);
}

/* A name asks for a record. */
static bool check_record_wanted(const struct choices *c, struct error *e)
{
    char root[RECORD_PATH_SIZE];

    return !c->name || (archive_check_name("--name", c->name, e) &&
                        archive_root(root, c->runs, e) &&
                        archive_check_root(root, c->runs, e));
}

static bool check_choices(const struct choices *c, struct error *e)
{
    if (c->resume && c->request->named)
        return refuse_together("PRESET", e);
    if (c->resume && c->name)
        return refuse_together("--name", e);
    if (c->resume && c->load)
        return refuse_together("--load", e);
    if (c->take_over && !c->resume)
        return error_set(e, EXIT_INPUT, "--take-over: of which run? give "
                         "--resume RUN too");
    return file_check_path("--save", c->save, e) &&
           file_check_path("--load", c->load, e) && check_record_wanted(c, e);
}

/* The settings of a run that begins, or goes on. */
static bool find_settings(struct command_run *r, struct settings *s,
                          struct error *e)
{
    const struct choices *c = r->choices;
    char root[RECORD_PATH_SIZE];

    r->preset = c->request->preset;
    if (!c->resume)
        return request_settings(c->request, s, e);
    if (!archive_root(root, c->runs, e) ||
        !archive_find(root, c->resume, r->folder, e) ||
        !resume_open(&r->resume, r->folder, c->take_over, e))
        return false;
    r->preset = r->resume.preset;
    *s = r->resume.settings;
    gates_go_on(&r->choices->gates, &r->resume.record);
    return request_change(c->request, r->resume.record.name, s, e) &&
           resume_check_more(&r->resume, s, e);
}

/* Begins where a snapshot was saved, if one is named. */
static bool load_state(struct command_run *r, struct error *e)
{
    const struct choices *c = r->choices;

    if (c->resume)
        return resume_load(&r->resume, r->trainer, e);
    return !c->load || snapshot_load(r->trainer, c->load, e);
}

/* Whether a command asks for more than to go on: then that may be the fault. */
static bool asks_for_more(const struct choices *c)
{
    return c->request->count > 0 || c->save || gates_ask(&c->gates);
}

/* Tells in the record that a run could not go on, unless it is done: a sweep
 * begins runs where nobody reads their output. */
static void record_failure(struct command_run *r, const struct error *e)
{
    if (r->resume.ours && !r->recorder && !asks_for_more(r->choices) &&
        r->resume.record.state != RECORD_DONE)
        record_add_error(&r->resume.record, e->text, NULL);
}

static bool make_trainer(struct command_run *r, struct error *e)
{
    const struct choices *c = r->choices;
    struct settings settings;

    return find_settings(r, &settings, e) &&
           gates_check_score(&c->gates, &settings, e) &&
           trainer_prepare(&r->trainer, &settings, e) &&
           gates_check_plan(&c->gates, r->trainer->job, e) &&
           trainer_allocate(r->trainer, e) &&
           (!c->save || snapshot_check(c->save, e)) && load_state(r, e);
}

/* Makes the folder of the record, unless there is one or nobody wants it. */
static bool make_folder(struct command_run *r, struct error *e)
{
    const struct choices *c = r->choices;
    char root[RECORD_PATH_SIZE];

    return c->resume ||
           (archive_root(root, c->runs, e) &&
            (!*root || archive_make(root, c->name, r->preset, r->folder, e)));
}

/* A record that cannot be kept ends the run before it begins only if somebody
 * asked for it. */
static bool open_own_record(struct command_run *r, struct error *e)
{
    const struct choices *c = r->choices;
    struct event_sink tell = { tell_event, r };

    if (make_folder(r, &r->unkept) &&
        (!*r->folder ||
         recorder_open(&r->recorder, r->folder, tell, &r->unkept)))
        r->unkept.code = EXIT_OK;
    if (r->unkept.code == EXIT_OK || !(c->resume || c->runs || c->name))
        return true;
    *e = r->unkept;
    return false;
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

static int run_and_tell(struct command_run *r)
{
    const struct choices *c = r->choices;
    struct trainer *t = r->trainer;
    struct profile profile;
    struct error e;
    bool ok;

    ending_catch();
    progress_init(&r->progress, c->resume ? &r->resume.record.run : NULL);
    if (c->profile)
        profile_init(&profile, t->executor);
    if (r->unkept.code != EXIT_OK)
        warn_unkept(r);
    ok = training_run(t, r->preset, (struct event_sink){ tell_event, r },
                      ending_flag(), c->save, r->recorder, &e);
    if (ok && !c->json)
        progress_summary(&r->progress, t->step < trainer_steps(t), c->save,
                         r->recorder ? r->folder : "");
    print_profile(c, t, &profile);
    pass_timings(t);
    ok = ok && gates_check_run(&c->gates, &t->job->settings, &e);
    return ok ? EXIT_OK : report_error(&e);
}

static int train(struct choices *c)
{
    struct command_run run = { .choices = c };
    struct error e;
    int code;

    if (c->json) {
        event_print_last_words();
        lesson_print();
    } else {
        lesson_show();
    }
    if (!check_choices(c, &e) || !gates_open(&c->gates, c->runs, &e) ||
        !make_trainer(&run, &e) || !open_own_record(&run, &e)) {
        code = report_error(&e);
        record_failure(&run, &e);
    } else {
        code = run_and_tell(&run);
    }
    recorder_close(run.recorder);
    resume_done(&run.resume);
    trainer_free(run.trainer);
    return code;
}

int cmd_train(int argc, char **argv)
{
    struct request request;
    struct choices choices = { .request = &request };
    int code;

    gates_init(&choices.gates);
    if (request_parse(&request, argc, argv, options, usage, cmd_train_choose,
                      &choices, &code))
        code = train(&choices);
    gates_done(&choices.gates);
    request_done(&request);
    return code;
}
