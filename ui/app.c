/*
 * The event loop: waits for the terminal, the worker and plans, carries out
 * the session's requests, and draws a frame when something has changed: at once
 * after a key and otherwise at most FRAMES times a second.
 */
#include "ui/app.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ending.h"
#include "base/text.h"
#include "cli/request.h"
#include "events/archive.h"
#include "plan/timings_file.h"
#include "settings/facts.h"
#include "settings/preset.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/pages/leave.h"
#include "ui/pages/new_run.h"
#include "ui/pages/screen.h"
#include "ui/plain.h"
#include "ui/session/background.h"
#include "ui/session/errand.h"
#include "ui/session/export.h"
#include "ui/session/finding.h"
#include "ui/session/inquiry.h"
#include "ui/session/link.h"
#include "ui/session/memo.h"
#include "ui/session/proposal.h"
#include "ui/session/reader.h"
#include "ui/session/whatif.h"
#include "ui/term/picture.h"
#include "ui/term/terminal.h"

enum { FRAMES = 25, WAIT_MILLISECONDS = 1000, FAREWELL_MILLISECONDS = 10 };

/* Seconds that the last step may take to come. */
static const double farewell_seconds = 0.5;

/* How long a notice stays if it reports no trouble. */
static const double notice_seconds = 10;

/* How often the folders of runs are looked at while they are shown. */
static const double look_seconds = 1;

struct app {
    struct session session;
    struct screen screen;
    struct link *link;
    struct whatif *whatif;
    struct errands *finder, *proposer;
    struct reader *reader;           /* NULL: no runs are kept */
    double looked;                   /* when it was told to look */
    int strangers;                   /* folders without a run, as last told */
    struct question *questions;      /* [inquiry_most()] */
    bool changed;                    /* since the last frame */
    double drawn;                    /* when the last frame was drawn */
    char exported[EXPORT_PATH_SIZE]; /* file that was written last; or "" */
    unsigned notices;                /* seen so far ... */
    double noticed;                  /* ... and when the last one was */
    char memo[SETTINGS_TEXT_SIZE];   /* data_path as it was remembered */
    char usual_root[RECORD_PATH_SIZE]; /* of runs, without --runs */
};

struct choices {
    bool ascii, plain, no_mouse;
    const char *worker, *theme, *runs;
};

static const char usage[] =
    "[PRESET] [--set NAME=VALUE]... [--worker COMMAND] [--theme NAME] "
    "[--ascii] [--no-mouse | -M] [--plain] [--runs DIR]";

