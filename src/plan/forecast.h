/*
 * A forecast: what settings would take, or why they cannot be. Made by
 * whatif.c, then const; shared by counting who holds it, in one thread.
 */
#ifndef MEMDIAL_FORECAST_H
#define MEMDIAL_FORECAST_H

#include "plan/job.h"

struct forecast {
    int holders;
    struct settings settings;
    struct machine machine;      /* that they are planned for */
    struct job *job;             /* owned; NULL: figures only, or refused */
    bool refused;
    struct error error;          /* why, if refused */
    size_t peak_bytes, arena_bytes;
    size_t bytes[KIND_COUNT];    /* alive at the peak */
    double flops;                /* of one optimizer step */
};

/* Plans the settings for a machine, or, with `baseline`, the same without any
 * way of saving memory. Keeps the job only if `whole`. Never NULL; held
 * once. */
struct forecast *forecast_new(const struct settings *, const struct machine *,
                              bool whole, bool baseline);

/* A copy without the job, which takes kilobytes and not a plan; held once. */
struct forecast *forecast_figures(const struct forecast *);

/* Whether it is of just these settings on this machine; NULL is of none. */
bool forecast_is_of(const struct forecast *, const struct settings *,
                    const struct machine *);

/* One more holder; returns it. NULL stays NULL. */
struct forecast *forecast_hold(struct forecast *);

/* One less; frees what nobody holds. */
void forecast_release(struct forecast *);

/* Lets go of *place and puts `next` there, which it takes over. */
void forecast_replace(struct forecast **place, struct forecast *next);

#endif
