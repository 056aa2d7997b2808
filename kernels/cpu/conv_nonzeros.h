/*
 * Lists of the nonzeros of a sparse filter, for products over planes of pixels
 * (conv_planes.h): for each output channel, class of output pixels and shift of
 * their taps' columns, in the order of the filter.
 *
 * Each thread walks along the index for a share of the filter's rows, first to
 * count; its counts then give the places for its nonzeros:
 *
 *     int32 count[threads][channels][groups], and how many in all
 *     nonzeros
 *
 * Output channels are listed together as far as there is room.
 */
#ifndef MEMDIAL_CONV_NONZEROS_H
#define MEMDIAL_CONV_NONZEROS_H

#include "kernels/cpu/conv_planes.h"
#include "kernels/cpu/sparse.h"

struct conv_nonzero {
    int32_t offset;      /* in the strip, of the first pixel's input */
    union {
        float w;
        uint32_t index;  /* of its value, in a list of places */
    };
};

/* Counts of each thread: first of nonzeros; then the place for its next one; in
 * the end the place where those of the next thread or group begin. */
struct conv_nonzeros {
    const struct conv_planes *planes;
    const struct operand *w;
    int threads;
    bool places;         /* are listed, not values */
    int groups;          /* of a channel */
    int channels;        /* of output */
    int most;            /* of them that are listed together */
    size_t room;         /* nonzeros */
    int32_t *count, *total;
    struct conv_nonzero *nonzero;
    struct range listed; /* channels */
    int32_t begin;       /* the nonzeros of earlier channels */
};

/* An empty list of the nonzeros of w, of `bytes` bytes or so at a time, or of
 * few in any case. Its memory is bound later. */
struct conv_nonzeros KERNEL(conv_nonzeros)(const struct conv_planes *p,
                                           const struct operand *w,
                                           int threads, size_t bytes);

/* Floats of memory, a multiple of CPU_ALIGNMENT bytes. */
size_t KERNEL(conv_nonzeros_floats)(const struct conv_nonzeros *l);
void KERNEL(conv_nonzeros_bind)(struct conv_nonzeros *l, float *memory);

/* Counts all nonzeros. Every thread of a team calls this and what follows. */
void KERNEL(conv_nonzeros_count)(const struct conv_nonzeros *l);

/* Whether less than one element in `skip` is a nonzero, and there is room for
 * those of any channel. */
bool KERNEL(conv_nonzeros_few)(const struct conv_nonzeros *l, int skip);

/* Lists the channels that come next; false after the last. */
bool KERNEL(conv_nonzeros_next)(struct conv_nonzeros *l);

/* The places in nonzero[] of a listed channel's nonzeros of some class and
 * shift: from the end of the group before, by the last thread, to its own end.
 */
static inline struct range conv_nonzeros_of(const struct conv_nonzeros *l,
                                            int channel, int class, int shift)
{
    int i = channel * l->groups + class * PLANES_SHIFTS + shift + 1;
    const int32_t *end = l->count
                         + (size_t)(l->threads - 1) * (size_t)l->groups
                               * (size_t)l->channels;
    int32_t begin = i > 0 ? end[i - 1] : 0;

    return (struct range){ (size_t)(begin - l->begin),
                           (size_t)(end[i] - l->begin) };
}

#endif
