/*
 * Runs that are kept: the journal that lines are added to, the recorder that
 * writes a run's folder, and the record that is read from it.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/journal.h"
#include "events/archive.h"
#include "events/recorder.h"
#include "settings/preset.h"

static char folder[] = "/tmp/memdial-test-XXXXXX";
static char path[RECORD_PATH_SIZE];   /* of its events */
static struct settings settings;
static int warnings;                  /* that listeners were told */
static char told_folder[RECORD_PATH_SIZE];

static void make_folder(void)
{
    strcpy(folder, "/tmp/memdial-test-XXXXXX");
    cr_assert(mkdtemp(folder));
    record_path(folder, RECORD_EVENTS, path);
    settings_init(&settings);
    warnings = 0;
}

static void remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(runs, .init = make_folder, .fini = remove_folder);

/* The whole file; the caller frees. */
static char *content(void)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 1 << 24);

    cr_assert(f && text);
    cr_assert_lt(fread(text, 1, 1 << 24, f), (size_t)1 << 24);
    fclose(f);
    return text;
}

static void expect_content(const char *expected)
{
    char *text = content();

    cr_expect_str_eq(text, expected);
    free(text);
}

static int count_of(const char *text, const char *word)
{
    int n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

static void write_bytes(const char *text)
{
    FILE *f = fopen(path, "a");

    cr_assert(f);
    fputs(text, f);
    fclose(f);
}

/* Writes a line, with ' for ". */
static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...)
{
    char line[8192];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if (*c == '\'')
            *c = '"';
    strcat(line, "\n");
    write_bytes(line);
}

Test(runs, journal_adds_lines)
{
    struct journal *one, *other;
    struct error e;

    cr_assert(journal_open(&one, path, &e), "%s", e.text);
    cr_assert(journal_open(&other, path, &e), "%s", e.text);
    cr_expect(journal_add(one, "a", &e));
    cr_expect(journal_add(other, "b", &e));
    cr_expect(journal_add(one, "c", &e));
    expect_content("a\nb\nc\n");
    journal_close(one);
    journal_close(other);
}

