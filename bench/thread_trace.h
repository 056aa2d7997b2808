/*
 * A trace of the work that OpenMP's threads share. thread_trace.c takes the
 * place of GCC's OpenMP library (the libgomp ABI, in GCC's manual of it), so
 * kernels are traced as they are. It runs all threads of a parallel region as
 * coroutines of one thread, one after the other, from barrier to barrier, and
 * takes the time of every piece of their work. Between two barriers a thread
 * has one piece of its own; each chunk of a dynamic loop, and a `single` block,
 * is a piece that any thread may take.
 *
 * The work is repeated, and every repeat must be cut alike. Another thread goes
 * first in each, so that none is always the one that brings into the caches
 * what all of them read.
 */
#ifndef MEMDIAL_THREAD_TRACE_H
#define MEMDIAL_THREAD_TRACE_H

#include <stdbool.h>
#include <stddef.h>

/* The work between two barriers, or outside of a region. */
struct span {
    int label;           /* trace_label() */
    int threads;         /* 0: outside of a region */
    size_t first;        /* of its pieces: one for each thread; then chunks */
    size_t chunks;
};

struct trace {
    int repeats;
    struct span *spans; /* owned, [span_count] */
    size_t span_count;
    double *seconds;     /* owned, [piece_count][repeats] */
    size_t piece_count;
    /* Room for this many. */
    size_t span_room, piece_room;
};

void trace_init(struct trace *, int repeats);
void trace_done(struct trace *);

/* Begins and ends a repeat; it begins with the label 0. False: the repeat was
 * not cut like the first. */
void trace_begin(struct trace *, int repeat);
bool trace_end(void);

/* From here on the work has this label. */
void trace_label(int label);

/* Pieces of a span; those without a thread come after the threads'. */
static inline size_t span_pieces(const struct span *p)
{
    return (size_t)(p->threads > 0 ? p->threads : 1) + p->chunks;
}

/* Seconds of a piece, in the shortest but a quarter of its repeats: that leaves
 * out those that something else disturbed. Needs all repeats; the order of the
 * piece's seconds changes. */
double trace_seconds(const struct trace *, size_t piece);

#endif
