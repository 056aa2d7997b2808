/*
 * Calibration: measures what calls take in real training steps, of a network
 * with batches and dials of its own choice, so that others can be predicted.
 * Batches are made up: no data set is read, and loading is not measured.
 */
#ifndef MEMDIAL_CALIBRATE_H
#define MEMDIAL_CALIBRATE_H

#include "plan/timings.h"
#include "settings/machine.h"

struct calibration {
    const struct settings *settings;
    const struct machine *machine;
    double seconds;      /* that it may take, about */
    /* Told after each training that was measured, of how many it was; may be
     * NULL. False: stop. */
    bool (*told)(void *arg, int trainings, int calls);
    void *told_arg;
};

/* Adds to timings, which are of the settings' backend, first what the settings
 * themselves take. False only if not even these can be run. */
bool calibrate(struct timings *, const struct calibration *, struct error *);

#endif