static const struct option options[] = {
    { "set", required_argument, NULL, 's' },
    { "worker", required_argument, NULL, 'w' },
    { "theme", required_argument, NULL, 't' },
    { "ascii", no_argument, NULL, 'a' },
    { "no-mouse", no_argument, NULL, 'm' },
    { "plain", no_argument, NULL, 'p' },
    { "runs", required_argument, NULL, 'r' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void app_choose(void *arg, int which, const char *value)
{
    struct choices *c = arg;

    c->ascii |= which == 'a';
    c->plain |= which == 'p';
    c->no_mouse |= which == 'm';
    if (which == 'w')
        c->worker = value;
    if (which == 't')
        c->theme = value;
    if (which == 'r')
        c->runs = value;
}

/* Sends the dials' settings to the worker once their plan is here and is good.
 * Settings that cannot be planned are never sent. A run that is about to begin
 * may be refused, and the run before it is not to be changed. */
static void apply(struct app *a)
{
    struct session *s = &a->session;

    if (!session_planned(s) || link_state(a->link) == LINK_STARTING)
        return;
    s->asks &= ~(unsigned)SESSION_ASK_APPLY;
    if (!s->planned->refused)
        link_set(a->link, &s->wanted);
}

/* Sends the start that is asked for. */
static void ask_for_run(struct app *a, unsigned asks)
{
    struct session *s = &a->session;
    bool restarts = asks & SESSION_ASK_RESTART &&
                    link_has_snapshot(a->link, NULL);

    if (asks & SESSION_ASK_CONTINUE)
        link_continue(a->link, s->preset, &s->wanted, s->goes_on,
                      s->goes_on_after);
    else if (restarts)
        link_restart(a->link);
    else
        link_begin(a->link, s->preset, &s->wanted);
    s->continues = restarts || asks & SESSION_ASK_CONTINUE;
}

/* False if there is no news of the link. */
static bool copy_link_state(struct app *a)
{
    struct session *s = &a->session;

    s->starts = link_starts(a->link);
    if (!link_has_snapshot(a->link, &s->snapshot))
        s->snapshot = -1;
    if (s->state == link_state(a->link) && s->silent == link_silent(a->link) &&
        strcmp(s->sentence, link_sentence(a->link)) == 0)
        return false;
    s->state = link_state(a->link);
    s->silent = link_silent(a->link);
    snprintf(s->sentence, sizeof(s->sentence), "%s", link_sentence(a->link));
    a->changed = true;
    return true;
}

static void take_link_state(struct app *a)
{
    struct session *s = &a->session;
    enum link_state before = s->state;

    if (!copy_link_state(a))
        return;
    if (s->state != before &&
        (s->state == LINK_FAILED || s->state == LINK_DEAD))
        screen_when_free(&a->screen, screen_trouble);
    if (s->state == LINK_DONE && before != LINK_DONE)
        session_say(s, NOTICE_INFO, "the run is done: page Runs compares it, N "
                    "there runs settings afresh, R begins it again");
    session_next_run(s);
}

static void ask_questions(struct app *a)
{
    int n = inquiry_list(&a->session, a->screen.dial, a->questions);

    whatif_ask(a->whatif, a->questions, n);
}

/* Returns whether there was something to do. */
static bool carry_out(struct app *a)
{
    struct session *s = &a->session;
    unsigned asks = s->asks;

    s->asks &= SESSION_ASK_APPLY;
    if (asks & SESSION_ASK_QUESTIONS)
        ask_questions(a);
    if (asks & SESSION_ASK_FIT)
        errands_ask(a->finder, finding_new(&s->wanted, &s->machine,
                                           s->ledger.timings, s->fit_budget));
    if (asks & SESSION_ASK_FIT_STOP)
        errands_stop(a->finder);
    if (asks & SESSION_ASK_PROPOSE)
        errands_ask(a->proposer, proposal_new(s->preset, &s->wanted,
                                              &s->marks, s->root,
                                              &s->machine));
    if (asks & (SESSION_ASK_BEGIN | SESSION_ASK_CONTINUE |
                SESSION_ASK_RESTART))
        ask_for_run(a, asks);
    if (asks & SESSION_ASK_PAUSE)
        link_pause(a->link, !link_pauses(a->link));
    if (asks & SESSION_ASK_APPLY)
        apply(a);
    take_link_state(a);
    return asks & ~(unsigned)SESSION_ASK_APPLY;
}

static void save_view(struct app *a)
{
    char path[PRESET_PATH_SIZE];
    struct error e;

    if (view_save(&a->screen.view, path, &e))
        session_say(&a->session, NOTICE_INFO, "saved %s", path);
    else
        session_say(&a->session, NOTICE_ERROR, "%s", e.text);
}

/* Says which file was written, or why none was. */
static bool tell_written(struct app *a, bool ok, const char *path,
                         const struct error *e)
{
    if (ok)
        session_say(&a->session, NOTICE_INFO, "wrote %s", path);
    else
        session_say(&a->session, NOTICE_ERROR, "%s", e->text);
    return ok;
}

static void export(struct app *a)
{
    char path[EXPORT_PATH_SIZE];
    struct error e;

    if (tell_written(a, export_session(&a->session, path, &e), path, &e))
        strcpy(a->exported, path);
    else
        a->screen.quit = false; /* the file must be written first */
}

/* The page is pictured as it was drawn last. */
static void take_picture(struct app *a)
{
    const struct screen *s = &a->screen;
    struct buffer picture = { NULL, 0, 0 };
    char path[EXPORT_PATH_SIZE];
    const char *ending;
    struct error e;

    ending = picture_draw(&s->cells, s->view.theme, &picture);
    tell_written(a, export_put(&picture, ending, path, &e), path, &e);
    buffer_done(&picture);
}

/* Makes room in the status line for its other contents. */
static void let_notice_go(struct app *a)
{
    struct session *s = &a->session;

    if (a->notices != s->notices)
        a->noticed = clock_seconds();
    a->notices = s->notices;
    if (s->notice == NOTICE_INFO &&
        clock_seconds() - a->noticed > notice_seconds) {
        s->notice = NOTICE_NONE;
        a->changed = true;
    }
}

static void serve_screen(struct app *a)
{
    struct screen *s = &a->screen;

    if (s->repaint)
        terminal_repaint();
    if (s->save_view)
        save_view(a);
    if (s->export)
        export(a);
    if (s->picture)
        take_picture(a);
    s->repaint = s->save_view = s->export = s->picture = false;
}

static void take_answers(struct app *a)
{
    struct forecast *f;
    int tag;

    while ((f = whatif_take(a->whatif, &tag))) {
        inquiry_answer(&a->session, tag, f);
        a->changed = true;
    }
}

/* A search that was asked for since then makes what was found worthless. */
static void take_findings(struct app *a)
{
    struct session *s = &a->session;
    int plans = s->fit_plans;
    struct finding *found = errands_take(a->finder, &plans);

    if (found && s->asks & SESSION_ASK_FIT)
        finding_free(found);
    else if (found)
        session_fitted(s, found);
    a->changed |= found || plans != s->fit_plans;
    s->fit_plans = plans;
}

static void take_proposal(struct app *a)
{
    struct proposal *made = errands_take(a->proposer, NULL);

    if (made && a->session.asks & SESSION_ASK_PROPOSE)
        proposal_free(made);
    else if (made)
        session_proposed(&a->session, made);
    a->changed |= made != NULL;
}

/* Whether past runs are shown: their rows, or curves of some. */
static bool shows_past_runs(const struct app *a)
{
    const struct history *h = &a->session.history;
    bool drawn = false;

    for (int i = 0; i < HISTORY_DRAWN; i++)
        drawn |= history_drawn(h, i) != NULL;
    return drawn || a->screen.page == PAGE_RUNS;
}

/* Wants what the pages want of past runs, and looks for news while they are
 * shown. */
static void ask_reader(struct app *a)
{
    struct history *h = &a->session.history;
    double now = clock_seconds();

    if (!a->reader)
        return;
    for (int i = 0; h->wants && i < h->count; i++)
        if (h->list[i]->wanted && !h->list[i]->asked) {
            h->list[i]->asked = true;
            reader_want(a->reader, h->list[i]->attempt.number);
        }
    h->wants = false;
    if (!shows_past_runs(a) || now - a->looked < look_seconds)
        return;
    a->looked = now;
    reader_look(a->reader);
}

/* Says once that there are folders without a run. */
static void tell_strangers(struct app *a)
{
    struct session *s = &a->session;
    int n = s->history.others;

    if (s->history.reading < s->history.folders || n <= a->strangers)
        return;
    a->strangers = n;
    session_say(s, NOTICE_INFO, "%d folder%s in %s %s no run", n,
                n == 1 ? "" : "s", s->root, n == 1 ? "has" : "have");
}

static void take_past_runs(struct app *a)
{
    struct error e;

    if (!a->reader)
        return;
    a->changed |= reader_take(a->reader, &a->session.history, &e);
    if (e.code != EXIT_OK)
        session_say(&a->session, NOTICE_WARNING, "%s", e.text);
    tell_strangers(a);
}

/* The worker refused the run that was asked for last: the run before it goes
 * on, or there is none. */
static void refuse_start(struct app *a, const struct event *e)
{
    struct session *s = &a->session;
    struct refused_run refused = { .settings = s->wanted,
                                   .continued = s->continues,
                                   .reason = e->refused.reason };
    bool swept = session_refuse_swept(s, e->refused.message);

    memcpy(refused.preset, s->preset, sizeof(refused.preset));
    snprintf(refused.message, sizeof(refused.message), "%s",
             e->refused.message);
    copy_link_state(a);
    session_stay(s);
    session_next_run(s);
    if (!swept)
        new_run_refused(&a->screen, &refused);
}

static bool is_refused_start(const struct app *a, const struct event *e)
{
    return e->type == EVENT_REFUSED &&
           strcmp(e->refused.command, "start") == 0 &&
           link_state(a->link) != LINK_STARTING;
}

/* Remembers the folder of the images for the next time. */
static void keep_memo(struct app *a)
{
    const struct session *s = &a->session;

    if (s->remote || strcmp(s->data_path, a->memo) == 0)
        return;
    strcpy(a->memo, s->data_path);
    memo_save(a->memo);
}

static void take_events(struct app *a)
{
    struct session *s = &a->session;
    const struct event *e;

    link_update(a->link);
    while ((e = link_next(a->link))) {
        s->starts = link_starts(a->link);
        session_event(s, e);
        if (is_refused_start(a, e))
            refuse_start(a, e);
        a->changed = true;
    }
    take_link_state(a);
}

static bool take_input(struct app *a)
{
    struct input input;
    bool any = false;

    while (!a->screen.quit && terminal_read(&input)) {
        control_input(&a->screen, &input);
        any = true;
    }
    return any;
}

static void app_draw(struct app *a)
{
    frame_draw(&a->screen);
    terminal_show(&a->screen.cells, a->screen.view.theme);
    a->changed = false;
    a->drawn = clock_seconds();
}

static void wait_for_events(struct app *a)
{
    struct pollfd fds[TERMINAL_MOST_FDS] = {
        { whatif_fd(a->whatif), POLLIN, 0 },
        { errands_fd(a->finder), POLLIN, 0 },
        { errands_fd(a->proposer), POLLIN, 0 },
        { link_fd(a->link), POLLIN, 0 },
        { a->reader ? reader_fd(a->reader) : -1, POLLIN, 0 }
    };
    double left = a->drawn + 1.0 / FRAMES - clock_seconds();
    int milliseconds = WAIT_MILLISECONDS;

    if (a->changed)
        milliseconds = left > 0 ? (int)(1000 * left) + 1 : 0;
    /* Requests of a frame do not wait for the next event. */
    if (a->session.asks & SESSION_ASK_QUESTIONS)
        milliseconds = 0;
    terminal_wait(fds, TERMINAL_MOST_FDS, milliseconds);
}

/* Ends the screens before the last words, which would vanish with them. Only
 * the main thread can do so. */
static void leave_screens(const char *message)
{
    (void)message;
    background_give_up();
    terminal_stop();
}

static void run_loop(struct app *a)
{
    a->changed = true;
    while (!a->screen.quit && !terminal_signal()) {
        bool urgent;

        wait_for_events(a);
        take_answers(a);
        take_findings(a);
        take_proposal(a);
        take_past_runs(a);
        take_events(a);
        urgent = take_input(a);
        while (carry_out(a))
            a->changed = true;
        ask_reader(a);
        let_notice_go(a);
        keep_memo(a);
        serve_screen(a);
        if (urgent || (a->changed &&
                       clock_seconds() - a->drawn >= 1.0 / FRAMES))
            app_draw(a);
    }
}

/* Ends the run under way, and hears its last step, which the summary tells. */
static void hear_last_words(struct app *a)
{
    double until = clock_seconds() + farewell_seconds;
    struct pollfd fd = { link_fd(a->link), POLLIN, 0 };
    const struct event *e;

    if (!session_run(&a->session)->step)
        return;
    link_stop(a->link);
    while (session_run(&a->session)->end == RUN_OPEN &&
           link_state(a->link) != LINK_DEAD && clock_seconds() < until) {
        poll(&fd, 1, FAREWELL_MILLISECONDS);
        link_update(a->link);
        while (session_run(&a->session)->end == RUN_OPEN &&
               (e = link_next(a->link)))
            session_event(&a->session, e);
    }
}

/* Fills in the remembered folder, if it is a valid value. */
static void fill_in(struct app *a, struct settings *settings, bool remote)
{
    struct settings with = *settings;

    if (!remote)
        memo_load(a->memo, sizeof(a->memo));
    if (!settings_set(&with, "memo", "data_path", a->memo, NULL))
        a->memo[0] = '\0';
    else if (facts_of(settings).where && !settings->data_path[0])
        *settings = with;
}

/* A worker on this machine will tell the same timings. */
static void put_timings(struct session *s)
{
    struct timings *timings;
    struct error e = { .code = EXIT_OK };
    bool refused = !timings_load(&timings, backend_named(s->machine.backend),
                                 &e) && e.code == EXIT_INPUT;

    session_put_timings(s, timings, refused ? e.text : NULL);
}

static int run_screens(struct app *a, const struct choices *c,
                       const char *preset, const struct settings *settings,
                       struct error *e)
{
    char instead[256], root[RECORD_PATH_SIZE];
    int rows, cols;

    if (!archive_root(root, NULL, NULL))
        root[0] = '\0'; /* nowhere to keep runs, which the run says */
    snprintf(instead, sizeof(instead), "memdial train %s", preset);
    /* First, for they end the program if there can be no thread. */
    a->whatif = whatif_new();
    a->finder = errands_new(&finding_errand);
    a->proposer = errands_new(&proposal_errand);
    a->reader = *root ? reader_new(root) : NULL;
    if (!terminal_start(!c->no_mouse, instead, e)) {
        whatif_free(a->whatif);
        errands_free(a->finder);
        errands_free(a->proposer);
        reader_free(a->reader);
        return report_error(e);
    }
    error_last_words(leave_screens);
    link_begin(a->link, preset, settings);
    terminal_size(&rows, &cols);
    session_init(&a->session, preset, settings);
    a->session.remote = c->worker;
    strcpy(a->session.root, root);
    strcpy(a->session.usual_root, a->usual_root);
    if (!c->worker)
        put_timings(&a->session);
    strcpy(a->session.data_path, a->memo);
    screen_init(&a->screen, &a->session, rows, cols,
                c->ascii ? GLYPHS_ASCII : terminal_glyphs());
    a->screen.view.theme = theme_guess();
    view_load(&a->screen.view);
    if (c->theme)
        theme_find(c->theme, &a->screen.view.theme);
    session_say(&a->session, NOTICE_INFO,
                "←→ turn a dial, Enter explains a row, ? has all keys");
    a->questions = xcalloc((unsigned long)inquiry_most(),
                           sizeof(*a->questions));
    run_loop(a);
    terminal_stop();
    /* After a hang-up nobody reads this. */
    if (terminal_signal() != SIGHUP) {
        hear_last_words(a);
        leave_print(&a->session, a->exported);
    }
    whatif_free(a->whatif);
    errands_free(a->finder);
    errands_free(a->proposer);
    reader_free(a->reader);
    screen_done(&a->screen);
    session_done(&a->session);
    free(a->questions);
    return EXIT_OK;
}

static int run_plainly(struct link *link, const char *preset,
                       const struct settings *settings)
{
    link_begin(link, preset, settings);
    return plain_run(link) ? EXIT_OK : EXIT_RUN;
}

/* The signal that ended the program, or 0. */
static int ended_by(const struct app *a)
{
    return ending_signal()     ? ending_signal()
           : terminal_signal() ? terminal_signal()
           : a->screen.interrupted ? SIGINT : 0;
}

static bool check_theme(const char *name, struct error *e)
{
    const char *names[THEME_COUNT];
    enum theme theme;
    char known[128];

    if (!name || theme_find(name, &theme))
        return true;
    for (int i = 0; i < THEME_COUNT; i++)
        names[i] = theme_name((enum theme)i);
    text_list(known, sizeof(known), names, THEME_COUNT, ", ");
    return error_set(e, EXIT_INPUT, "--theme: '%s' is not one of %s", name,
                     known);
}

static bool check_worker(const char *command, struct error *e)
{
    return !command || command[strspn(command, " \t\n")] ||
           error_set(e, EXIT_INPUT, "--worker: the command is empty; name one, "
                     "or leave the option out");
}

/* The worker keeps runs where its environment says; so --runs is for one on
 * this machine. */
static bool choose_runs(struct app *a, const char *runs, struct error *e)
{
    char root[RECORD_PATH_SIZE];

    archive_root(a->usual_root, NULL, NULL);
    return !runs || (archive_root(root, runs, e) &&
                     (setenv("MEMDIAL_RUNS", *root ? root : ARCHIVE_NONE, 1) ==
                          0 || error_set(e, EXIT_RUN, "--runs: %s",
                                         strerror(errno))));
}

static int run_session(const struct request *request, const struct choices *c)
{
    struct app app = { 0 };
    struct settings settings;
    struct error e;
    int code;

    if (!check_theme(c->theme, &e) || !check_worker(c->worker, &e) ||
        !choose_runs(&app, c->runs, &e) ||
        !request_settings(request, &settings, &e))
        return report_error(&e);
    fill_in(&app, &settings, c->worker);
    app.link = link_new(c->worker);
    code = c->plain ? run_plainly(app.link, request->preset, &settings)
                    : run_screens(&app, c, request->preset, &settings, &e);
    link_free(app.link);
    /* Now that all is restored, the signal may end us. */
    if (ended_by(&app))
        raise(ended_by(&app));
    return code;
}

int app_run(int argc, char **argv)
{
    struct request request;
    struct choices choices = { 0 };
    static char no_mouse[] = "--no-mouse";
    int code;

    /* The only short option; htop has the same. */
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-M") == 0)
            argv[i] = no_mouse;
    if (request_parse(&request, argc, argv, options, usage, app_choose,
                      &choices, &code))
        code = run_session(&request, &choices);
    request_done(&request);
    return code;
}
