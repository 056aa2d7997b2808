/*
 * Batches for tests: samples of floats and one label each, cut into parts of
 * equal size but for the last.
 */
#ifndef MEMDIAL_TESTS_LOADING_H
#define MEMDIAL_TESTS_LOADING_H

#include "kernels/kernels.h"

struct loading {
    void (*sample)(void *arg, int index, float *x, int32_t *label);
    void *arg;
    size_t elements;     /* of a sample */
    int samples;         /* of the batch */
    int most;            /* of a part */
};

/* The loader, valid as long as the loading. */
struct loader loading_loader(struct loading *);

#endif
