/*
 * A machine: the values that settings leave to the machine of a job. Plans
 * depend on it, and can be made for another machine, the worker's.
 */
#ifndef MEMDIAL_MACHINE_H
#define MEMDIAL_MACHINE_H

#include <stdbool.h>

#include "base/error.h"
#include "settings/settings.h"

enum { MACHINE_BACKEND_SIZE = sizeof(((struct settings *)0)->backend) };

struct machine {
    char backend[MACHINE_BACKEND_SIZE]; /* for backend=auto */
    int processors;                     /* for threads=0 */
    uint64_t images_left;               /* bytes of images that it has no room
                                           for, so that keep_images is off; 0:
                                           it is not */
};

/* This machine, as far as it is known without looking for devices: its
 * processors. */
void machine_init(struct machine *);

/* Looks for devices; false if no backend can be opened, not even the CPU. */
bool machine_find_backend(struct machine *, struct error *);

/* The settings with nothing left to the machine. */
struct settings machine_settle(const struct machine *,
                               const struct settings *);

bool machine_same(const struct machine *, const struct machine *);

#endif
