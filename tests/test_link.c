/*
 * The link to a worker: the program's own worker, and shell commands that play
 * a worker that is slow, wrong, noisy, hung or dead.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "events/archive.h"
#include "events/record.h"
#include "ui/session/link.h"

/* Longer than any test takes, even under sanitizers on a busy machine. */
static const double patience = 60; /* seconds */

#define SAY(type, rest) "echo '{\"type\":\"" type "\"" rest "}';"
#define START_AT(step) SAY("start", ",\"schema\":1,\"preset\":\"p\"," \
                           "\"settings\":{},\"backend\":\"cpu\"," \
                           "\"processors\":1,\"step\":" step ",\"steps\":9")
#define START START_AT("0")
#define DONE SAY("done", "")

/* The events that were heard. */
struct heard {
    int count[EVENT_COUNT];
    char warning[600], saved[600];
};

static void note(struct heard *h, const struct event *event)
{
    h->count[event->type]++;
    if (event->type == EVENT_WARNING)
        snprintf(h->warning, sizeof(h->warning), "%s", event->message);
    if (event->type == EVENT_SAVED)
        snprintf(h->saved, sizeof(h->saved), "%s", event->saved.path);
}

static void listen(struct link *l, struct heard *h, int milliseconds)
{
    struct pollfd fd = { .fd = link_fd(l), .events = POLLIN };
    const struct event *event;

    poll(&fd, 1, milliseconds);
    link_update(l);
    while ((event = link_next(l)))
        note(h, event);
}

/* Listens until the condition holds. */
#define UNTIL(l, h, condition)                                             \
    do {                                                                   \
        double began = clock_seconds();                                    \
        while (!(condition) && clock_seconds() - began < patience)         \
            listen(l, h, 20);                                              \
        cr_assert(condition, "%s: state %s, '%s'", #condition,             \
                  link_state_name(link_state(l)), link_sentence(l));       \
    } while (0)

static struct settings small_settings(void)
{
    static const char *const small[] = {
        "depth=10", "width=1", "data=shapes", "batch=10", "epochs=1000",
        "epoch_samples=20", "valid_samples=10", "threads=2"
    };
    struct settings s;

    settings_init(&s);
    for (size_t i = 0; i < sizeof(small) / sizeof(*small); i++)
        cr_assert(settings_assign(&s, "test", small[i], NULL));
    return s;
}

static struct link *begin(const char *worker)
{
    struct settings s = small_settings();
    struct link *l = link_new(worker);

    cr_expect_eq(link_state(l), LINK_DEAD);
    cr_expect_str_eq(link_sentence(l), "");
    link_begin(l, "p", &s);
    return l;
}

static void expect_sentence(const struct link *l, const char *part)
{
    cr_expect(strstr(link_sentence(l), part), "'%s' is not in: %s", part,
              link_sentence(l));
}

