/*
 * Errands: questions that take long, done one at a time in a thread of their
 * own, so that the screens go on. The newest question wins: an errand that is
 * under way ends for it, and its answer is never seen.
 *
 * Before each step of its work, an errand asks whether it shall go on. That
 * counts the steps, for the screens to show.
 */
#ifndef MEMDIAL_ERRAND_H
#define MEMDIAL_ERRAND_H

#include <stdbool.h>

struct errands;

/* The care for questions of one sort. */
struct errand {
    /* Completes a question. Once goes_on(arg) is false it returns; NULL: it
     * goes on to its end. */
    void (*work)(void *question, bool (*goes_on)(void *arg), void *arg);
    /* Notes in a question that a person stopped its work; NULL: nobody can. */
    void (*note_stop)(void *question);
    void (*free)(void *question);
};

struct errands *errands_new(const struct errand *);
void errands_free(struct errands *);

/* Begins work on a question, which it takes over, in place of any other. */
void errands_ask(struct errands *, void *question);

/* Ends the work with what it has found, if it can be stopped. */
void errands_stop(struct errands *);

/* Readable while there is news. */
int errands_fd(const struct errands *);

/* Takes the news: the question with its answer, for the caller to free, or NULL
 * if work has not ended; and the steps made so far, unless that is NULL. Ends
 * the program if the host ran out of memory over it. */
void *errands_take(struct errands *, int *steps);

#endif
