/*
 * Samples on their way to the device. A load is a part of a batch that waits in
 * pinned memory of the host. Its owner lets the loader fill it, and copies that
 * are on the queue, or recorded, take it from there.
 *
 * A recorded program has a load for each of its parts. Others take turns at
 * two: one is filled while the device works on the other.
 */
#ifndef MEMDIAL_CUDA_LOAD_H
#define MEMDIAL_CUDA_LOAD_H

#include "kernels/cuda/crew.h"
#include "kernels/cuda/cuda.h"

/* The most parts of a program that is recorded, and the loads of others. */
enum { LOADS_MAX = 64, LOAD_TURNS = 2 };

struct load {
    struct operand stream[LOAD_STREAMS]; /* data is on the host */
    char *room[LOAD_STREAMS];        /* of a stream in 16 bits, for a sample of
                                        each thread as the loader gives it; else
                                        NULL */
    int threads;                     /* that are worth filling it */
    struct part part;
    void *memory;                    /* all of the above */
    size_t bytes;
    cudaEvent_t copied;              /* the copies from it are done; NULL in a
                                        recorded program */
};

struct load_list {
    struct load loads[LOADS_MAX];
    int count;
    int turn;                        /* of a list that is not recorded */
};

/* Lets the loader fill all loads of a list. A load gets the part that begins
 * `ahead` of its own. */
void load_list_fill(struct crew *, const struct load_list *,
                    const struct loader *, const struct extents *ahead);

/* Empties a list. */
void load_list_free(struct queue *, struct load_list *);

#endif