/* A file that tests write to and read, in a folder of its own. */
static char folder[] = "/tmp/memdial-test-XXXXXX";
static char file[64], snapshot[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/file", folder);
    snprintf(snapshot, sizeof(snapshot), "%s/snapshot", folder);
    setenv("FILE", file, 1);
    setenv("XDG_STATE_HOME", folder, 1);
    setenv("MEMDIAL_RUNS", "none", 1);
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

static long read_number(void)
{
    FILE *f = fopen(file, "r");
    long number = 0;

    if (f) {
        if (fscanf(f, "%ld", &number) != 1)
            number = 0;
        fclose(f);
    }
    return number;
}

/* Whether the process has gone within the time. A zombie that nobody waits for
 * counts as gone. A process that has not is killed, so that a test that fails
 * leaves nothing. */
static bool has_gone(long pid)
{
    double began = clock_seconds();
    char path[64], state = 'R';

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    while (clock_seconds() - began < patience) {
        FILE *f = fopen(path, "r");

        if (!f || fscanf(f, "%*d %*s %c", &state) != 1 || state == 'Z') {
            if (f)
                fclose(f);
            return true;
        }
        fclose(f);
        usleep(10000);
    }
    kill((pid_t)pid, SIGKILL);
    return false;
}

#define OWN "echo $$ >$FILE; exec \"$MEMDIAL\" worker"

TestSuite(link, .init = make_folder, .fini = remove_folder, .timeout = 300);

Test(link, runs_a_worker)
{
    struct link *l = begin(OWN);
    struct heard h = { 0 };
    struct settings s = *link_settings(l);
    int64_t step;
    long pid;

    cr_expect_eq(link_state(l), LINK_STARTING);
    UNTIL(l, &h, h.count[EVENT_EPOCH] > 1);
    cr_expect_eq(link_state(l), LINK_RUNNING);
    cr_expect_eq(h.count[EVENT_START], 1);
    cr_expect_eq(memcmp(link_settings(l), &s, sizeof(s)), 0);

    s.precision = PRECISION_FP16;
    link_set(l, &s);
    cr_expect_eq(link_wanted(l)->precision, PRECISION_FP16);
    cr_expect_eq(link_settings(l)->precision, PRECISION_FP32, "is pending");
    s.microbatch = 5;
    link_set(l, &s);
    UNTIL(l, &h, h.count[EVENT_APPLIED]);
    UNTIL(l, &h, memcmp(link_settings(l), &s, sizeof(s)) == 0);

    s.microbatch = 11;
    link_set(l, &s);
    UNTIL(l, &h, h.count[EVENT_REFUSED]);
    cr_expect_eq(link_wanted(l)->microbatch, 5, "is as it was");

    link_pause(l, true);
    UNTIL(l, &h, link_state(l) == LINK_PAUSED);
    link_pause(l, false);
    UNTIL(l, &h, link_state(l) == LINK_RUNNING);
    UNTIL(l, &h, link_has_snapshot(l, &step));
    cr_expect_gt(step, 0);
    link_save(l, snapshot);
    pid = read_number();
    UNTIL(l, &h, h.count[EVENT_SAVED] > 1);
    cr_expect_str_eq(link_sentence(l), "");
    link_free(l);
    cr_expect(has_gone(pid));
}

Test(link, says_if_there_is_no_worker)
{
    struct link *l = begin("memdial-that-is-not-installed worker");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "status 127");
    expect_sentence(l, "not found");
    cr_expect_eq(link_fd(l), -1);
    cr_expect_eq(h.count[EVENT_WARNING], 1);
    link_free(l);
}

/* A run that cannot begin is refused, and the run under way goes on as if
 * nothing had been asked. */
Test(link, keeps_the_run_if_another_is_refused)
{
    struct link *l = begin("exec \"$MEMDIAL\" worker");
    struct settings before = small_settings(), other = before;
    struct heard h = { 0 };
    int steps;

    UNTIL(l, &h, h.count[EVENT_STEP] > 0);
    cr_assert(settings_assign(&other, "test", "data=cifar10", NULL));
    link_begin(l, "q", &other);
    cr_expect_eq(link_state(l), LINK_STARTING);
    UNTIL(l, &h, h.count[EVENT_REFUSED] == 1);
    cr_expect_eq(link_state(l), LINK_RUNNING);
    cr_expect_str_eq(link_sentence(l), "");
    cr_expect(settings_same(link_settings(l), &before));
    cr_expect(settings_same(link_wanted(l), &before));
    steps = h.count[EVENT_STEP];
    UNTIL(l, &h, h.count[EVENT_STEP] > steps);
    other = before;
    cr_assert(settings_assign(&other, "test", "precision=fp16", NULL));
    link_set(l, &other);
    UNTIL(l, &h, h.count[EVENT_APPLIED] == 1);
    cr_expect(settings_same(link_wanted(l), &other));
    cr_expect_eq(h.count[EVENT_START], 1);
    cr_expect_eq(h.count[EVENT_ERROR], 0);

    /* Changes made before, and while the answer is awaited, count. */
    link_begin(l, "q", &before);
    cr_assert(settings_assign(&other, "test", "data=cifar10", NULL));
    link_begin(l, "r", &other);
    UNTIL(l, &h, h.count[EVENT_REFUSED] == 2);
    cr_expect_eq(h.count[EVENT_START], 2);
    cr_expect_eq(link_state(l), LINK_RUNNING);
    cr_expect(settings_same(link_settings(l), &before),
              "the run that was asked for in between");
    link_pause(l, true);
    UNTIL(l, &h, link_state(l) == LINK_PAUSED);
    link_begin(l, "r", &other);
    UNTIL(l, &h, h.count[EVENT_REFUSED] == 3);
    cr_expect_eq(link_state(l), LINK_PAUSED);
    link_free(l);
}

