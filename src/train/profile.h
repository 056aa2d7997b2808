/*
 * The time of a run by operation: the seconds of each operation of a plan, with
 * the bytes it moves and its arithmetic. A profile observes an executor, which
 * takes no extra time without one. With one, every call is waited for, so a
 * device does one thing at a time.
 */
#ifndef MEMDIAL_PROFILE_H
#define MEMDIAL_PROFILE_H

#include "train/executor.h"

enum { PROFILE_SHAPES_SIZE = 128 };

/* Calls that differ in their addresses alone. */
struct profile_row {
    enum op_code op;
    enum dtype dtype;                /* of the first operand */
    char shapes[PROFILE_SHAPES_SIZE]; /* "100x32x32x16, 3x3x16x32 sparse" */
    double bytes, flops;             /* of one call as it is planned */
    int64_t calls;
    double seconds, all_bytes, all_flops; /* of the calls that were made */
};

struct profile {
    struct executor *executor;       /* borrowed */
    struct profile_row *rows;        /* owned, [count] */
    int count;
    int *row;                        /* owned, [step_count]; each step's row */
    double began;
};

/* A row for one call, as a step of the schedule is bound, with its bytes and
 * arithmetic. Each operand's bytes count once, read or written: a cache may
 * spare some. A sparse operand has the bytes of its nonzeros. */
struct profile_row profile_describe(const struct executor *, int step);

/* Whether two rows are of calls that differ in their addresses alone. */
bool profile_alike(const struct profile_row *, const struct profile_row *);

/* Observes the executor until it is done. */
void profile_init(struct profile *, struct executor *);
void profile_done(struct profile *);

/* Sorts the rows, those with the most seconds first, and returns the sum. This
 * ends the profile. */
double profile_finish(struct profile *);

#endif
