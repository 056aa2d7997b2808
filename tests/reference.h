/*
 * The C side of make_reference.py: the same inputs for WRN-10-1, bit for bit,
 * and the same digests of results, to compare with data/wrn-10-1.tensors.
 * The formulas are in that script. Every input has at most 17 significant
 * bits, so that it is exact in float32 whatever the compiler contracts.
 */
#ifndef MEMDIAL_TESTS_REFERENCE_H
#define MEMDIAL_TESTS_REFERENCE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kernels/philox.h"

enum { REFERENCE_SEED = 1904, REFERENCE_BATCH = 4 };

enum reference_role {
    REFERENCE_VALUE,
    REFERENCE_MOMENTUM,
    REFERENCE_DIGEST,
    REFERENCE_IMAGES,
    REFERENCE_LABELS
};

/* Numbers of the tensors that are not parameters. */
enum reference_tensor {
    REFERENCE_T_IMAGES = 100,
    REFERENCE_T_LABELS,
    REFERENCE_T_LOGITS,
    REFERENCE_T_LOSS
};

static inline uint32_t reference_word(enum reference_role role,
                                      uint32_t tensor, size_t element)
{
    return philox(REFERENCE_SEED, element, role, tensor).x[0];
}

/* A number in [-1, 1), a multiple of 2^-15. */
static inline float reference_u(enum reference_role role, uint32_t tensor,
                                size_t element)
{
    return (float)(reference_word(role, tensor, element) >> 16) / 32768 - 1;
}

static inline bool reference_ends(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && strcmp(name + n - m, end) == 0;
}

/* The initial value of an element of parameter number `tensor`, dim[] its
 * shape: (KH, KW, Ci, Co) of a convolution, (2, C) of running statistics. */
static inline float reference_value(const char *name, uint32_t tensor,
                                    const int dim[], size_t element)
{
    float u = reference_u(REFERENCE_VALUE, tensor, element);
    int n, s = 0;

    if (reference_ends(name, ".running"))
        return element >= (size_t)dim[1];
    if (reference_ends(name, ".gamma"))
        return 1 + u / 2;
    if (reference_ends(name, ".beta") || reference_ends(name, "linear.b"))
        return u / 2;
    if (reference_ends(name, "linear.w"))
        return u / 8;
    n = dim[0] * dim[1] * dim[3];
    while (n >= 12 << 2 * s)
        s++;
    return ldexpf(u, -s);
}

static inline float reference_momentum(uint32_t tensor, size_t element)
{
    return reference_u(REFERENCE_MOMENTUM, tensor, element) / 16;
}

/* An element of the batch of images (REFERENCE_BATCH, 32, 32, 3). */
static inline float reference_image(size_t element)
{
    float contrast = (float)(element / (32 * 32 * 3) + 1) / 2;

    return contrast * reference_u(REFERENCE_IMAGES, REFERENCE_T_IMAGES,
                                  element);
}

static inline int reference_label(int sample)
{
    return (int)(reference_word(REFERENCE_LABELS, REFERENCE_T_LABELS,
                                (size_t)sample) % 10);
}

struct digest {
    double norm, sum, dot;
    double first[4];     /* elements; 0 where the tensor has fewer */
};

static inline struct digest digest_of(uint32_t tensor, const float x[],
                                      size_t n)
{
    struct digest d = { 0 };

    for (size_t i = 0; i < n; i++) {
        d.norm += (double)x[i] * x[i];
        d.sum += x[i];
        d.dot += (double)x[i] * reference_u(REFERENCE_DIGEST, tensor, i);
        if (i < 4)
            d.first[i] = x[i];
    }
    d.norm = sqrt(d.norm);
    return d;
}

/* The committed digest; false if the file has no such line. `what` is value,
 * momentum, forward, gradient, stepped or stepped_momentum. */
static inline bool digest_read(FILE *file, const char *name,
                               const char *what, struct digest *d)
{
    char line[256], name_read[64], what_read[64];

    rewind(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%63s %63s %lf %lf %lf %lf %lf %lf %lf", name_read,
                   what_read, &d->norm, &d->sum, &d->dot, &d->first[0],
                   &d->first[1], &d->first[2], &d->first[3]) == 9 &&
            strcmp(name_read, name) == 0 && strcmp(what_read, what) == 0)
            return true;
    return false;
}

/* The largest distance of two digests, relative to the norm of `b`. */
static inline double digest_apart(const struct digest *a,
                                  const struct digest *b)
{
    double apart = fmax(fabs(a->norm - b->norm),
                        fmax(fabs(a->sum - b->sum), fabs(a->dot - b->dot)));

    for (int i = 0; i < 4; i++)
        apart = fmax(apart, fabs(a->first[i] - b->first[i]));
    return apart / b->norm;
}

#endif
