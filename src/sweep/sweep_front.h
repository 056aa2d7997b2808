/*
 * The runs of a sweep that fit finds: all rows of each budget. Which these are
 * depends on what was measured on this machine, and that grows with every run.
 * So the rows are kept in the sweep's folder, as a list, and read there when
 * the sweep goes on.
 */
#ifndef MEMDIAL_SWEEP_FRONT_H
#define MEMDIAL_SWEEP_FRONT_H

#include "sweep/sweep.h"

/* Adds a run for each row. A budget in which nothing fits is an error. */
bool sweep_front_find(struct sweep *, struct error *);

/* Keeps the rows. */
bool sweep_front_keep(const struct sweep *, struct error *);

#endif
