/* The thread answers a question at a time, without the lock. */
#include "ui/session/whatif.h"

#include <stdlib.h>
#include <string.h>

#include "ui/session/background.h"

struct whatif {
    struct background thread;
    unsigned list;                   /* counts lists of questions */
    struct question *questions;      /* [count], answered up to `next` */
    int count, next;
    struct answer {
        int tag;
        struct forecast *forecast;   /* owned */
    } *answers;                      /* [answered], taken up to `taken` */
    int answered, taken;
};

static void forget_answers(struct whatif *w)
{
    for (int i = w->taken; i < w->answered; i++)
        forecast_release(w->answers[i].forecast);
    w->answered = w->taken = 0;
}

static void forget_questions(struct whatif *w)
{
    for (int i = 0; i < w->count; i++)
        timings_free(w->questions[i].timings);
    w->count = 0;
}

static bool answer_question(void *arg)
{
    struct whatif *w = arg;
    struct question q;
    struct forecast *f;
    unsigned list = w->list;

    if (w->next == w->count)
        return false;
    q = w->questions[w->next++];
    timings_hold(q.timings);
    background_unlock(&w->thread);
    f = forecast_new(&q.settings, &q.machine, q.timings, q.whole, q.baseline);
    timings_free(q.timings);
    background_lock(&w->thread);
    if (list == w->list) {
        w->answers[w->answered++] = (struct answer){ q.tag, f };
        background_tell(&w->thread);
    } else {
        forecast_release(f);
    }
    return true;
}

struct whatif *whatif_new(void)
{
    struct whatif *w = xcalloc(1, sizeof(*w));

    background_start(&w->thread, answer_question, w);
    return w;
}

void whatif_free(struct whatif *w)
{
    if (!w || !background_stop(&w->thread))
        return;
    forget_answers(w);
    forget_questions(w);
    free(w->answers);
    free(w->questions);
    free(w);
}

void whatif_ask(struct whatif *w, const struct question *questions, int count)
{
    background_lock(&w->thread);
    w->list++;
    forget_answers(w);
    forget_questions(w);
    w->questions = xrealloc(w->questions, (unsigned long)count,
                            sizeof(*w->questions));
    w->answers = xrealloc(w->answers, (unsigned long)count,
                          sizeof(*w->answers));
    memcpy(w->questions, questions, (size_t)count * sizeof(*questions));
    for (int i = 0; i < count; i++)
        timings_hold(questions[i].timings);
    w->count = count;
    w->next = 0;
    background_wake(&w->thread);
    background_unlock(&w->thread);
}

int whatif_fd(const struct whatif *w)
{
    return background_fd(&w->thread);
}

struct forecast *whatif_take(struct whatif *w, int *tag)
{
    struct forecast *f = NULL;

    background_hear(&w->thread);
    background_lock(&w->thread);
    if (w->taken < w->answered) {
        *tag = w->answers[w->taken].tag;
        f = w->answers[w->taken++].forecast;
    } else {
        background_clear(&w->thread);
    }
    background_unlock(&w->thread);
    return f;
}
