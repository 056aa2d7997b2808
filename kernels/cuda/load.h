/*
 * Samples on their way to the device. A load is a part of a batch that waits in
 * pinned memory of the host. Its owner lets the loader fill it, and copies that
 * are on the queue, or recorded, take it from there.
 */
#ifndef MEMDIAL_CUDA_LOAD_H
#define MEMDIAL_CUDA_LOAD_H

#include "kernels/cuda/cuda.h"

/* The most parts of a program that is recorded. */
enum { LOADS_MAX = 64 };

struct load {
    struct operand stream[LOAD_STREAMS]; /* data is on the host */
    float *room[LOAD_STREAMS];       /* of a stream in 16 bits, for a sample as
                                        the loader gives it; else NULL */
    struct part part;
    void *memory;                    /* all of the above */
    size_t bytes;
};

struct load_list {
    struct load loads[LOADS_MAX];
    int count;
};

/* Lets the loader fill all loads of a list. A load gets the part that begins
 * `ahead` of its own. */
void load_list_fill(const struct load_list *, const struct loader *,
                    const struct extents *ahead);

/* Empties a list. */
void load_list_free(struct queue *, struct load_list *);

#endif
