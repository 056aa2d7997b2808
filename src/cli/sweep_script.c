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

/* Bytes of a process beside its arena where none was measured, for data; with
 * a device, for its libraries; and a margin. */
static const uint64_t gap_guessed = 512 * MEBIBYTE,
                      gap_of_device = 4096ull * MEBIBYTE,
                      gap_slack = 32 * MEBIBYTE;

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

/* Takes the number of a line "7) run='NAME' ;;"; returns it, or 0. */
static int take_run_number(struct sweep *s, const char *line)
{
    static const char middle[] = ") run='";
    struct sweep_run *run;
    char *end;
    long number = strtol(line, &end, 10);

    if (end == line || number < 1 || number > 1 << 20 ||
        strncmp(end, middle, sizeof(middle) - 1) != 0)
        return 0;
    end += sizeof(middle) - 1;
    run = run_named(s, end, strcspn(end, "'\n"));
    if (run)
        run->task = (int)number;
    return (int)number;
}

static int take_numbers(struct sweep *s)
{
    char path[RECORD_PATH_SIZE];
    size_t bytes;
    char *text = file_read(sweep_script_path(s, path), SCRIPT_MAX, &bytes,
                           NULL);
    int most = 0;

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
    int most = take_numbers(s);

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

/* Prints the numbers of the tasks, "1-3,7". */
static void print_tasks(struct buffer *b, const struct sweep *s, int most)
{
    bool *asked = xcalloc((unsigned long)most + 2, sizeof(*asked));
    const char *comma = "";

    for (int i = 0; i < s->count; i++)
        if (s->runs[i].state == SWEEP_WAITS)
            asked[s->runs[i].task] = true;
    for (int i = 1, end; i <= most; i = end + 1) {
        for (end = i; asked[i] && asked[end + 1];)
            end++;
        if (!asked[i])
            continue;
        buffer_print(b, end > i ? "%s%d-%d" : "%s%d", comma, i, end);
        comma = ",";
    }
    free(asked);
}

/* What a task asks for: the most that any needs. */
struct needs {
    uint64_t arena, gap;         /* bytes of the host */
    int measured;                /* runs that the gap was measured in; 0: it
                                    is a guess */
    int threads;
    bool device;
};

static struct needs find_needs(const struct sweep *s)
{
    struct needs n = { .threads = 1 };

    n.gap = sweep_gap(s, &n.measured);
    if (n.measured == 0)
        n.gap = gap_guessed;
    for (int i = 0; i < s->count; i++) {
        const struct sweep_run *run = &s->runs[i];
        bool device = run->backend && run->backend != &cpu_backend;

        if (run->state != SWEEP_WAITS)
            continue;
        n.device |= device;
        if (!device && run->arena_bytes > n.arena)
            n.arena = run->arena_bytes;
        if (run->settled.threads > n.threads)
            n.threads = run->settled.threads;
    }
    if (n.device && n.gap < gap_of_device)
        n.gap = gap_of_device;
    return n;
}

static void print_needs(struct buffer *b, const struct sweep *s)
{
    struct needs n = find_needs(s);
    uint64_t bytes = n.arena + n.gap + gap_slack;

    buffer_print(b, "# The plan of the largest is %.1f MiB; beside it a "
                 "process takes %.1f MiB, ",
                 (double)n.arena / MEBIBYTE, (double)n.gap / MEBIBYTE);
    if (n.device)
        buffer_text(b, "a guess with a device");
    else if (n.measured)
        buffer_print(b, "measured in %d run%s", n.measured,
                     n.measured == 1 ? "" : "s");
    else
        buffer_text(b, "a guess, for no run on such data was kept here");
    buffer_print(b, ";\n# %.0f MiB more are for chance.\n",
                 (double)gap_slack / MEBIBYTE);
    buffer_print(b, "#SBATCH --mem=%lluM\n",
                 (unsigned long long)((bytes + MEBIBYTE - 1) / MEBIBYTE));
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
    print_tasks(b, s, most);
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

static void print_script(struct buffer *b, const struct sweep *s,
                         const char *options, int jobs, const char *program)
{
    int most = 0;

    for (int i = 0; i < s->count; i++)
        most = s->runs[i].task > most ? s->runs[i].task : most;
    buffer_text(b, "#!/bin/sh\n# Written by memdial sweep: each run is a task "
                "of a job array.\n");
    print_directives(b, s, options, jobs, most);
    buffer_text(b, "\n");
    print_numbers(b, s, most);
    print_body(b, s, program);
}

char *sweep_script_text(const struct sweep *s, const char *options, int jobs,
                        struct error *e)
{
    char program[RECORD_PATH_SIZE] = "";
    struct buffer b = { NULL, 0, 0 };

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
