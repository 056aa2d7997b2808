#include "cli/sweep_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/quote.h"
#include "base/text.h"
#include "sweep/sweep_plan.h"

enum { SCRIPT_MAX = 1 << 24 /* bytes */, MEBIBYTE = 1 << 20 };

/* Bytes of a process beside its arena where none could be measured, for data;
 * with a device, for its libraries; and a margin. */
static const uint64_t gap_guessed = 512 * MEBIBYTE,
                      gap_of_device = 4096ull * MEBIBYTE,
                      gap_slack = 32 * MEBIBYTE;

/* A run that was begun for a moment has neither validated nor written a
 * snapshot: the share that this may add. */
static const double start_margin = 0.25;

const char *sweep_script_path(const struct sweep *s,
                              char path[RECORD_PATH_SIZE])
{
    return record_path(s->folder, ARCHIVE_SCRIPT, path);
}

static struct sweep_run *run_named(struct sweep *s, const char *name,
                                   size_t length)
{
    for (int i = 0; i < s->count; i++)
        if (strlen(s->runs[i].name) == length &&
            memcmp(s->runs[i].name, name, length) == 0)
            return &s->runs[i];
    return NULL;
}

/* Remembers the number of a run that this command does not have: its task may
 * wait in the queue. */
static void add_other(struct sweep *s, const char *name, size_t length,
                      int task)
{
    struct sweep_task other = { .task = task };

    if (length >= sizeof(other.name))
        return;
    memcpy(other.name, name, length);
    s->others = xgrow(s->others, s->other_count, sizeof(*s->others));
    s->others[s->other_count++] = other;
}

/* Takes the number of a line "7) run='NAME' ;;"; returns it, or 0. */
static int take_run_number(struct sweep *s, const char *line)
{
    static const char middle[] = ") run='";
    struct sweep_run *run;
    char *end;
    long number = strtol(line, &end, 10);
    size_t length;

    if (end == line || number < 1 || number > 1 << 20 ||
        strncmp(end, middle, sizeof(middle) - 1) != 0)
        return 0;
    end += sizeof(middle) - 1;
    length = strcspn(end, "'\n");
    run = run_named(s, end, length);
    if (run)
        run->task = (int)number;
    else
        add_other(s, end, length, (int)number);
    return (int)number;
}

int sweep_script_read(struct sweep *s)
{
    char path[RECORD_PATH_SIZE];
    size_t bytes;
    char *text = file_read(sweep_script_path(s, path), SCRIPT_MAX, &bytes,
                           NULL);
    int most = 0;

    s->other_count = 0;
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        int number = take_run_number(s, line);
        most = number > most ? number : most;
    }
    free(text);
    return most;
}

int sweep_script_number(struct sweep *s)
{
    int most = sweep_script_read(s);

    for (int i = 0; i < s->count; i++)
        if (s->runs[i].task == 0 && s->runs[i].state != SWEEP_REFUSED)
            s->runs[i].task = ++most;
    return most;
}

/* In double quotes, as sbatch takes it. */
static void quote_sbatch(struct buffer *b, const char *text)
{
    buffer_text(b, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buffer_text(b, "\\");
        buffer_add(b, text, 1);
    }
    buffer_text(b, "\"");
}

/* Arena bytes, from `least` up to but not `end`. */
struct range_of_bytes {
    uint64_t least, end;
};

static const struct range_of_bytes any_bytes = { 0, UINT64_MAX };

/* Bytes of the host that a run's arena takes. */
static uint64_t host_bytes(const struct sweep_run *run)
{
    return run->backend == &cpu_backend ? run->arena_bytes : 0;
}

static bool is_asked(const struct sweep_run *run, struct range_of_bytes r)
{
    return run->state == SWEEP_WAITS && host_bytes(run) >= r.least &&
           host_bytes(run) < r.end;
}

/* Prints the numbers of the tasks, "1-3,7"; returns how many they are. */
static int print_tasks(struct buffer *b, const struct sweep *s, int most,
                       struct range_of_bytes range)
{
    bool *asked = xcalloc((unsigned long)most + 2, sizeof(*asked));
    const char *comma = "";
    int count = 0;

