#define _GNU_SOURCE

#include "cli/sweep_slurm.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/draft.h"
#include "base/ending.h"
#include "base/print.h"
#include "base/text.h"
#include "cli/sweep_script.h"
#include "cli/sweep_start.h"
#include "sweep/sweep_plan.h"

enum { ANSWER_MAX = 1 << 24 /* bytes */, WORD_SIZE = 64, REASON_SIZE = 128,
       GRACE = 3 /* looks at a task that is over, until its folder is taken at
                    its word: a shared disk may be late */ };

/* Seconds that a command of Slurm may take, and between two looks, at first and
 * at most. */
static const double answer_seconds = 120, first_pause = 1, longest_pause = 20;

/* A task as Slurm has it. */
struct task {
    long job;                    /* of its array; 0: Slurm does not know it */
    char state[WORD_SIZE];       /* "PENDING", ... */
    char reason[REASON_SIZE];    /* why it waits */
    bool live;                   /* it waits or runs */
};

struct watch {
    struct sweep *sweep;
    struct sweep_tell *tell;
    int most;                    /* the largest number of a run */
    struct task *tasks;          /* owned, [most + 1] */
    int *looks;                  /* owned, [most + 1]; since a task is over */
    bool *told;                  /* owned, [most + 1]: it was told to run */
    char pending[1024];          /* the reasons that were told */
    bool deaf;                   /* squeue did not answer; told */
};

bool sweep_slurm_check(const char *options, struct error *e)
{
    return !text_has_control(options) ||
           error_set(e, EXIT_INPUT, "--slurm: options of sbatch on one line, "
                     "without control characters");
}

bool sweep_slurm_show(struct sweep *s, const char *options, int jobs,
                      struct error *e)
{
    char *text;

    if (sweep_count(s, SWEEP_WAITS) == 0) {
        print("no run is left to submit\n");
        return true;
    }
    sweep_script_number(s);
    text = sweep_script_text(s, options, jobs, e);
    if (!text)
        return false;
    print("\n");
    print_bytes(text, strlen(text));
    free(text);
    return true;
}

/* A pause that a signal ends. */
static void wait_for(double seconds, int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    struct timespec pause = { (time_t)seconds,
                              (long)(1e9 * (seconds - (time_t)seconds)) };

    ppoll(&poll_fd, 1, &pause, ending_let_in());
}

/* Reads all that a child says; the caller frees. NULL: it took too long, or a
 * signal came. */
static char *hear_answer(struct child *c)
{
    double deadline = clock_seconds() + answer_seconds;
    size_t used = 0, room = 4096;
    char *text = xcalloc(room, 1);
    ssize_t n = -1;

    while (n != 0 && clock_seconds() < deadline && !ending_signal() &&
           used < ANSWER_MAX) {
        wait_for(0.25, c->from);
        n = TEMP_FAILURE_RETRY(read(c->from, text + used, room - used - 1));
        used += n > 0 ? (size_t)n : 0;
        if (used + 1 == room)
            text = xrealloc(text, room *= 2, 1);
    }
    text[used] = '\0';
    if (n == 0)
        return text;
    free(text);
    return NULL;
}

/* How a command of Slurm has failed: its last complaint, or its end if it had
 * none. */
static void explain_silence(const struct child *c, const char *answer,
                            char why[REASON_SIZE])
{
    text_clean_last(why, REASON_SIZE, answer);
    if (*why)
        return;
    if (!c->ended)
        snprintf(why, REASON_SIZE, "it does not end");
    else if (c->signal)
        snprintf(why, REASON_SIZE, "ended by signal %d (%s)", c->signal,
                 strsignal(c->signal));
    else
        snprintf(why, REASON_SIZE, "ended with status %d", c->status);
}

/* Runs a command of Slurm. False with the cause in `why`; else *answer is the
 * text that it wrote, which the caller frees. */
static bool ask_slurm(const char *const *words, char **answer,
                      char why[REASON_SIZE])
{
    struct child c;
    bool ok;

    child_init(&c);
    *answer = NULL;
    snprintf(why, REASON_SIZE, "no answer");
    if (!child_start(&c, words))
        return false;
    *answer = hear_answer(&c);
    ok = *answer && child_reap(&c, 1) && c.status == 0 && c.signal == 0;
    if (*answer && !ok) {
        explain_silence(&c, *answer, why);
        free(*answer);
        *answer = NULL;
    }
    child_done(&c);
    return ok;
}

