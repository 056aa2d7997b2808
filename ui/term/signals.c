#include "ui/term/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/ending.h"
#include "ui/term/tty.h"

/* Signals that can wait, those that can be ignored first; and the signals of a
 * crash. */
static const int calm_signals[] = {
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2, SIGALRM,
    SIGVTALRM, SIGPROF, SIGXCPU, SIGIO, SIGPWR, SIGSTKFLT,
    SIGCONT, SIGWINCH
};
static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
                                     SIGABRT, SIGSYS, SIGTRAP };

enum { CALM_COUNT = sizeof(calm_signals) / sizeof(calm_signals[0]),
       IGNORABLE_COUNT = CALM_COUNT - 2,
       CRASH_COUNT = sizeof(crash_signals) / sizeof(crash_signals[0]) };

static struct {
    struct sigaction calm_before[CALM_COUNT], crash_before[CRASH_COUNT];
    int pipe[2];             /* of signal numbers */
} signals = { .pipe = { -1, -1 } };

static void on_calm_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    bool key = number == SIGINT && info->si_code == SI_KERNEL;
    unsigned char byte = key ? SIGNALS_CTRL_C : (unsigned char)number;

    (void)context;
    if (write(signals.pipe[1], &byte, 1) < 0) {
        /* The pipe is full of signals that ask for the same. */
    }
    errno = saved;
}

/* A fault happens again on return; a signal from outside is sent again. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    tty_restore();
    for (int i = 0; i < CRASH_COUNT; i++)
        sigaction(crash_signals[i], &signals.crash_before[i], NULL);
    if (info->si_code <= 0)
        raise(number);
}

/* A pipe that never blocks a handler, and that no child inherits. */
static bool open_signal_pipe(struct error *e)
{
    if (pipe(signals.pipe) != 0)
        return error_set(e, EXIT_RUN, "pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        fcntl(signals.pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(signals.pipe[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

bool signals_catch(struct error *e)
{
    struct sigaction calm = { .sa_sigaction = on_calm_signal,
                              .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigaction crash = { .sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK };

    if (!open_signal_pipe(e))
        return false;
    for (int i = 0; i < IGNORABLE_COUNT; i++)
        ending_install(calm_signals[i], &calm, &signals.calm_before[i]);
    for (int i = IGNORABLE_COUNT; i < CALM_COUNT; i++)
        sigaction(calm_signals[i], &calm, &signals.calm_before[i]);
    for (int i = 0; i < CRASH_COUNT; i++)
        sigaction(crash_signals[i], &crash, &signals.crash_before[i]);
    return true;
}

void signals_release(void)
{
    for (int i = 0; i < CALM_COUNT; i++)
        sigaction(calm_signals[i], &signals.calm_before[i], NULL);
    for (int i = 0; i < CRASH_COUNT; i++)
        sigaction(crash_signals[i], &signals.crash_before[i], NULL);
    close(signals.pipe[0]);
    close(signals.pipe[1]);
}

int signals_fd(void)
{
    return signals.pipe[0];
}

void signals_suspend(void)
{
    struct sigaction ours;

    sigaction(SIGTSTP, NULL, &ours);
    signal(SIGTSTP, SIG_DFL);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
}

bool signals_next(int *number)
{
    unsigned char byte;

    if (read(signals.pipe[0], &byte, 1) != 1)
        return false;
    *number = byte;
    return true;
}
