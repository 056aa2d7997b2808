/* One lock guards all of it; the thread lets go of it while it plans. */
#include "ui/session/whatif.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/print.h"

struct whatif {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, left;
    int ready;                       /* eventfd */
    bool quit;
    /* How the thread leaves its work: at an end, or out of memory, where it
     * stays. */
    bool ended, exhausted;
    unsigned list;                   /* counts lists of questions */
    struct question *questions;      /* [count], answered up to `next` */
    int count, next;
    struct answer {
        int tag;
        struct forecast *forecast;   /* owned */
    } *answers;                      /* [answered], taken up to `taken` */
    int answered, taken;
};

/* The struct whose questions this thread answers, if any. */
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

/* The thread that answers takes no memory while it holds the lock. */
void whatif_give_up(void)
{
    uint64_t one = 1;

    if (!answering)
        return;
    pthread_mutex_lock(&answering->lock);
    answering->exhausted = true;
    pthread_cond_signal(&answering->left);
    pthread_mutex_unlock(&answering->lock);
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
    w->ended = true;
    pthread_cond_signal(&w->left);
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
    pthread_cond_init(&w->left, NULL);
    start_thread(w);
    return w;
}

/* False if the thread stays, out of memory. */
static bool end_thread(struct whatif *w)
{
    bool ended;

    pthread_mutex_lock(&w->lock);
    w->quit = true;
    pthread_cond_signal(&w->asked);
    while (!w->ended && !w->exhausted)
        pthread_cond_wait(&w->left, &w->lock);
    ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    return ended;
}

/* A thread without memory keeps its data until the program ends. */
void whatif_free(struct whatif *w)
{
    if (!w || !end_thread(w))
        return;
    pthread_join(w->thread, NULL);
    forget_answers(w);
    free(w->answers);
    free(w->questions);
    close(w->ready);
    pthread_cond_destroy(&w->left);
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
    bool exhausted;

    pthread_mutex_lock(&w->lock);
    exhausted = w->exhausted;
    if (w->taken < w->answered) {
        *tag = w->answers[w->taken].tag;
        f = w->answers[w->taken++].forecast;
    } else if (read(w->ready, &many, sizeof(many)) < 0) {
        many = 0; /* nothing had been written */
    }
    pthread_mutex_unlock(&w->lock);
    if (exhausted)
        error_no_memory();
    return f;
}