/* Without a run to go on, a refusal is a failure. */
Test(link, fails_if_the_first_run_is_refused)
{
    struct settings s = small_settings();
    struct link *l = link_new("exec \"$MEMDIAL\" worker");
    struct heard h = { 0 };

    cr_assert(settings_assign(&s, "test", "data=cifar10", NULL));
    link_begin(l, "p", &s);
    UNTIL(l, &h, link_state(l) == LINK_FAILED);
    expect_sentence(l, "data_path: not set");
    link_begin(l, "p", &s);
    UNTIL(l, &h, h.count[EVENT_REFUSED] == 2);
    cr_expect_eq(link_state(l), LINK_FAILED);
    link_free(l);
}

static void go_on_from_a_snapshot(bool kept)
{
    struct link *l = begin(OWN);
    struct heard h = { 0 };
    struct settings s = *link_settings(l);
    int64_t step;

    UNTIL(l, &h, link_has_snapshot(l, &step));
    link_pause(l, true);
    UNTIL(l, &h, link_state(l) == LINK_PAUSED);
    cr_expect(link_has_snapshot(l, &step));
    s.precision = PRECISION_BF16; /* not in the snapshot */
    link_set(l, &s);
    UNTIL(l, &h, link_settings(l)->precision == PRECISION_BF16);
    kill((pid_t)read_number(), SIGKILL);
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "signal 9");

    cr_assert(link_has_snapshot(l, NULL));
    link_restart(l);
    cr_expect_eq(link_wanted(l)->precision, PRECISION_FP32);
    UNTIL(l, &h, link_state(l) == LINK_RUNNING);
    cr_expect_eq(h.count[EVENT_START], 2);
    cr_expect_eq(h.count[EVENT_ERROR], 0);
    cr_expect(link_has_snapshot(l, NULL), "it is as good as before");
    UNTIL(l, &h, h.count[EVENT_EPOCH] > 0);

    s = *link_wanted(l);
    s.width = 2;
    link_set(l, &s);
    UNTIL(l, &h, h.count[EVENT_REFUSED]);
    s.width = 1;
    link_begin(l, "p", &s);
    UNTIL(l, &h, h.count[EVENT_START] == 3);
    cr_expect_eq(access(h.saved, F_OK), 0);
    link_free(l);
    cr_expect_eq(access(h.saved, F_OK) == 0, kept, "%s", h.saved);
}

Test(link, goes_on_from_a_snapshot)
{
    go_on_from_a_snapshot(false);
}

/* The second worker goes on in the folder of the first, and its next run has
 * one of its own. */
Test(link, goes_on_in_the_folder_of_a_run)
{
    char root[RECORD_PATH_SIZE];
    struct archive a;
    struct error e;

    setenv("MEMDIAL_RUNS", record_path(folder, "runs", root), 1);
    go_on_from_a_snapshot(true);
    cr_assert(archive_read(&a, root, RECORD_EPOCHS, &e), "%s", e.text);
    cr_expect_eq(a.count, 2);
    for (int i = 0; i < a.count; i++) {
        cr_expect_neq(a.list[i].state, RECORD_RUNNING);
        cr_expect(a.list[i].has_snapshot || i == a.count - 1);
        cr_expect_eq(a.list[i].bad, 0);
    }
    archive_done(&a);
}

/* Four workers: the first keeps a run in /k and dies after step 5; the others
 * add the command that they get to the file. The second dies of it, the third
 * refuses it, and the fourth goes on. */
