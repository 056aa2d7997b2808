/*
 * Attempts: what a session has tried, the trials of all its runs in one list,
 * each with what it was planned to take. They outlive their runs; when there
 * are ATTEMPTS_MOST, the oldest that nobody would miss makes room.
 */
#ifndef MEMDIAL_ATTEMPTS_H
#define MEMDIAL_ATTEMPTS_H

#include "events/run.h"
#include "plan/forecast.h"

enum { ATTEMPTS_MOST = 512 };

struct attempt {
    int number;                      /* the first is 0 */
    int run;                         /* its number */
    char preset[RUN_PRESET_SIZE];
    struct trial trial;              /* as its run had it last */
    struct forecast *plan, *baseline; /* held, figures; NULL: not here yet */
    uint64_t peak_bytes, arena_bytes; /* 0: not known yet, and flops */
    double flops;                    /* of a step */
};

struct attempts {
    struct attempt *list;            /* owned, [count]; last: now */
    int count;
    int pinned;                      /* a number; -1: none, or forgotten */
};

void attempts_init(struct attempts *);
void attempts_done(struct attempts *);

/* Takes over what the run under way has come to. */
void attempts_follow(struct attempts *, const struct run *);

/* What the last one is planned to take, and what it is compared with; either
 * may be NULL, and the baseline of something else. */
void attempts_note(struct attempts *, struct forecast *plan,
                   const struct forecast *baseline);

/* Whether it has a score and its memory is known. */
bool attempt_has_point(const struct attempt *);

/* The index of the first one with as good a score in less memory, or more in
 * as much, or -1. */
int attempts_beaten_by(const struct attempts *, const struct attempt *);

#endif
