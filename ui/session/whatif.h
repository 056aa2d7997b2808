/*
 * What would these settings take? A thread of its own answers such questions
 * one after another, so that no key press waits for a plan. The newest list of
 * questions wins: open questions of an earlier list are never answered.
 */
#ifndef MEMDIAL_WHATIF_H
#define MEMDIAL_WHATIF_H

#include "plan/forecast.h"

struct question {
    int tag;             /* the asker's own */
    bool whole;          /* the job too, not the figures alone */
    bool baseline;       /* without any way of saving memory */
    struct settings settings;
    struct machine machine; /* to plan for */
    struct timings *timings; /* to predict with, or NULL */
};

struct whatif;

struct whatif *whatif_new(void);
void whatif_free(struct whatif *);

/* Asks `count` questions, the most urgent first, in place of all open ones.
 * Holds their timings meanwhile. */
void whatif_ask(struct whatif *, const struct question *, int count);

/* Readable while there are answers. */
int whatif_fd(const struct whatif *);

/* The next answer to the newest list, for the caller to release, or NULL. Ends
 * the program if the host ran out of memory over an answer. */
struct forecast *whatif_take(struct whatif *, int *tag);

#endif
