/*
 * Samples on their way to the device. A load is one microbatch that waits in
 * pinned memory of the host: whoever runs it lets the loader fill it, and
 * copies that are on the queue, or recorded, take it from there.
 */
#ifndef MEMDIAL_CUDA_LOAD_H
#define MEMDIAL_CUDA_LOAD_H

#include "kernels/cuda/cuda.h"

/* The most microbatches of a program that is recorded. */
enum { LOADS_MAX = 64 };

struct load {
    struct operand x, labels;        /* data is on the host */
    int first;                       /* index in the batch */
    float *room;                     /* for a sample as the loader gives it, if
                                        x is not of floats */
    void *memory;                    /* all of the above */
    size_t bytes;
};

struct load_list {
    struct load loads[LOADS_MAX];
    int count;
};

/* Lets the loader fill all loads of a list, with samples that come `ahead`
 * after those of the batch. */
void load_list_fill(const struct load_list *, const struct loader *, int ahead);

/* Empties a list. */
void load_list_free(struct queue *, struct load_list *);

#endif
