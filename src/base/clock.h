/*
 * Time for rates and durations: never set back, unlike the time of day.
 */
#ifndef MEMDIAL_CLOCK_H
#define MEMDIAL_CLOCK_H

#include <time.h>

/* Seconds since some moment in the past. */
static inline double clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
