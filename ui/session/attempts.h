/*
 * Attempts: the settings that a session has tried. One list has the trials of
 * all its runs, each with the memory it was planned to take. They outlive their
 * runs. When there are ATTEMPTS_MOST, the oldest that nobody would miss makes
 * room.
 *
 * They compete as contest.h says, on the terms of the latest of them.
 */
#ifndef MEMDIAL_ATTEMPTS_H
#define MEMDIAL_ATTEMPTS_H

#include "events/contest.h"
#include "plan/forecast.h"

enum { ATTEMPTS_MOST = 512 };

struct attempt {
    int number;                      /* the first is 0 */
    int run;                         /* its number; -1: none of the session's */
    char preset[RUN_PRESET_SIZE];
    struct trial trial;              /* as its run had it last */
    int64_t steps;                   /* of the whole run; 0: not known */
    struct forecast *plan, *baseline; /* held, figures; NULL: not here yet */
    uint64_t peak_bytes, arena_bytes; /* and flops; 0: not known yet */
    double flops;                    /* of a step */
    bool marked;                     /* by a person */
};

struct attempts {
    struct attempt *list;            /* owned, [count]; last: now */
    int count;
    int pinned;                      /* a number; -1: none, or forgotten */
};

void attempts_init(struct attempts *);
void attempts_done(struct attempts *);

/* Takes over the trials of the run under way: all of one that was begun before
 * the session. */
void attempts_follow(struct attempts *, const struct run *);

/* Notes the plan of the last attempt, and its baseline. Either may be NULL, or
 * the baseline one of other settings. The first prediction of its time that is
 * no guess stays: later ones are made with what its run has measured. */
void attempts_note(struct attempts *, struct forecast *plan,
                   const struct forecast *baseline);

/* The terms of the latest attempt that has any. */
struct contest attempts_contest(const struct attempts *);

/* Whether it competes: contest_admits(). */
bool attempt_competes(const struct attempt *, const struct contest *);

/* Whether one is better than another; both compete. */
bool attempt_is_better(const struct attempt *, const struct attempt *,
                       const struct contest *);

/* The trial that a continuation of its run began as; NULL: it is forgotten. */
const struct attempt *attempts_origin(const struct attempts *,
                                      const struct attempt *);

/* The index of the first that competes and has as good a score in less memory,
 * or a better one in no more; or -1. */
int attempts_beaten_by(const struct attempts *, const struct attempt *);

#endif
