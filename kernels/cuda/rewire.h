/*
 * Rewiring happens once in a hundred steps or more, moves few values, and is a
 * sequence of choices. So it is done on the host, by the CPU backend's own
 * function, which makes the same choices on the same numbers. Its operands are
 * copied there and back.
 */
#ifndef MEMDIAL_CUDA_REWIRE_H
#define MEMDIAL_CUDA_REWIRE_H

#include "kernels/cuda/cuda.h"

struct rewiring {
    struct call call;
    bool given;
    char *memory;                    /* on the host; owned, [bytes] */
    size_t bytes;
};

/* Rewires the given pool, if the run rewires after this step. */
void rewiring_run(struct queue *, const struct rewiring *,
                  const struct batch *);

void rewiring_free(struct rewiring *);

#endif
