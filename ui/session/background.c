#include "ui/session/background.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/print.h"

/* The struct whose work this thread does, if any. */
static _Thread_local struct background *working;

/* The thread takes no memory while it holds the lock. */
void background_give_up(void)
{
    uint64_t one = 1;

    if (!working)
        return;
    pthread_mutex_lock(&working->lock);
    working->exhausted = true;
    pthread_cond_signal(&working->left);
    pthread_mutex_unlock(&working->lock);
    while (write(working->ready, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    for (;;)
        pause();
}

static void *do_work(void *arg)
{
    struct background *b = working = arg;

    pthread_mutex_lock(&b->lock);
    while (!b->quit)
        if (!b->work(b->arg) && !b->quit)
            pthread_cond_wait(&b->asked, &b->lock);
    b->ended = true;
    pthread_cond_signal(&b->left);
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* Signals are the main thread's business. */
static void start_thread(struct background *b)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&b->thread, NULL, do_work, b) != 0) {
        print_error("memdial: cannot start a thread to plan in\n");
        exit(EXIT_RUN);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void background_start(struct background *b, bool (*work)(void *arg),
                      void *arg)
{
    *b = (struct background){ .work = work, .arg = arg };
    b->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (b->ready < 0) {
        print_error("memdial: eventfd: %s\n", strerror(errno));
        exit(EXIT_RUN);
    }
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->asked, NULL);
    pthread_cond_init(&b->left, NULL);
    start_thread(b);
}

bool background_stop(struct background *b)
{
    bool ended;

    pthread_mutex_lock(&b->lock);
    b->quit = true;
    pthread_cond_signal(&b->asked);
    while (!b->ended && !b->exhausted)
        pthread_cond_wait(&b->left, &b->lock);
    ended = b->ended;
    pthread_mutex_unlock(&b->lock);
    if (!ended)
        return false;
    pthread_join(b->thread, NULL);
    close(b->ready);
    pthread_cond_destroy(&b->left);
    pthread_cond_destroy(&b->asked);
    pthread_mutex_destroy(&b->lock);
    return true;
}

void background_lock(struct background *b)
{
    pthread_mutex_lock(&b->lock);
}

void background_unlock(struct background *b)
{
    pthread_mutex_unlock(&b->lock);
}

void background_wake(struct background *b)
{
    pthread_cond_signal(&b->asked);
}

void background_tell(struct background *b)
{
    uint64_t one = 1;

    if (write(b->ready, &one, sizeof(one)) < 0)
        return; /* it is readable already */
}

int background_fd(const struct background *b)
{
    return b->ready;
}

void background_clear(struct background *b)
{
    uint64_t many;

    if (read(b->ready, &many, sizeof(many)) < 0)
        return; /* nothing had been written */
}

void background_hear(struct background *b)
{
    bool exhausted;

    pthread_mutex_lock(&b->lock);
    exhausted = b->exhausted;
    pthread_mutex_unlock(&b->lock);
    if (exhausted)
        error_no_memory();
}
