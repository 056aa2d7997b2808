/*
 * A forecast: the memory and the time that settings would take, or why they are
 * refused. whatif.c makes it, then it is const. Its holders share it by
 * counting, in one thread.
 */
#ifndef MEMDIAL_FORECAST_H
#define MEMDIAL_FORECAST_H

#include "plan/job.h"
#include "plan/timings.h"

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
    double seconds;              /* likewise, predicted */
    bool guessed;                /* by a roofline, not from the timings */
    struct timings *timings;     /* held; that it was made with, or NULL */
};

/* Plans the settings for a machine; with `baseline`, without any way of saving
 * memory. Timings may be NULL. Keeps the job only if `whole`. Never NULL; held
 * once. */
struct forecast *forecast_new(const struct settings *, const struct machine *,
                              struct timings *, bool whole, bool baseline);

/* Figures known before the plan, which replaces them; held once. */
struct forecast *forecast_promise(const struct settings *,
                                  const struct machine *, size_t peak_bytes,
                                  size_t arena_bytes);

/* A copy without job and timings, of kilobytes where these are larger; held
 * once. */
struct forecast *forecast_figures(const struct forecast *);

/* Whether the forecast is for exactly these settings on this machine; false for
 * NULL. */
bool forecast_is_of(const struct forecast *, const struct settings *,
                    const struct machine *);

/* Adds a holder; returns the forecast. NULL stays NULL. */
struct forecast *forecast_hold(struct forecast *);

/* Takes a holder away; frees a forecast without holders. */
void forecast_release(struct forecast *);

/* Releases the forecast in *place and puts `next`, which it takes over, there.
 */
void forecast_replace(struct forecast **place, struct forecast *next);

#endif
