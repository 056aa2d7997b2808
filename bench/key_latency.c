/*
 * How long the screens take from a key press to the painted screen, through a
 * pseudo-terminal, while the worker keeps all processors busy; and how much of
 * a processor they use when nothing changes. Prints a table.
 *
 * The key turns the first dial, with changes locked: it asks for new plans of
 * every dial, and paints "* now", which was not there before.
 *
 *   usage: key_latency MEMDIAL [PRESSES]
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

static const double patience = 30; /* seconds for what should take one */
static const double idle_seconds = 10;

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
                  const char *const settings[])
{
    struct winsize size = { .ws_row = 40, .ws_col = 120 };
    const char *arguments[16] = { memdial, "wrn-28-2" };

    for (int n = 2; *settings; n++)
        arguments[n] = *settings++;
    p->size = 0;
    p->pid = forkpty(&p->fd, NULL, NULL, &size);
    if (p->pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
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

static double press(struct person *p, const char *keys, const char *painted)
{
    double started = clock_seconds();

    p->size = 0;
    p->seen[0] = '\0';
    if (write(p->fd, keys, strlen(keys)) < 0)
        fail(strerror(errno));
    while (!strstr(p->seen, painted)) {
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

static void measure(const char *memdial, const char *name,
                    const char *const settings[], int presses)
{
    struct person *p = calloc(1, sizeof(*p));
    double times[MAX_PRESSES], busy, idle, middle;

    if (!p)
        fail(strerror(errno));
    begin(p, memdial, settings);
    press(p, "L", "locked");
    wait_a_while(p, 5);
    for (int i = 0; i < presses; i++) {
        times[i] = press(p, "+", "* now");
        wait_a_while(p, 0.05);
        press(p, "u", "undone");
        wait_a_while(p, 0.1);
    }
    wait_a_while(p, 3); /* until all is planned that the last key asked for */
    busy = share_used(p);
    press(p, "Z", "paused");
    wait_a_while(p, 2);
    idle = share_used(p);
    kill(p->pid, SIGTERM);
    while (read(p->fd, p->seen, SEEN_SIZE) > 0)
        continue;
    waitpid(p->pid, NULL, 0);
    close(p->fd);
    free(p);
    middle = median(times, presses);
    printf("| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name, presses,
           1e3 * middle, 1e3 * times[presses * 99 / 100],
           1e3 * times[presses - 1], busy, idle);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const char *const plain[] = { "--set=data=shapes", NULL };
    static const char *const optimal[] = {
        "--set=data=shapes", "--set=checkpoint=optimal",
        "--set=recompute=norms", NULL
    };
    int presses = argc > 2 ? atoi(argv[2]) : 200;

    if (argc < 2 || presses < 1 || presses > MAX_PRESSES) {
        fputs("usage: key_latency MEMDIAL [PRESSES]\n", stderr);
        return EXIT_INPUT;
    }
    puts("| wrn-28-2 | presses | median ms | 99% ms | worst ms | % of a core "
         "while training | % when paused |\n|---|---|---|---|---|---|---|");
    measure(argv[1], "nothing saved", plain, presses);
    measure(argv[1], "checkpoint=optimal", optimal, presses);
    return 0;
}
