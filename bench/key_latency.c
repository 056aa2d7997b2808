/*
 * How long the screens take from a key press to the painted screen, through a
 * pseudo-terminal, while the worker keeps all processors busy; and how much of
 * a processor they use when nothing changes. Prints a table.
 *
 * A key is one that paints a text that was not there before. On the page Run it
 * turns the first dial, with changes locked, which asks for new plans of every
 * dial. On the page Runs, which lists an archive, it sorts all rows, or types
 * into the filter. On the page Fit it opens the help, while a search goes on
 * that every key before it has begun anew.
 *
 * The time on the clock holds that of others on a busy machine. So the time of
 * the thread that takes keys and draws is there too, from the key to the text.
 *
 *   usage: key_latency MEMDIAL [PRESSES [ARCHIVE]]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "bench/median.h"

enum { MAX_PRESSES = 2000, SEEN_SIZE = 1 << 16 };

static const double patience = 60; /* seconds for what should take one */
static const double idle_seconds = 10;

/* A key that is measured, in its circumstances. */
struct scene {
    const char *name;
    const char *arguments[8];
    const char *begin[4], *began[4]; /* keys, and what each paints */
    const char *before[2], *ready[2]; /* keys before each press, likewise; or
                                        NULL, where they paint no such text */
    const char *key, *painted;       /* that is measured */
    const char *after, *gone;        /* that takes it back, likewise */
};

static const struct scene scenes[] = {
    { "Run, nothing saved: a dial", { "wrn-28-2", "--set=data=shapes" },
      { "L" }, { "locked" }, { 0 }, { 0 }, "+", "* now", "u", "undone" },
    { "Run, checkpoint=optimal: a dial",
      { "wrn-28-2", "--set=data=shapes", "--set=checkpoint=optimal",
        "--set=recompute=norms" },
      { "L" }, { "locked" }, { 0 }, { 0 }, "+", "* now", "u", "undone" },
    { "Runs: all rows sorted", { "quick", "--set=epochs=1000" },
      { "4" }, { "Settings tried" }, { 0 }, { 0 }, "s", "▲", NULL, NULL },
    { "Runs: a letter of the filter", { "quick", "--set=epochs=1000" },
      { "4", "/" }, { "Settings tried", "filter:" }, { 0 }, { 0 },
      "~", "No row passes", "\025", "nothing" },
    { "Fit: help while a search goes on",
      { "dynamicconv", "--set=data=numbers" },
      { "6" }, { "Settings that fit" }, { "f", "\025" "300MiB\r" },
      { "at most" }, "?", "Keys", "\033", NULL },
};

struct person {
    pid_t pid;
    int fd;
    char seen[SEEN_SIZE + 1]; /* since the last key */
    size_t size;
};

static void fail(const char *what)
{
    fprintf(stderr, "key_latency: %s\n", what);
    exit(EXIT_RUN);
}

static void begin(struct person *p, const char *memdial,
                  const struct scene *scene, const char *archive)
{
    struct winsize size = { .ws_row = 40, .ws_col = 120 };
    const char *arguments[16] = { memdial };

    for (int n = 0; scene->arguments[n]; n++)
        arguments[n + 1] = scene->arguments[n];
    p->size = 0;
    p->pid = forkpty(&p->fd, NULL, NULL, &size);
    if (p->pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        setenv("MEMDIAL_RUNS", archive, 1);
        execv(memdial, (char **)arguments);
        _exit(127);
    }
    if (p->pid < 0)
        fail(strerror(errno));
}

/* Reads the output that comes within the time, in seconds; false if there is
 * none. */
static bool look(struct person *p, double seconds)
{
    struct pollfd fd = { p->fd, POLLIN, 0 };
    ssize_t n;

    if (poll(&fd, 1, (int)(1000 * seconds)) <= 0)
        return false;
    if (p->size > SEEN_SIZE / 2) {
        memmove(p->seen, p->seen + p->size / 2, p->size - p->size / 2);
        p->size -= p->size / 2;
    }
    n = read(p->fd, p->seen + p->size, SEEN_SIZE - p->size);
    if (n <= 0)
        fail("memdial has ended");
    p->size += (size_t)n;
    p->seen[p->size] = '\0';
    /* Text only is looked for, and zeros would end it. */
    for (size_t i = p->size - (size_t)n; i < p->size; i++)
        if (!p->seen[i])
            p->seen[i] = ' ';
    return true;
}

