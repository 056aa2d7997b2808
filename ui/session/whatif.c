/* One lock guards all of it; the thread lets go of it while it plans. */
#include "ui/session/whatif.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/print.h"

struct whatif {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    int ready;                       /* eventfd */
    bool quit;
    unsigned list;                   /* counts lists of questions */
    struct question *questions;      /* [count], answered up to `next` */
    int count, next;
    struct answer {
        int tag;
        struct forecast *forecast;   /* owned */
    } *answers;                      /* [answered], taken up to `taken` */
    int answered, taken;
    atomic_bool exhausted;           /* the host is out of memory */
};

/* What this thread answers the questions of, if it does. */
static _Thread_local struct whatif *answering;

static void forget_answers(struct whatif *w)
{
    for (int i = w->taken; i < w->answered; i++)
        forecast_release(w->answers[i].forecast);
    w->answered = w->taken = 0;
}

static void add_answer(struct whatif *w, int tag, struct forecast *f)
{
    uint64_t one = 1;

    w->answers[w->answered++] = (struct answer){ tag, f };
    if (write(w->ready, &one, sizeof(one)) < 0)
        return; /* it is readable already */
}

/* No lock is held: nothing that takes memory is done under one. */
void whatif_give_up(void)
{
    uint64_t one = 1;

    if (!answering)
        return;
    atomic_store(&answering->exhausted, true);
    while (write(answering->ready, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    for (;;)
        pause();
}

static void *answer_questions(void *arg)
{
    struct whatif *w = answering = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->quit) {
        struct question q;
        struct forecast *f;
        unsigned list = w->list;

        if (w->next == w->count) {
            pthread_cond_wait(&w->asked, &w->lock);
            continue;
        }
        q = w->questions[w->next++];
        pthread_mutex_unlock(&w->lock);
        f = forecast_new(&q.settings, &q.machine, q.whole, q.baseline);
        pthread_mutex_lock(&w->lock);
        if (list == w->list)
            add_answer(w, q.tag, f);
        else
            forecast_release(f);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are the main thread's business. */
static void start_thread(struct whatif *w)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&w->thread, NULL, answer_questions, w) != 0) {
        print_error("memdial: cannot start a thread to plan in\n");
        exit(EXIT_RUN);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct whatif *whatif_new(void)
{
    struct whatif *w = xcalloc(1, sizeof(*w));

    w->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->ready < 0) {
        print_error("memdial: eventfd: %s\n", strerror(errno));
        exit(EXIT_RUN);
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->asked, NULL);
    start_thread(w);
    return w;
}

void whatif_free(struct whatif *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->quit = true;
    pthread_cond_signal(&w->asked);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    forget_answers(w);
    free(w->answers);
    free(w->questions);
    close(w->ready);
    pthread_cond_destroy(&w->asked);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void whatif_ask(struct whatif *w, const struct question *questions, int count)
{
    pthread_mutex_lock(&w->lock);
    w->list++;
    forget_answers(w);
    w->questions = xrealloc(w->questions, (unsigned long)count,
                            sizeof(*w->questions));
    w->answers = xrealloc(w->answers, (unsigned long)count,
                          sizeof(*w->answers));
    memcpy(w->questions, questions, (size_t)count * sizeof(*questions));
    w->count = count;
    w->next = 0;
    pthread_cond_signal(&w->asked);
    pthread_mutex_unlock(&w->lock);
}

int whatif_fd(const struct whatif *w)
{
    return w->ready;
}

struct forecast *whatif_take(struct whatif *w, int *tag)
{
    struct forecast *f = NULL;
    uint64_t many;

    if (atomic_load(&w->exhausted))
        error_no_memory();
    pthread_mutex_lock(&w->lock);
    if (w->taken < w->answered) {
        *tag = w->answers[w->taken].tag;
        f = w->answers[w->taken++].forecast;
    } else if (read(w->ready, &many, sizeof(many)) < 0) {
        many = 0; /* nothing had been written */
    }
    pthread_mutex_unlock(&w->lock);
    return f;
}