static const char begun_thrice[] =
    "if ! test -e $FILE; then >$FILE;"
    SAY("start", ",\"schema\":1,\"preset\":\"p\",\"settings\":{},"
        "\"backend\":\"cpu\",\"processors\":1,\"step\":0,\"steps\":9,"
        "\"folder\":\"/k\"")
    SAY("saved", ",\"step\":5,\"path\":\"/k/" RECORD_SNAPSHOT "\"")
    "exit 1; fi; read x; echo \"$x\" >>$FILE;"
    "case $(grep -c . $FILE) in 1) exit 1;; 2) "
    SAY("refused", ",\"command\":\"start\",\"message\":\"no\",\"sets\":0")
    ":;; *) "
    START_AT("5") ":;; esac; exec cat >>$FILE";

/* A start that fails takes nothing from the snapshot that it began with. */
Test(link, keeps_its_snapshot_until_a_run_begins)
{
    struct link *l = begin(begun_thrice);
    struct settings s = *link_settings(l);
    struct heard h = { 0 };
    int64_t step = 0;

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_assert(link_has_snapshot(l, NULL), "%s", h.warning);
    link_restart(l);
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_assert(link_has_snapshot(l, &step));
    cr_expect_eq(step, 5);
    link_restart(l);
    UNTIL(l, &h, link_state(l) == LINK_FAILED);
    cr_assert(link_has_snapshot(l, &step));
    link_restart(l);
    cr_expect_eq(system("i=0; while test $(grep -c resume $FILE) -lt 3 && "
                        "test $i -lt 600; do sleep 0.1; i=$((i + 1)); done;"
                        "test $(grep -c '\"resume\":\"/k\"' $FILE) = 3 &&"
                        "! grep load $FILE"), 0);
    link_begin(l, "q", &s);
    cr_expect_not(link_has_snapshot(l, NULL), "it is another run");
    link_free(l);
}

/* A past run that was to go on still does if the worker dies first. */
Test(link, goes_on_with_a_past_run_again)
{
    struct link *l = link_new("read x; echo \"$x\" >>$FILE; exit 1");
    struct settings s = small_settings();
    struct heard h = { 0 };
    int64_t step = 0;

    link_continue(l, "p", &s, "/k", 7);
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_assert(link_has_snapshot(l, &step));
    cr_expect_eq(step, 7);
    link_restart(l);
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_expect_eq(system("test $(grep -c '\"resume\":\"/k\"' $FILE) = 2"), 0);
    link_free(l);
}

/* A person who asks twice before the first answer wants the run to go on. */
Test(link, knows_what_pause_was_asked_for)
{
    struct link *l = begin(START "read x; read x; read y;"
                           SAY("paused", ",\"step\":1")
                           SAY("resumed", ",\"step\":1")
                           "echo \"$x$y\" >$FILE; exec cat >/dev/null");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_RUNNING);
    for (int i = 0; i < 2; i++) {
        link_pause(l, !link_pauses(l));
        cr_expect_eq(link_pauses(l), i == 0);
    }
    UNTIL(l, &h, h.count[EVENT_RESUMED]);
    cr_expect_not(link_pauses(l));
    cr_expect_eq(link_state(l), LINK_RUNNING);
    link_free(l);
}

Test(link, waits_for_all_answers)
{
    /* The worker answers the first of two commands only when it has both. */
    struct link *l = begin(
        "read x; " START " read x; read x;"
        SAY("applied", ",\"step\":1,\"settings\":{\"batch\":8},\"planned\":1,"
            "\"arena\":1,\"sets\":1")
        "read x;"
        SAY("applied", ",\"step\":2,\"settings\":{\"batch\":7},\"planned\":1,"
            "\"arena\":1,\"sets\":2")
        "cat >/dev/null");
    struct settings s = *link_settings(l);
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_RUNNING);
    s.batch = 8;
    link_set(l, &s);
    link_set(l, &s); /* which asks for nothing */
    s.batch = 7;
    link_set(l, &s);
    UNTIL(l, &h, h.count[EVENT_APPLIED] == 1);
    cr_expect_eq(link_settings(l)->batch, 8);
    cr_expect_eq(link_wanted(l)->batch, 7, "is still to come");
    link_pause(l, true);
    UNTIL(l, &h, h.count[EVENT_APPLIED] == 2);
    cr_expect_eq(link_wanted(l)->batch, 7);
    cr_expect_eq(link_settings(l)->batch, 7);
    link_free(l);
}