/* Types keys, and waits until a text is painted; NULL: it does not wait. */
static double press(struct person *p, const char *keys, const char *painted)
{
    double started = clock_seconds();

    p->size = 0;
    p->seen[0] = '\0';
    if (write(p->fd, keys, strlen(keys)) < 0)
        fail(strerror(errno));
    while (painted && !strstr(p->seen, painted)) {
        look(p, 0.1);
        if (clock_seconds() - started > patience)
            fail(painted);
    }
    return clock_seconds() - started;
}

static void wait_a_while(struct person *p, double seconds)
{
    double end = clock_seconds() + seconds;

    while (clock_seconds() < end)
        look(p, end - clock_seconds());
}

/* Nanoseconds that the main thread has had a processor; 0: the system does not
 * tell. */
static double thread_nanoseconds(pid_t pid)
{
    char path[64];
    unsigned long long used = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid,
             (int)pid);
    file = fopen(path, "r");
    if (!file || fscanf(file, "%llu", &used) != 1)
        used = 0;
    if (file)
        fclose(file);
    return (double)used;
}

/* Processor time of the process so far, in seconds. */
static double used_seconds(pid_t pid)
{
    char path[64], text[1024], *at;
    unsigned long user, system;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (!file || !fgets(text, sizeof(text), file))
        fail(path);
    fclose(file);
    at = strrchr(text, ')');
    if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu "
                      "%lu", &user, &system) != 2)
        fail(path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double share_used(struct person *p)
{
    double before = used_seconds(p->pid);

    wait_a_while(p, idle_seconds);
    return 100 * (used_seconds(p->pid) - before) / idle_seconds;
}

/* Presses the key many times; the times are in seconds. */
static void press_often(struct person *p, const struct scene *scene,
                        int presses, double times[], double used[])
{
    for (int i = 0; i < presses; i++) {
        double before;
        for (int k = 0; k < 2 && scene->before[k]; k++)
            press(p, scene->before[k], scene->ready[k]);
        wait_a_while(p, 0.1);
        before = thread_nanoseconds(p->pid);
        times[i] = press(p, scene->key, scene->painted);
        used[i] = 1e-9 * (thread_nanoseconds(p->pid) - before);
        wait_a_while(p, 0.05);
        if (scene->after)
            press(p, scene->after, scene->gone);
    }
}

static void leave(struct person *p)
{
    kill(p->pid, SIGTERM);
    while (read(p->fd, p->seen, SEEN_SIZE) > 0)
        continue;
    waitpid(p->pid, NULL, 0);
    close(p->fd);
}

static void measure(const char *memdial, const struct scene *scene,
                    int presses, const char *archive)
{
    struct person *p = calloc(1, sizeof(*p));
    double times[MAX_PRESSES], used[MAX_PRESSES];
    double busy, idle, middle, thread;

    if (!p)
        fail(strerror(errno));
    begin(p, memdial, scene, archive);
    wait_a_while(p, 5);
    for (int i = 0; i < 4 && scene->begin[i]; i++) {
        press(p, scene->begin[i], scene->began[i]);
        wait_a_while(p, 2);
    }
    press_often(p, scene, presses, times, used);
    wait_a_while(p, 3); /* until all is planned that the last key asked for */
    busy = share_used(p);
    if (write(p->fd, "\033", 1) < 0) /* a question would take the next key */
        fail(strerror(errno));
    wait_a_while(p, 1);
    press(p, "Z", "paused");
    wait_a_while(p, 2);
    idle = share_used(p);
    leave(p);
    free(p);
    middle = median(times, presses);
    thread = median(used, presses);
    printf("| %s | %d | %.1f | %.1f | %.1f | %.2f | %.2f | %.1f | %.1f |\n",
           scene->name, presses, 1e3 * middle, 1e3 * times[presses * 99 / 100],
           1e3 * times[presses - 1], 1e3 * thread, 1e3 * used[presses - 1],
           busy, idle);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int presses = argc > 2 ? atoi(argv[2]) : 200;

    if (argc < 2 || presses < 1 || presses > MAX_PRESSES) {
        fputs("usage: key_latency MEMDIAL [PRESSES [ARCHIVE]]\n", stderr);
        return EXIT_INPUT;
    }
    puts("| key, while a run trains | presses | median ms | 99% ms | worst ms "
         "| median ms of its thread | worst | % of a core while training | % "
         "when paused |\n|---|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        measure(argv[1], &scenes[i], presses, argc > 3 ? argv[3] : "none");
    return 0;
}