    for (int i = 0; i < s->count; i++)
        if (is_asked(&s->runs[i], range)) {
            asked[s->runs[i].task] = true;
            count++;
        }
    for (int i = 1, end; i <= most; i = end + 1) {
        for (end = i; asked[i] && asked[end + 1];)
            end++;
        if (!asked[i])
            continue;
        buffer_print(b, end > i ? "%s%d-%d" : "%s%d", comma, i, end);
        comma = ",";
    }
    free(asked);
    return count;
}

/* What a task asks for: the most that any needs. */
struct needs {
    uint64_t arena, gap;         /* bytes of the host */
    int measured;                /* runs that the gap was measured in; 0: in
                                    none that is kept */
    int threads;
    bool device;
};

static struct needs find_needs(const struct sweep *s,
                               struct range_of_bytes range)
{
    struct needs n = { .threads = 1 };

    n.gap = sweep_gap(s, &n.measured);
    if (n.measured == 0)
        n.gap = s->start_gap ? s->start_gap +
                                   (uint64_t)(start_margin *
                                              (double)s->start_gap)
                             : gap_guessed;
    for (int i = 0; i < s->count; i++) {
        const struct sweep_run *run = &s->runs[i];
        bool device = run->backend && run->backend != &cpu_backend;

        if (!is_asked(run, range))
            continue;
        n.device |= device;
        if (host_bytes(run) > n.arena)
            n.arena = host_bytes(run);
        if (run->settled.threads > n.threads)
            n.threads = run->settled.threads;
    }
    if (n.device && n.gap < gap_of_device)
        n.gap = gap_of_device;
    return n;
}

static uint64_t mebibytes_of(const struct needs *n)
{
    return (n->arena + n->gap + gap_slack + MEBIBYTE - 1) / MEBIBYTE;
}

static void print_needs(struct buffer *b, const struct sweep *s)
{
    struct needs n = find_needs(s, any_bytes);

    buffer_print(b, "# The plan of the largest is %.1f MiB; beside it a "
                 "process takes %.1f MiB, ",
                 (double)n.arena / MEBIBYTE, (double)n.gap / MEBIBYTE);
    if (n.device)
        buffer_text(b, "a guess with a device");
    else if (n.measured)
        buffer_print(b, "measured in %d run%s", n.measured,
                     n.measured == 1 ? "" : "s");
    else if (s->start_gap)
        buffer_print(b, "measured in a run that was begun for it, and %.0f%%",
                     100 * start_margin);
    else
        buffer_text(b, "a guess, for no run on such data was kept here");
    buffer_print(b, ";\n# %.0f MiB more are for chance.\n",
                 (double)gap_slack / MEBIBYTE);
    buffer_print(b, "#SBATCH --mem=%lluM\n",
                 (unsigned long long)mebibytes_of(&n));
    buffer_print(b, "#SBATCH --cpus-per-task=%d\n", n.threads);
    if (n.device)
        buffer_text(b, "#SBATCH --gres=gpu:1\n");
}

static void print_directives(struct buffer *b, const struct sweep *s,
                             const char *options, int jobs, int most)
{
    buffer_text(b, "#SBATCH --job-name=");
    quote_sbatch(b, s->name);
    buffer_text(b, "\n#SBATCH --chdir=");
    quote_sbatch(b, s->folder);
    buffer_text(b, "\n#SBATCH --array=");
    print_tasks(b, s, most, any_bytes);
    if (jobs)
        buffer_print(b, "%%%d", jobs);
    buffer_text(b, "\n#SBATCH --output=slurm-%a.log\n"
                "#SBATCH --open-mode=append\n"
                "#SBATCH --requeue\n#SBATCH --signal=B:TERM@60\n");
    print_needs(b, s);
    if (*options)
        buffer_print(b, "#SBATCH %s\n", options);
}

static void print_numbers(struct buffer *b, const struct sweep *s, int most)
{
    const char **names = xcalloc((unsigned long)most + 1, sizeof(*names));

    for (int i = 0; i < s->other_count; i++)
        names[s->others[i].task] = s->others[i].name;
    for (int i = 0; i < s->count; i++)
        if (s->runs[i].task)
            names[s->runs[i].task] = s->runs[i].name;
    buffer_text(b, "case $SLURM_ARRAY_TASK_ID in\n");
    for (int i = 1; i <= most; i++)
        if (names[i])
            buffer_print(b, "%d) run='%s' ;;\n", i, names[i]);
    buffer_text(b, "*) echo \"no run has the number $SLURM_ARRAY_TASK_ID\" "
                ">&2; exit 2 ;;\nesac\n");
    free(names);
}

