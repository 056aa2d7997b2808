/*
 * A run of a sweep that is begun for a moment, in a process of its own and in
 * no folder, to see what such a process takes beside its arena.
 */
#ifndef MEMDIAL_SWEEP_START_H
#define MEMDIAL_SWEEP_START_H

#include "sweep/sweep.h"

/* Begins the smallest of the runs that wait, until its first step is done, and
 * keeps the bytes in sweep->start_gap; 0: there is none on the CPU, or it did
 * not come so far, which its own start will tell. */
void sweep_start_measure(struct sweep *);

#endif
