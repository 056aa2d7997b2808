/*
 * A list of runs: a file with a run a line, as words that --set takes. A first
 * word that ends with ':' is the name of the run. Empty lines, and those that
 * begin with '#', are none.
 *
 *     # each way of saving memory
 *     baseline:
 *     sparse: sparsity=0.7 sparse_method=dsr
 *     precision=fp16
 */
#ifndef MEMDIAL_SWEEP_LIST_H
#define MEMDIAL_SWEEP_LIST_H

#include "sweep/sweep.h"

/* Adds the runs of a file to a sweep. */
bool sweep_list_read(struct sweep *, const char *path, struct error *);

#endif