/* The process of the job is the run itself, so that it gets the job's signals.
 * A task that is put back into the queue goes on with its snapshot; Slurm has
 * ended the process before it, wherever that was. */
static void print_body(struct buffer *b, const struct sweep *s,
                       const char *program)
{
    buffer_text(b, "program=");
    quote_shell(b, program);
    buffer_text(b, "\nif [ ! -x \"$program\" ]; then\n"
                "    echo \"$program is not on $(hostname)\" >&2\n"
                "    exit 127\n"
                "fi\n"
                "exec \"$program\" train --take-over --json --resume ");
    quote_shell(b, s->folder);
    buffer_text(b, "/\"$run\" >/dev/null\n");
}

static int last_task(const struct sweep *s)
{
    int most = 0;

    for (int i = 0; i < s->count; i++)
        most = s->runs[i].task > most ? s->runs[i].task : most;
    for (int i = 0; i < s->other_count; i++)
        most = s->others[i].task > most ? s->others[i].task : most;
    return most;
}

/* The arena bytes of the class below `end`: whoever asks for twice as much as
 * it takes is in another. */
static struct range_of_bytes next_class(const struct sweep *s, uint64_t end,
                                        bool last)
{
    struct needs n = find_needs(s, (struct range_of_bytes){ 0, end });
    uint64_t beside = n.gap + gap_slack, half = (n.arena + beside) / 2;

    return (struct range_of_bytes){ last || half < beside ? 0 : half - beside,
                                    end };
}

int sweep_script_classes(const struct sweep *s,
                         struct sweep_class classes[SWEEP_CLASSES], int most)
{
    uint64_t end = UINT64_MAX;
    int count = 0;

    while (count < most && end > 0) {
        struct range_of_bytes range = next_class(s, end, count + 1 == most);
        struct needs n = find_needs(s, range);
        struct buffer tasks = { NULL, 0, 0 };
        int runs = print_tasks(&tasks, s, last_task(s), range);

        if (runs > 0)
            classes[count++] = (struct sweep_class){ mebibytes_of(&n),
                                                     tasks.bytes, runs };
        end = range.least;
    }
    return count;
}

static void print_script(struct buffer *b, const struct sweep *s,
                         const char *options, int jobs, const char *program)
{
    int most = last_task(s);

    buffer_text(b, "#!/bin/sh\n# Written by memdial sweep: each run is a task "
                "of a job array.\n");
    print_directives(b, s, options, jobs, most);
    buffer_text(b, "\n");
    print_numbers(b, s, most);
    print_body(b, s, program);
}

/* A task has one device, which Slurm chooses, and which has no other number
 * there. */
static bool check_devices(const struct sweep *s, struct error *e)
{
    for (int i = 0; i < s->count; i++)
        if (is_asked(&s->runs[i], any_bytes) &&
            strchr(s->runs[i].settled.backend, ':'))
            return error_set(e, EXIT_INPUT, "--slurm: backend=%s: a task has "
                             "the device that Slurm gives it; say backend=%s",
                             s->runs[i].settled.backend,
                             s->runs[i].backend->name);
    return true;
}

char *sweep_script_text(const struct sweep *s, const char *options, int jobs,
                        struct error *e)
{
    char program[RECORD_PATH_SIZE] = "";
    struct buffer b = { NULL, 0, 0 };

    if (!check_devices(s, e))
        return NULL;
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) <= 0 ||
        text_has_control(program) || text_has_control(s->folder)) {
        error_set(e, EXIT_INPUT, "--slurm: a script cannot have the path '%s' "
                  "or '%s'", s->folder, program);
        return NULL;
    }
    print_script(&b, s, options, jobs, program);
    return b.bytes;
}

const char *sweep_script_last_words(const struct sweep *s,
                                    const struct sweep_run *run,
                                    char text[SCRIPT_LINE_SIZE])
{
    char path[RECORD_PATH_SIZE], name[32], *log;
    size_t bytes;

    text[0] = '\0';
    snprintf(name, sizeof(name), "slurm-%d.log", run->task);
    log = file_read(record_path(s->folder, name, path), SCRIPT_MAX, &bytes,
                    NULL);
    if (log)
        text_clean_last(text, SCRIPT_LINE_SIZE, log);
    free(log);
    return text;
}
