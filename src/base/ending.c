#include "base/ending.h"

#include <stdbool.h>
#include <stddef.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2,
                               SIGXCPU, SIGPWR };

enum { NUMBER_COUNT = sizeof(numbers) / sizeof(numbers[0]) };

static volatile sig_atomic_t flag;
static sigset_t let_in;
static bool held;

static void on_signal(int number)
{
    flag = number;
}

/* The first signal asks for an end in order. A second Ctrl-C ends at once;
 * other signals come in pairs where nobody is in a hurry, as SIGTERM and SIGHUP
 * at the end of a session. */
static void on_urgent_signal(int number)
{
    if (flag && number == SIGINT) {
        signal(number, SIG_DFL);
        raise(number);
    }
    flag = number;
}

void ending_install(int number, const struct sigaction *action,
                    struct sigaction *before)
{
    struct sigaction found;

    sigaction(number, NULL, &found);
    if (found.sa_handler != SIG_IGN)
        sigaction(number, action, NULL);
    if (before)
        *before = found;
}

static void catch_all(const struct sigaction *action)
{
    for (int i = 0; i < NUMBER_COUNT; i++)
        ending_install(numbers[i], action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void ending_catch(void)
{
    struct sigaction action = { .sa_handler = on_urgent_signal };

    catch_all(&action);
}

void ending_hold(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t all;

    catch_all(&action);
    sigemptyset(&all);
    for (int i = 0; i < NUMBER_COUNT; i++)
        sigaddset(&all, numbers[i]);
    sigprocmask(SIG_BLOCK, &all, &let_in);
    for (int i = 0; i < NUMBER_COUNT; i++)
        sigdelset(&let_in, numbers[i]);
    held = true;
}

const sigset_t *ending_let_in(void)
{
    return held ? &let_in : NULL;
}

int ending_signal(void)
{
    return flag;
}

const volatile sig_atomic_t *ending_flag(void)
{
    return &flag;
}

void ending_ask(int number)
{
    flag = number;
}
