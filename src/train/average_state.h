/*
 * The state of the average of a run's weights (average.h): the snapshot that
 * has it, and the epochs in it.
 */
#ifndef MEMDIAL_AVERAGE_STATE_H
#define MEMDIAL_AVERAGE_STATE_H

#include "graph/graph.h"

struct average_state {
    int epochs;          /* that are in it; 0: it has none */
    int64_t step;        /* at the end of the last of these epochs */
    int fd;              /* owned; the snapshot, whatever its path leads to by
                            now; -1: it has none */
};

/* Closes the snapshot: there is no average. */
void average_forget(struct average_state *);

/* Whether averages of the weights of one graph go on as those of another. */
bool average_carries(const struct graph *, const struct graph *other);

#endif
