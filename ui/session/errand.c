#include "ui/session/errand.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "ui/session/background.h"

/* How often the thread tells of its steps, at most. */
static const double news_seconds = 0.1;

struct errands {
    struct background thread;
    const struct errand *errand;
    void *asked;         /* owned; NULL: no question is open */
    void *answered;      /* owned; NULL: not yet, or taken */
    bool stop;           /* the newest question's work */
    int steps;           /* of that work */
    double told;         /* when there was news last */
};

/* Whether work on a question goes on: it ends for a newer one, or if it is told
 * to. */
static bool errand_goes_on(void *arg)
{
    struct errands *q = arg;
    double now = clock_seconds();
    bool on;

    background_lock(&q->thread);
    q->steps++;
    on = !q->stop && !q->asked && !q->thread.quit;
    if (now - q->told > news_seconds) {
        q->told = now;
        background_tell(&q->thread);
    }
    background_unlock(&q->thread);
    return on;
}

static bool do_errand(void *arg)
{
    struct errands *q = arg;
    void *question = q->asked;

    if (!question)
        return false;
    q->asked = NULL;
    q->steps = 0;
    background_unlock(&q->thread);
    q->errand->work(question, errand_goes_on, q);
    background_lock(&q->thread);
    if (q->asked || q->thread.quit) {
        q->errand->free(question);
        return true;
    }
    if (q->stop)
        q->errand->note_stop(question);
    q->answered = question;
    background_tell(&q->thread);
    return true;
}

struct errands *errands_new(const struct errand *errand)
{
    struct errands *q = xcalloc(1, sizeof(*q));

    q->errand = errand;
    background_start(&q->thread, do_errand, q);
    return q;
}

void errands_free(struct errands *q)
{
    if (!q || !background_stop(&q->thread))
        return;
    q->errand->free(q->asked);
    q->errand->free(q->answered);
    free(q);
}

void errands_ask(struct errands *q, void *question)
{
    background_lock(&q->thread);
    q->errand->free(q->asked);
    q->errand->free(q->answered);
    q->answered = NULL;
    q->stop = false;
    q->asked = question;
    background_wake(&q->thread);
    background_unlock(&q->thread);
}

void errands_stop(struct errands *q)
{
    background_lock(&q->thread);
    q->stop = q->errand->note_stop != NULL;
    background_unlock(&q->thread);
}

int errands_fd(const struct errands *q)
{
    return background_fd(&q->thread);
}

void *errands_take(struct errands *q, int *steps)
{
    void *answered;

    background_hear(&q->thread);
    background_lock(&q->thread);
    background_clear(&q->thread);
    answered = q->answered;
    q->answered = NULL;
    if (steps)
        *steps = q->steps;
    background_unlock(&q->thread);
    return answered;
}