static bool is_live(const char *state)
{
    static const char *const over[] = { "COMPLETED", "FAILED", "CANCELLED",
                                        "TIMEOUT", "OUT_OF_MEMORY",
                                        "NODE_FAIL", "BOOT_FAIL", "DEADLINE",
                                        "PREEMPTED", "REVOKED" };

    for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++)
        if (strcmp(state, over[i]) == 0)
            return false;
    return true;
}

/* Takes a line "JOB|NUMBER|STATE|REASON|FOLDER". Of several jobs of a run one
 * that lives counts, and else the last. */
static void take_task(struct watch *w, char *line)
{
    char *job = strsep(&line, "|"), *number = strsep(&line, "|");
    char *state = strsep(&line, "|"), *reason = strsep(&line, "|");
    struct task task = { .job = strtol(job, NULL, 10) }, *known;
    long at = number ? strtol(number, NULL, 10) : 0;

    if (!line || strcmp(line, w->sweep->folder) != 0 || at < 1 || at > w->most)
        return;
    snprintf(task.state, sizeof(task.state), "%s", state);
    text_clean(task.reason, sizeof(task.reason), reason, strlen(reason));
    task.live = is_live(state);
    known = &w->tasks[at];
    if (known->job == 0 || (task.live && !known->live) ||
        (task.live == known->live && task.job > known->job))
        *known = task;
}

/* Whether a line begins as take_task() reads it. A job that is no array has the
 * number "N/A". */
