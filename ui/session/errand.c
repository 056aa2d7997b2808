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
    struct errands *e = arg;
    double now = clock_seconds();
    bool on;

    background_lock(&e->thread);
    e->steps++;
    on = !e->stop && !e->asked && !e->thread.quit;
    if (now - e->told > news_seconds) {
        e->told = now;
        background_tell(&e->thread);
    }
    background_unlock(&e->thread);
    return on;
}

static bool do_errand(void *arg)
{
    struct errands *e = arg;
    void *question = e->asked;

    if (!question)
        return false;
    e->asked = NULL;
    e->steps = 0;
    background_unlock(&e->thread);
    e->errand->work(question, errand_goes_on, e);
    background_lock(&e->thread);
    if (e->asked || e->thread.quit) {
        e->errand->free(question);
        return true;
    }
    if (e->stop)
        e->errand->note_stop(question);
    e->answered = question;
    background_tell(&e->thread);
    return true;
}

struct errands *errands_new(const struct errand *errand)
{
    struct errands *e = xcalloc(1, sizeof(*e));

    e->errand = errand;
    background_start(&e->thread, do_errand, e);
    return e;
}

void errands_free(struct errands *e)
{
    if (!e || !background_stop(&e->thread))
        return;
    e->errand->free(e->asked);
    e->errand->free(e->answered);
    free(e);
}

void errands_ask(struct errands *e, void *question)
{
    background_lock(&e->thread);
    e->errand->free(e->asked);
    e->errand->free(e->answered);
    e->answered = NULL;
    e->stop = false;
    e->asked = question;
    background_wake(&e->thread);
    background_unlock(&e->thread);
}

void errands_stop(struct errands *e)
{
    background_lock(&e->thread);
    e->stop = true;
    background_unlock(&e->thread);
}

int errands_fd(const struct errands *e)
{
    return background_fd(&e->thread);
}

void *errands_take(struct errands *e, int *steps)
{
    void *answered;

    background_hear(&e->thread);
    background_lock(&e->thread);
    background_clear(&e->thread);
    answered = e->answered;
    e->answered = NULL;
    if (steps)
        *steps = e->steps;
    background_unlock(&e->thread);
    return answered;
}
