/*
 * Rewiring happens once in a hundred steps or more, moves few values, and is
 * one choice after the other. So it is done on the host, by the CPU backend's
 * own function, which makes the same choices on the same numbers: what it
 * works on is copied there and back.
 */
#ifndef MEMDIAL_CUDA_REWIRE_H
#define MEMDIAL_CUDA_REWIRE_H

#include "kernels/cuda/cuda.h"

struct rewiring {
    struct call call;
    bool given;
    char *memory;                    /* on the host; owned */
};

/* Does what was given, if the run rewires after this step. */
void rewiring_run(struct queue *, const struct rewiring *,
                  const struct batch *);

void rewiring_free(struct rewiring *);

#endif