static bool is_of_task(const char *line)
{
    static const char digits[] = "0123456789";
    size_t job = strspn(line, digits);
    const char *number = line + job + 1, *state;
    size_t length = job && line[job] == '|' ? strspn(number, digits) : 0;

    if (job && line[job] == '|' && strncmp(number, "N/A|", 4) == 0)
        length = 3;
    if (length == 0 || number[length] != '|')
        return false;
    state = number + length + 1;
    length = strspn(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    return length > 0 && state[length] == '|' &&
           state[length + 1 + strcspn(state + length + 1, "|\n")] == '|';
}

/* Whether all lines are of tasks, the last one to its end. A line that is not
 * could have been one of a task that lives. */
static bool check_queue(const char *answer, char why[REASON_SIZE])
{
    char shown[REASON_SIZE / 2];

    for (const char *line = answer, *end; *line; line = end + 1) {
        end = line + strcspn(line, "\n");
        if (*end && is_of_task(line))
            continue;
        text_clean(shown, sizeof(shown), line, (size_t)(end - line));
        snprintf(why, REASON_SIZE, "'%s' is not the line of a job", shown);
        return false;
    }
    return true;
}

/* Asks Slurm for this user's tasks. */
static bool ask_for_queue(char **answer, char why[REASON_SIZE])
{
    static const char *const words[] = { "squeue", "--noheader", "--array",
                                         "--me", "--states=all",
                                         "--format=%F|%K|%T|%r|%Z", NULL };

    return ask_slurm(words, answer, why);
}

static bool look_at_queue(struct watch *w, char why[REASON_SIZE])
{
    char *answer, *rest;
    bool ok;

    if (!ask_for_queue(&answer, why))
        return false;
    ok = check_queue(answer, why);
    if (ok)
        memset(w->tasks, 0, ((size_t)w->most + 1) * sizeof(*w->tasks));
    rest = ok ? answer : NULL;
    while (rest)
        take_task(w, strsep(&rest, "\n"));
    free(answer);
    return ok;
}

static struct task *task_of(const struct watch *w, const struct sweep_run *run)
{
    return &w->tasks[run->task];
}

/* Runs that have a task already are under way, whatever their folders say. */
static int adopt_tasks(struct watch *w)
{
    int count = 0;

    for (int i = 0; i < w->sweep->count; i++) {
        struct sweep_run *run = &w->sweep->runs[i];
        if (run->state == SWEEP_REFUSED || !task_of(w, run)->live)
            continue;
        run->state = SWEEP_RUNS;
        xreplace(&run->why, NULL);
        count++;
    }
    return count;
}

static bool refuse_submission(const struct sweep *s, const char *why,
                              struct error *e)
{
    char path[RECORD_PATH_SIZE];

    return error_set(e, EXIT_RUN, "--slurm: sbatch: %s; the script is %s: "
                     "--slurm=OPTIONS changes what it asks for, and where "
                     "Slurm is, sbatch takes it as it is", why,
                     sweep_script_path(s, path));
}

/* The number of a job that was submitted: the last line that begins with one.
 * 0: none does, or no number is as large. */
static long number_of_job(const char *answer)
{
    long number = 0;

    for (; answer; answer = strchr(answer, '\n')) {
        answer += *answer == '\n';
        if (isdigit((unsigned char)*answer))
            number = strtol(answer, NULL, 10);
    }
    return number <= UINT32_MAX ? number : 0;
}

static bool write_script(const struct sweep *s, const char *options, int jobs,
                         struct error *e)
{
    char path[RECORD_PATH_SIZE], *text;
    bool ok;

    text = sweep_script_text(s, options, jobs, e);
    ok = text && draft_put(sweep_script_path(s, path), text, DRAFT_REPLACE, e);
    free(text);
    return ok;
}

static void tell_submitted(const struct watch *w, const struct sweep_class *c,
                           long number)
{
    char text[128];

    snprintf(text, sizeof(text),
             "submitted %d run%s as job %ld, each with %llu MiB", c->count,
             c->count == 1 ? "" : "s", number,
             (unsigned long long)c->mebibytes);
    sweep_tell_line(w->tell, "submitted", text);
}

/* Options of the command win over those of the script. */
static bool submit_class(struct watch *w, const struct sweep_class *c,
                         bool alone, struct error *e)
{
    char path[RECORD_PATH_SIZE], why[REASON_SIZE], memory[64], *answer;
    struct buffer array = { NULL, 0, 0 };
    const char *words[] = { "sbatch", "--parsable", NULL, NULL, NULL, NULL };
    int n = 2;
    long number;
    bool ok;

    buffer_print(&array, "--array=%s", c->tasks);
    snprintf(memory, sizeof(memory), "--mem=%lluM",
             (unsigned long long)c->mebibytes);
    if (!alone) {
        words[n++] = array.bytes;
        words[n++] = memory;
    }
    words[n] = sweep_script_path(w->sweep, path);
    ok = ask_slurm(words, &answer, why);
    buffer_done(&array);
    if (!ok)
        return refuse_submission(w->sweep, why, e);
    number = number_of_job(answer);
    free(answer);
    if (number == 0)
        return refuse_submission(w->sweep, "it names no job", e);
    tell_submitted(w, c, number);
    return true;
}

/* A person's word on memory, or on how many run at a time, is one for all. */
static int classes_most(const char *options, int jobs)
{
    return jobs || strstr(options, "--mem") ? 1 : SWEEP_CLASSES;
}

static void note_submitted(struct sweep *s)
{
    for (int i = 0; i < s->count; i++)
        if (s->runs[i].state == SWEEP_WAITS)
            s->runs[i].state = SWEEP_RUNS;
}

/* Measures the gap where no run that is kept tells it. */
static void measure_gap(struct watch *w)
{
    int measured;

    sweep_gap(w->sweep, &measured);
    if (measured > 0)
        return;
    sweep_tell_line(w->tell, "measuring", "a run is begun to see what its "
                    "process takes beside its arena");
    sweep_start_measure(w->sweep);
}

static bool submit_runs(struct watch *w, const char *options, int jobs,
                        struct error *e)
{
    struct sweep_class classes[SWEEP_CLASSES];
    bool ok = true;
    int count;

    if (sweep_count(w->sweep, SWEEP_WAITS) == 0)
        return true;
    measure_gap(w);
    if (!write_script(w->sweep, options, jobs, e))
        return false;
    count = sweep_script_classes(w->sweep, classes,
                                 classes_most(options, jobs));
    for (int i = 0; i < count; i++) {
        ok = ok && submit_class(w, &classes[i], count == 1, e);
        free(classes[i].tasks);
    }
    if (ok)
        note_submitted(w->sweep);
    return ok;
}

/* Whether what a task wrote last is of memory that ran out. */
static bool tells_of_memory(const char *words)
{
    return strcasestr(words, "memory") || strcasestr(words, "oom");
}

/* A task that is over without a word of the run in its folder. */
static void explain_task(const struct watch *w, struct sweep_run *run)
{
    const struct task *t = task_of(w, run);
    char words[SCRIPT_LINE_SIZE], why[SCRIPT_LINE_SIZE + 3 * WORD_SIZE];
    bool fault = strcmp(t->state, "FAILED") == 0 ||
                 strcmp(t->state, "OUT_OF_MEMORY") == 0 ||
                 strcmp(t->state, "BOOT_FAIL") == 0;

    sweep_script_last_words(w->sweep, run, words);
    snprintf(why, sizeof(why), "its job ended without a word; Slurm %s%s%s%s",
             t->job ? "says " : "does not know it any more",
             t->job ? t->state : "", *words ? ": " : "", words);
    if (fault || tells_of_memory(words))
        sweep_note_failure(w->sweep, run, why);
    else
        sweep_fail(run, SWEEP_STOPPED, why);
}

/* Reads how a run has ended whose task is over. */
static void settle_task(struct watch *w, struct sweep_run *run)
{
    int looks = ++w->looks[run->task];

    sweep_look_at(w->sweep, run);
    if (run->state != SWEEP_DONE && run->state != SWEEP_FAILED) {
        if (looks < GRACE) {
            run->state = SWEEP_RUNS;
            return;
        }
        explain_task(w, run);
    }
    sweep_tell_run(w->tell, run, NULL);
}

static void follow_task(struct watch *w, struct sweep_run *run)
{
    const struct task *t = task_of(w, run);
    bool runs = strcmp(t->state, "RUNNING") == 0, begun = run->step > 0;

    w->looks[run->task] = 0;
    if (runs)
        sweep_follow(w->sweep, run);
    if (runs && !w->told[run->task])
        sweep_tell_run(w->tell, run, begun ? "goes on in its job"
                                           : "begins in its job");
    w->told[run->task] = runs;
}

/* Says why tasks wait, once for each reason: some wait for ever. */
static void tell_pending(struct watch *w)
{
    char text[REASON_SIZE + 64];

    for (int i = 0; i < w->sweep->count; i++) {
        const struct task *t = task_of(w, &w->sweep->runs[i]);
        size_t used = strlen(w->pending);
        if (!t->live || strcmp(t->state, "PENDING") != 0 ||
            strcmp(t->reason, "None") == 0 || strstr(w->pending, t->reason) ||
            used + strlen(t->reason) + 2 > sizeof(w->pending))
            continue;
        strcat(strcat(w->pending, "|"), t->reason);
        snprintf(text, sizeof(text), "jobs wait in the queue: %s", t->reason);
        sweep_tell_line(w->tell, "pending", text);
    }
}

/* Looks once; returns the sum of what could change. */
static int64_t look_once(struct watch *w)
{
    struct sweep *s = w->sweep;
    char why[REASON_SIZE], text[REASON_SIZE + 64];
    int64_t sum = 0;

    if (!look_at_queue(w, why)) {
        snprintf(text, sizeof(text), "squeue: %s; it is asked again", why);
        if (!w->deaf && !ending_signal())
            sweep_tell_line(w->tell, "warning", text);
        w->deaf = true;
        return -1;
    }
    w->deaf = false;
    for (int i = 0; i < s->count; i++) {
        if (s->runs[i].state != SWEEP_RUNS)
            continue;
        if (task_of(w, &s->runs[i])->live)
            follow_task(w, &s->runs[i]);
        else
            settle_task(w, &s->runs[i]);
        sum += s->runs[i].step + s->runs[i].state + w->looks[s->runs[i].task];
    }
    tell_pending(w);
    sweep_tell_progress(w->tell);
    return sum;
}

/* Watches until no run has a job, or a signal comes. Where nothing changes it
 * looks less often. */
static void watch_jobs(struct watch *w)
{
    double pause = first_pause;
    int64_t before = -2, now;

    while (sweep_count(w->sweep, SWEEP_RUNS) > 0 && !ending_signal()) {
        now = look_once(w);
        pause = now != before ? first_pause : 1.5 * pause;
        if (pause > longest_pause)
            pause = longest_pause;
        before = now;
        if (sweep_count(w->sweep, SWEEP_RUNS) > 0)
            wait_for(pause, -1);
    }
}

static bool refuse_without_queue(const char *why, struct error *e)
{
    return error_set(e, EXIT_RUN, "--slurm: squeue: %s; Slurm's commands are "
                     "needed, and its controller has to answer; --dry-run "
                     "prints the script without them, and without --slurm the "
                     "runs are processes here", why);
}

/* Whether a task waits for the settings that a run's folder has, and these are
 * not the sweep's. */
static bool check_waiting(const struct watch *w, struct error *e)
{
    for (int i = 0; i < w->sweep->count; i++) {
        const struct sweep_run *run = &w->sweep->runs[i];
        const struct task *t = task_of(w, run);
        char folder[RECORD_PATH_SIZE];
        if (!run->differs || !t->live)
            continue;
        return error_set(e, EXIT_INPUT, "%s: job %ld of Slurm waits to train "
                         "it with other settings; give the sweep another "
                         "--name, or end that job: scancel %ld",
                         sweep_run_folder(w->sweep, run, folder), t->job,
                         t->job);
    }
    return true;
}

/* Leaves runs with a live task to Slurm. */
static void leave_tasks(const struct watch *w)
{
    for (int i = 0; i < w->sweep->count; i++) {
        struct sweep_run *run = &w->sweep->runs[i];
        const struct task *t = task_of(w, run);
        char why[96];
        if (run->state != SWEEP_WAITS || !t->live)
            continue;
        snprintf(why, sizeof(why), "job %ld of Slurm has it", t->job);
        sweep_fail(run, SWEEP_ELSEWHERE, why);
    }
}

bool sweep_slurm_look(struct sweep *s, bool submits, struct error *e)
{
    struct watch w = { .sweep = s, .most = sweep_script_read(s) };
    char why[REASON_SIZE];
    bool ok = true;

    if (!submits && w.most == 0)
        return true;
    if (submits)
        ending_hold();
    w.tasks = xcalloc((unsigned long)w.most + 1, sizeof(*w.tasks));
    if (look_at_queue(&w, why))
        ok = check_waiting(&w, e);
    else if (submits)
        ok = refuse_without_queue(why, e);
    else
        print_error("memdial: warning: squeue: %s; jobs of an earlier command "
                    "may wait to train these runs\n", why);
    if (ok && !submits)
        leave_tasks(&w);
    free(w.tasks);
    return ok;
}

static bool find_tasks(struct watch *w, struct error *e)
{
    char why[REASON_SIZE], text[96];
    int count;

    if (!look_at_queue(w, why))
        return refuse_without_queue(why, e);
    count = adopt_tasks(w);
    snprintf(text, sizeof(text), "%d run%s in the queue already", count,
             count == 1 ? " is" : "s are");
    if (count > 0)
        sweep_tell_line(w->tell, "adopted", text);
    return true;
}

static bool submit_and_watch(struct watch *w, const char *options, int jobs,
                             struct error *e)
{
    if (!find_tasks(w, e) || !submit_runs(w, options, jobs, e))
        return false;
    watch_jobs(w);
    if (sweep_count(w->sweep, SWEEP_RUNS) > 0)
        sweep_tell_line(w->tell, "left",
                        "the jobs go on without being watched; scancel ends "
                        "them");
    return true;
}

bool sweep_slurm_run(struct sweep *s, struct sweep_tell *tell,
                     const char *options, int jobs, bool *whole,
                     struct error *e)
{
    struct watch w = { .sweep = s, .tell = tell,
                       .most = sweep_script_number(s) };
    unsigned long size = (unsigned long)w.most + 1;
    bool ok;

    w.tasks = xcalloc(size, sizeof(*w.tasks));
    w.looks = xcalloc(size, sizeof(*w.looks));
    w.told = xcalloc(size, sizeof(*w.told));
    ending_hold();
    ok = submit_and_watch(&w, options, jobs, e);
    *whole = !ending_signal();
    free(w.tasks);
    free(w.looks);
    free(w.told);
    return ok;
}