Test(runs, journal_ends_half_a_line)
{
    struct journal *j;
    struct error e;

    write_bytes("whole\nhal");
    cr_assert(journal_open(&j, path, &e), "%s", e.text);
    expect_content("whole\nhal");
    cr_expect(journal_add(j, "next", &e));
    journal_close(j);
    expect_content("whole\nhal\nnext\n");
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A line that is half written when the disk is full goes on where it was. */
Test(runs, journal_waits_for_room)
{
    struct journal *j;
    struct error e;

    cr_assert(journal_open(&j, path, &e), "%s", e.text);
    limit_files(8);
    cr_expect(journal_add(j, "first", &e));
    cr_expect_not(journal_add(j, "second", &e));
    cr_expect(strstr(e.text, path), "%s", e.text);
    cr_expect_not(journal_add(j, "third", &e));
    expect_content("first\nse");
    limit_files(RLIM_INFINITY);
    cr_expect(journal_add(j, "fourth", &e));
    expect_content("first\nsecond\nthird\nfourth\n");
    journal_close(j);
}

/* Lines are lost whole when too many wait. */
Test(runs, journal_has_a_bound)
{
    enum { LINES = 3 * JOURNAL_WAITING_MAX / 1000 };
    char line[1000];
    struct journal *j;
    struct error e;
    char *text;

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    cr_assert(journal_open(&j, path, &e), "%s", e.text);
    limit_files(0);
    for (int i = 0; i < LINES; i++)
        cr_expect_not(journal_add(j, line, &e));
    limit_files(RLIM_INFINITY);
    cr_expect(journal_add(j, "end", &e), "%s", e.text);
    journal_close(j);
    text = content();
    cr_expect_eq(strlen(text) % 1000, 4);
    cr_expect_eq(strlen(text) / 1000, (size_t)JOURNAL_WAITING_MAX / 1000);
    free(text);
}

static void listen_to(void *arg, const struct event *e)
{
    (void)arg;
    warnings += e->type == EVENT_WARNING;
    if (e->type == EVENT_START)
        snprintf(told_folder, sizeof(told_folder), "%s",
                 e->start.folder ? e->start.folder : "");
}

static struct recorder *open_recorder(void)
{
    struct recorder *r;
    struct error e;

    cr_assert(recorder_open(&r, folder,
                            (struct event_sink){ listen_to, NULL }, &e),
              "%s", e.text);
    return r;
}

static void record(struct recorder *r, struct event e)
{
    struct event_sink sink = recorder_sink(r);

    sink.emit(sink.arg, &e);
}

static struct event start_event(int64_t step)
{
    return (struct event){ .type = EVENT_START,
                           .start = { "quick", &settings, { "cpu", 3, 0 }, step,
                                      1000, "sample", "accuracy" } };
}

static struct event step_event(int64_t step)
{
    return (struct event){ .type = EVENT_STEP,
                           .step = { step, 1000, (int)((step - 1) / 100) + 1,
                                     2.5, 0.25, 100, (double)step } };
}

static struct event memory_event(uint64_t bytes)
{
    return (struct event){ .type = EVENT_MEMORY,
                           .memory = { bytes, bytes, bytes, bytes, bytes } };
}

static struct event epoch_event(int epoch)
{
    return (struct event){ .type = EVENT_EPOCH,
                           .epoch = { epoch, 2, 0.25, 1.5, 0.01 * epoch, 100,
                                      0.25, 0.01 * epoch, NAN } };
}

static void record_run(struct recorder *r, int steps)
{
    record(r, start_event(0));
    record(r, memory_event(1000));
    for (int step = 1; step <= steps; step++) {
        record(r, step_event(step));
        if (step % 100 == 0)
            record(r, epoch_event(step / 100));
    }
}

/* A run that stops in its middle tells its last step, before it is saved. */
Test(runs, recorder_tells_the_last_step)
{
    struct recorder *r = open_recorder();
    char *text, *step, *saved;

    record_run(r, 38);
    record(r, (struct event){ .type = EVENT_SAVED, .saved = { 38, "x" } });
    record(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    text = content();
    step = strstr(text, "{\"type\":\"step\",\"step\":38,");
    saved = strstr(text, "{\"type\":\"saved\"");
    cr_assert(step && saved);
    cr_expect_lt(step, saved);
    cr_expect_eq(count_of(text, "\"type\":\"step\",\"step\":38,"), 1);
    free(text);
}

/* A thousand steps at once are a few lines, the first and the last of them. */
Test(runs, recorder_thins_steps)
{
    struct recorder *r = open_recorder();
    char *text;

    record_run(r, 1000);
    record(r, memory_event(1000));
    record(r, (struct event){ .type = EVENT_REFUSED,
                              .refused = { "set", "no" } });
    record(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    text = content();
    cr_expect_leq(count_of(text, "\"type\":\"step\""), 20);
    cr_expect_eq(count_of(text, "\"step\":1,"), 1);
    cr_expect_eq(count_of(text, "\"step\":1000,"), 1);
    cr_expect_eq(count_of(text, "\"type\":\"epoch\""), 10);
    cr_expect_eq(count_of(text, "\"type\":\"memory\""), 2);
    cr_expect_eq(count_of(text, "refused"), 0);
    cr_expect_eq(count_of(text, "\"folder\""), 0);
    cr_expect_str_eq(told_folder, folder);
    cr_expect_eq(warnings, 0);
    free(text);
}

/* The settings are those of the run, with nothing left to the machine. */
Test(runs, recorder_writes_settings_once)
{
    char yaml[RECORD_PATH_SIZE];
    struct preset preset;
    struct recorder *r;
    struct error e;

    settings.batch = 7;
    strcpy(settings.data_path, ".");
    r = open_recorder();
    record(r, start_event(0));
    settings.batch = 8;
    record(r, start_event(10));
    recorder_close(r);
    cr_assert(preset_load(&preset, record_path(folder, RECORD_SETTINGS, yaml),
                          &e), "%s", e.text);
    cr_expect_eq(preset.settings.batch, 7);
    cr_expect_eq(preset.settings.threads, 3);
    cr_expect_str_eq(preset.settings.backend, "cpu");
    cr_expect_eq(preset.settings.data_path[0], '/');
}

/* One warning, and the run goes on. */
Test(runs, recorder_warns_once)
{
    struct recorder *r = open_recorder();

    limit_files(0);
    record_run(r, 1000);
    cr_expect_eq(warnings, 1);
    limit_files(RLIM_INFINITY);
    record(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    cr_expect_eq(warnings, 1);
}

static struct record read_record(enum record_part part)
{
    struct record r;
    struct error e;

    cr_assert(record_read(&r, folder, part, &e), "%s", e.text);
    return r;
}

/* Whatever part is read, these are the same. */
static void expect_same(const struct record *a, const struct record *b)
{
    cr_expect_eq(a->state, b->state);
    cr_expect_eq(a->run.step, b->run.step);
    cr_expect_eq(a->run.steps, b->run.steps);
    cr_expect_eq(a->run.epoch, b->run.epoch);
    cr_expect_eq(a->run.planned, b->run.planned);
    cr_expect_eq(a->time, b->time);
    cr_expect_eq(a->bytes, b->bytes);
    cr_expect_eq(a->run.at[AXIS_SECONDS], b->run.at[AXIS_SECONDS]);
    if (run_trial(&a->run) && run_trial(&b->run))
        cr_expect_eq(run_trial(&a->run)->last_step_seconds,
                     run_trial(&b->run)->last_step_seconds);
    cr_expect(a->valid_score == b->valid_score ||
              (isnan(a->valid_score) && isnan(b->valid_score)),
              "%g %g", a->valid_score, b->valid_score);
    cr_expect_str_eq(a->run.preset, b->run.preset);
    cr_expect_str_eq(a->labels.name, b->labels.name);
    cr_expect_eq(a->labels.count, b->labels.count);
    cr_expect(settings_same(&a->began_with, &b->began_with));
}

static void expect_parts_agree(void)
{
    struct record ends = read_record(RECORD_ENDS);
    struct record epochs = read_record(RECORD_EPOCHS);
    struct record whole = read_record(RECORD_WHOLE);

    expect_same(&ends, &whole);
    expect_same(&epochs, &whole);
    cr_expect_eq(ends.bad + epochs.bad + whole.bad, 0);
    record_done(&ends);
    record_done(&epochs);
    record_done(&whole);
}

/* Steps as they are written, without the recorder that thins them. */
static void put_steps(int from, int to)
{
    for (int i = from; i <= to; i++)
        put("{'type':'step','step':%d,'steps':1000000,'epoch':%d,'loss':2.25,"
            "'accuracy':0.5,'samples_per_second':100.5,'seconds':%d.5}", i,
            1 + i / 1000, i);
}

static void put_label(const char *name, const char *tag)
{
    if (name)
        put("{'type':'label','name':'%s'}", name);
    if (tag)
        put("{'type':'label','tag':'%s'}", tag);
}

/* However far from the end the lines are that tell of the run. */
Test(runs, ends_tell_what_the_whole_does)
{
    struct recorder *r = open_recorder();

    record(r, start_event(0));
    recorder_close(r);
    expect_parts_agree();
    put("{'type':'memory','planned':5,'arena':6,'touched':6,'os':9}");
    put_steps(1, 10);
    expect_parts_agree();
    put_label("middle", "tag");
    put_steps(11, 3000);
    expect_parts_agree();
    put("{'type':'epoch','epoch':3,'train_loss':1,'train_accuracy':0.5,"
        "'valid_loss':1,'valid_accuracy':0.75,'seconds':9}");
    put_steps(3001, 6000);
    expect_parts_agree();

    r = open_recorder();
    record(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    expect_parts_agree();
    put_label("end", "other");
    expect_parts_agree();
}

/* The last time the run went on it was done already, and no step was trained.
 */
Test(runs, ends_tell_of_a_run_that_was_done)
{
    struct recorder *r = open_recorder();
    struct record ends;

    record_run(r, 1000);
    record(r, (struct event){ .type = EVENT_SAVED,
                              .saved = { 1000, recorder_snapshot(r) } });
    for (int i = 0; i < 8; i++) {
        record(r, memory_event(1000));
        record(r, (struct event){ .type = EVENT_DONE });
        record(r, start_event(1000));
        expect_parts_agree();
    }
    record(r, memory_event(1000));
    record(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    expect_parts_agree();
    ends = read_record(RECORD_ENDS);
    cr_expect_eq(ends.state, RECORD_DONE);
    cr_expect_eq(ends.run.step, 1000);
    cr_expect_eq(ends.run.epoch, 10);
    cr_expect_float_eq(ends.valid_score, 0.1, 1e-9);
    cr_expect_eq(ends.seconds, 1000);
    record_done(&ends);
}

/* A snapshot that was saved elsewhere, under whatever name, is not the one that
 * the run goes on from. */
Test(runs, another_snapshot_is_not_the_records)
{
    struct recorder *r = open_recorder();
    struct record whole;

    record_run(r, 10);
    record(r, (struct event){ .type = EVENT_SAVED,
                              .saved = { 5, recorder_snapshot(r) } });
    record(r, (struct event){ .type = EVENT_SAVED,
                              .saved = { 10, "x/" RECORD_SNAPSHOT } });
    record(r, (struct event){ .type = EVENT_SAVED,
                              .saved = { 10, "x/best.safetensors" } });
    recorder_close(r);
    whole = read_record(RECORD_WHOLE);
    cr_expect_eq(whole.saved_step, 5);
    record_done(&whole);
}

/* Curves have the steps that can be seen, the last among them, however many
 * there are. */
Test(runs, curves_have_a_bound)
{
    struct recorder *r = open_recorder();
    struct record whole, curves;
    const struct series *all, *some;

    record(r, start_event(0));
    recorder_close(r);
    put_steps(1, 3000);
    curves = read_record(RECORD_CURVES);
    cr_expect_eq(curves.run.curve[CURVE_LOSS].count, 3000);
    record_done(&curves);
    put_steps(3001, 30000);
    whole = read_record(RECORD_WHOLE);
    curves = read_record(RECORD_CURVES);
    expect_same(&curves, &whole);
    all = &whole.run.curve[CURVE_LOSS];
    some = &curves.run.curve[CURVE_LOSS];
    cr_expect_gt(some->count, 2000);
    cr_expect_lt(some->count, 8000);
    cr_expect_eq(series_last(some)->at[AXIS_UNITS],
                 series_last(all)->at[AXIS_UNITS]);
    record_done(&whole);
    record_done(&curves);
}

/* The process of a run says all labels again, where a reader looks first. */
Test(runs, labels_stand_before_the_end)
{
    struct recorder *r = open_recorder();
    struct record read;
    char *text, *label;

    record_run(r, 100);
    put_label("a name", "one");
    put_label(NULL, "two");
    put("{'type':'label','untag':'one'}");
    record(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    text = content();
    label = strstr(text, "\"untag\"");
    cr_assert(label);
    cr_expect_eq(count_of(label, "\"name\":\"a name\""), 1);
    cr_expect_eq(count_of(label, "\"tag\":\"two\""), 1);
    cr_expect_eq(count_of(label, "\"tag\":\"one\""), 0);
    free(text);
    read = read_record(RECORD_ENDS);
    cr_expect_str_eq(read.labels.name, "a name");
    cr_expect_eq(read.labels.count, 1);
    record_done(&read);
}

static void expect_state(enum record_state state, const char *of)
{
    struct record r = read_record(RECORD_ENDS);

    cr_expect_eq(r.state, state, "%s: %s", of, record_state_name(r.state));
    record_done(&r);
}

/* Replaces a text of the first line by another of the same length. */
static void change_head(const char *from, const char *to)
{
    char *text = content(), *at = strstr(text, from);

    cr_assert(at, "%s", from);
    cr_assert_eq(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    unlink(path);
    write_bytes(text);
    free(text);
}

/* Replaces the character that follows a text of the first line. */
static void change_character(const char *text)
{
    char *all = content(), *at = strstr(all, text);
    char from[64], to[64];

    cr_assert(at, "%s", text);
    snprintf(from, sizeof(from), "%.*s", (int)strlen(text) + 1, at);
    snprintf(to, sizeof(to), "%s%c", text,
             from[strlen(text)] == '1' ? '2' : '1');
    free(all);
    change_head(from, to);
}

Test(runs, states)
{
    struct recorder *r = open_recorder();
    char pid[32], gone[32];
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    expect_state(RECORD_EMPTY, "no line");
    record_run(r, 10);
    expect_state(RECORD_RUNNING, "this process");
    record(r, (struct event){ .type = EVENT_PAUSED, .stopped_at = 10 });
    expect_state(RECORD_PAUSED, "this process");
    record(r, (struct event){ .type = EVENT_DONE });
    expect_state(RECORD_STOPPED, "before the last step");
    record(r, start_event(10));
    expect_state(RECORD_RUNNING, "going on");
    record(r, (struct event){ .type = EVENT_ERROR, .message = "no device" });
    expect_state(RECORD_FAILED, "error");
    record(r, start_event(10));
    record(r, (struct event){ .type = EVENT_ERROR,
                              .message = "step 3: " EVENT_DIVERGED });
    expect_state(RECORD_DIVERGED, "divergence");
    record(r, start_event(10));
    record(r, step_event(1000));
    record(r, (struct event){ .type = EVENT_DONE });
    expect_state(RECORD_DONE, "at the last step");
    recorder_close(r);

    unlink(path);
    r = open_recorder();
    record_run(r, 10);
    recorder_close(r);
    /* A process that has ended, but that nobody has waited for. */
    snprintf(pid, sizeof(pid), "\"pid\":%d", getpid());
    snprintf(gone, sizeof(gone), "\"pid\":%d", child);
    if (strlen(pid) == strlen(gone)) {
        change_head(pid, gone);
        expect_state(RECORD_ABORTED, "a zombie");
    }
    waitpid(child, NULL, 0);
}

/* Processes that have the number of one that wrote a record. */
Test(runs, a_number_is_used_again)
{
    struct recorder *r = open_recorder();
    struct record read;

    record_run(r, 10);
    recorder_close(r);
    change_head("\"began\":", "\"been\": ");
    expect_state(RECORD_RUNNING, "it is not known when it began");
    change_head("\"been\": ", "\"began\":");
    change_character("\"began\":");
    expect_state(RECORD_ABORTED, "it began at another time");
    read = read_record(RECORD_ENDS);
    cr_expect_not(read.guessed);
    record_done(&read);
}

Test(runs, a_host_boots_again)
{
    struct recorder *r = open_recorder();

    record_run(r, 10);
    recorder_close(r);
    change_character("\"boot\":\"");
    expect_state(RECORD_ABORTED, "its host has booted since");
}

static void age(int seconds)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
                                 { .tv_sec = time(NULL) - seconds } };

    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

Test(runs, another_host_is_judged_by_age)
{
    struct recorder *r = open_recorder();
    struct record read;
    struct error e;

    record_run(r, 10);
    recorder_close(r);
    change_head("\"host\"", "\"hist\"");
    expect_state(RECORD_RUNNING, "no host is named");
    read = read_record(RECORD_ENDS);
    cr_expect(read.guessed);
    cr_expect_not(record_check_ended(&read, "removed", &e));
    record_done(&read);
    age(RECORD_SILENCE + 1);
    expect_state(RECORD_ABORTED, "its last line is old");
}

Test(runs, removing_leaves_files_of_others)
{
    struct record r;
    struct error e;
    char other[RECORD_PATH_SIZE];
    FILE *f;

    put("{'type':'wonder'}");
    f = fopen(record_path(folder, "note", other), "w");
    cr_assert(f);
    fclose(f);
    r = read_record(RECORD_ENDS);
    cr_expect_not(record_remove(&r, &e));
    cr_expect(strstr(e.text, "'note'"), "%s", e.text);
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_eq(unlink(other), 0);
    cr_expect(record_remove(&r, &e), "%s", e.text);
    cr_expect_neq(access(folder, F_OK), 0);
    record_done(&r);
    cr_expect_eq(mkdir(folder, 0700), 0); /* for the end of the test */
}

Test(runs, names_are_checked)
{
    static const char *const bad[] = { "", "a/b", "..", ".a", "-a", " a", "a ",
                                       "a\nb", "a\x1b[0m", "a\xff" };
    static const char *const good[] = { "a", "a b", "gr\xc3\xb6\xc3\x9f""er",
                                        "20261129-094512-quick-2" };
    struct error e;

    setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(archive_check_name("name", bad[i], &e), "%s", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(archive_check_name("name", good[i], &e), "%s", e.text);
}

/* Two processes that begin in the same second. */
Test(runs, new_names_are_new)
{
    char one[RECORD_PATH_SIZE], other[RECORD_PATH_SIZE];
    struct error e;

    for (int i = 0; i < 20; i++) {
        cr_assert(archive_make(folder, NULL, "some/pre\tset.yaml", one, &e),
                  "%s", e.text);
        cr_assert(archive_make(folder, NULL, "some/pre\tset.yaml", other, &e),
                  "%s", e.text);
        cr_expect_str_neq(one, other);
        cr_expect(strstr(one, "-pre-set"), "%s", one);
    }
    cr_assert(archive_make(folder, "given", "quick", one, &e), "%s", e.text);
    cr_expect_not(archive_make(folder, "given", "quick", one, &e));
    cr_expect_eq(e.code, EXIT_INPUT);
}
