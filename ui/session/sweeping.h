/*
 * Sweeping: a sweep whose runs the session begins one after the other, each in
 * its folder. The folders alone tell how far it is; here is the order, and the
 * claim that keeps other processes away. `memdial sweep` can go on with it at
 * any time after the session.
 */
#ifndef MEMDIAL_SWEEPING_H
#define MEMDIAL_SWEEPING_H

#include "sweep/sweep_claim.h"
#include "ui/session/proposal.h"

struct sweeping {
    struct proposal *its;            /* owned; NULL: there is no sweep */
    struct sweep_claim claim;
    int now;                         /* index of the run under way; -1: none */
};

void sweeping_init(struct sweeping *);
void sweeping_done(struct sweeping *);

/* Takes over a planned proposal, and makes its folders. False, with the
 * proposal left to the caller, if they cannot be made. */
bool sweeping_begin(struct sweeping *, struct proposal *, struct error *);

/* NULL: there is none. */
struct sweep *sweeping_sweep(const struct sweeping *);

/* The run to begin next; NULL: no more. It is under way once it is begun. */
struct sweep_run *sweeping_next(const struct sweeping *);
void sweeping_start(struct sweeping *, struct sweep_run *);

/* The run under way has ended, so. */
void sweeping_settle(struct sweeping *, enum run_end);

/* The run under way was not begun; false if there is none. */
bool sweeping_refuse(struct sweeping *, const char *why);

/* Another run takes the place of the one under way, which waits again. */
void sweeping_leave(struct sweeping *);

/* Predicted seconds of the runs that wait; NAN: not known of some. */
double sweeping_seconds_left(const struct sweeping *);

#endif