Test(link, takes_a_last_line_without_an_end)
{
    struct link *l = begin("read x; " START " printf '{\"type\":\"warning\","
                           "\"message\":\"last\"}'");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_expect_eq(h.count[EVENT_WARNING], 1);
    link_free(l);
    l = begin("read x; printf 'no such host'; exit 1");
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "no such host");
    link_free(l);
}

Test(link, puts_lines_together)
{
    struct link *l = begin(
        "printf '{\"type\":\"start\",\"sch'; sleep 0.1;"
        "printf 'ema\":1,\"preset\":\"p\",\"settings\":{},\"step\":0,\"back';"
        "sleep 0.1; printf 'end\":\"cpu\",\"processors\":1,\"steps\":9}\\n';"
        "printf '{\"type\":\"do'; sleep 0.1;"
        "printf 'ne\"}\\n{\"type\":\"error\",\"mess'");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_expect_eq(h.count[EVENT_START], 1);
    cr_expect_eq(h.count[EVENT_DONE], 1);
    cr_expect_eq(h.count[EVENT_ERROR], 0, "that one was cut off");
    cr_expect_eq(h.count[EVENT_WARNING], 1);
    expect_sentence(l, "the worker ended: {\"type\":\"error\",\"mess");
    link_free(l);
}

Test(link, warns_of_garbage_once)
{
    struct link *l = begin(
        "printf 'Welcome!\\n\\n\\033[2Jto gpubox\\n'; " START
        "echo oops; echo again;" DONE "echo Bus error; exit 3");
    struct heard h = { 0 };

    UNTIL(l, &h, h.count[EVENT_START]);
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_expect_eq(h.count[EVENT_WARNING], 3);
    cr_expect_eq(h.count[EVENT_DONE], 1);
    expect_sentence(l, "status 3: Bus error");
    link_free(l);
}

Test(link, ends_a_worker_that_says_nothing_but_garbage)
{
    struct link *l = begin("yes 'no event at all'");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "no event at all");
    cr_expect_eq(h.count[EVENT_WARNING], 1);
    link_free(l);
    l = begin("cat /dev/zero");
    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    cr_expect_eq(h.count[EVENT_WARNING], 2);
    cr_expect(strstr(h.warning, "without an end"), "%s", h.warning);
    link_free(l);
}

Test(link, refuses_another_schema)
{
    struct link *l = begin(
        "echo $$ >$FILE;"
        SAY("start", ",\"schema\":3,\"preset\":\"p\"") START "exec cat");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "schema 3");
    expect_sentence(l, "schema 1");
    cr_expect_eq(h.count[EVENT_START], 0);
    cr_expect(has_gone(read_number()));
    link_free(l);
}

Test(link, notices_silence)
{
    /* The worker hangs the first time only. */
    struct link *l = begin(
        "if test -e $FILE; then " START " exec cat >/dev/null; fi;"
        "echo $$ >$FILE;" START "sleep 1;"
        SAY("paused", ",\"step\":1") SAY("resumed", ",\"step\":1")
        "exec sleep 1000");
    struct heard h = { 0 };
    struct settings s;

    link_patience(l, 0.3);
    UNTIL(l, &h, h.count[EVENT_START] && link_silent(l));
    expect_sentence(l, "said nothing for");
    UNTIL(l, &h, !link_silent(l));
    cr_expect_str_eq(link_sentence(l), "");
    UNTIL(l, &h, link_silent(l));
    s = *link_settings(l);
    link_begin(l, "p", &s);
    cr_expect_not(link_silent(l));
    UNTIL(l, &h, h.count[EVENT_START] == 2);
    cr_expect(has_gone(read_number()));
    link_free(l);
}

/* A worker that never reads: the pipe is full soon, the link never waits. */
Test(link, does_not_wait_to_be_read)
{
    struct link *l = begin("exec sleep 1000");
    struct settings s = *link_settings(l);
    double began = clock_seconds();

    for (int i = 0; i < 3000; i++) {
        s.batch = 10 + i % 2;
        link_set(l, &s);
        link_pause(l, true);
        link_update(l);
    }
    cr_expect_eq(link_state(l), LINK_STARTING);
    cr_expect_lt(clock_seconds() - began, patience);
    link_free(l);
    cr_expect_lt(clock_seconds() - began, patience);
}

Test(link, ends_a_worker_that_never_reads)
{
    struct link *l = begin(START "exec sleep 1000");
    struct settings s = *link_settings(l);
    struct heard h = { 0 };

    UNTIL(l, &h, h.count[EVENT_START]);
    for (int i = 0; i < 100000 && link_state(l) != LINK_DEAD; i++) {
        s.lr = i % 2 ? 0.5 : 0.25;
        link_set(l, &s);
    }
    cr_expect_eq(link_state(l), LINK_DEAD);
    expect_sentence(l, "does not read its commands");
    link_free(l);
}

/* If no process or file may be had a worker cannot be started; later it can. */
Test(link, begins_again_after_it_could_not)
{
    struct rlimit before, none;
    struct settings s = small_settings();
    struct link *l = link_new(START "exec cat >/dev/null");
    struct heard h = { 0 };

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ 3, before.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    link_begin(l, "p", &s);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_eq(link_state(l), LINK_DEAD);
    expect_sentence(l, "no worker can be started: ");
    link_begin(l, "p", &s);
    UNTIL(l, &h, link_state(l) == LINK_RUNNING);
    cr_expect_str_eq(link_sentence(l), "");
    link_free(l);
}

/* The shell dies; the process that it started holds the pipe, as long as the
 * test runs. */
Test(link, leaves_nothing_of_a_worker)
{
    struct link *l = begin("while kill -0 $PPID; do sleep 1; done &"
                           "echo $! >$FILE;" START "kill -SEGV $$");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "signal 11");
    cr_expect(has_gone(read_number()));
    link_free(l);
}

/* A shell or ssh turns a signal into a status. */
Test(link, knows_a_signal_from_a_status)
{
    struct link *l = begin(START "sh -c 'kill -BUS $$'; exit $?");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "ended by signal");
    link_free(l);
}

/* The text that a login prints before its command runs is no garbage to warn
 * of. */
Test(link, tells_what_a_command_says_first)
{
    struct link *l = begin("echo Welcome; " START "exec cat >/dev/null");
    struct heard h = { 0 };

    UNTIL(l, &h, h.count[EVENT_START]);
    cr_expect_eq(h.count[EVENT_WARNING], 1);
    cr_expect_str_eq(h.warning, "the worker's command says: Welcome");
    link_free(l);
}

Test(link, ends_a_worker_that_closes_its_output)
{
    struct link *l = begin("echo $$ >$FILE;" START
                           "exec sleep 1000 >&- 2>&-");
    struct heard h = { 0 };

    UNTIL(l, &h, link_state(l) == LINK_DEAD);
    expect_sentence(l, "closed its output");
    cr_expect(has_gone(read_number()));
    link_free(l);
}

/* Starts the worker in another process, which ends in the middle of the run: by
 * the signal, or by itself if it is 0. */
static void expect_taken_along(const char *worker, int signal_number)
{
    pid_t front;
    long pid;

    unlink(file);
    front = fork();
    if (front == 0) {
        struct link *l = begin(worker);
        struct heard h = { 0 };

        signal(SIGSEGV, SIG_DFL);
        while (!h.count[EVENT_START])
            listen(l, &h, 20);
        if (signal_number == 0)
            _exit(0);
        raise(signal_number);
    }
    waitpid(front, NULL, 0);
    pid = read_number();
    cr_assert_gt(pid, 0);
    cr_expect(has_gone(pid), "%s, signal %d", worker, signal_number);
}

Test(link, takes_the_worker_along)
{
    static const int ends[] = { 0, SIGTERM, SIGKILL, SIGSEGV };

    for (int i = 0; i < 4; i++) {
        expect_taken_along(OWN, ends[i]);
        /* A worker that does not look at its input. */
        expect_taken_along("echo $$ >$FILE;" START "exec sleep 1000",
                           ends[i]);
    }
}
