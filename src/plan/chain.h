/*
 * The chain of a graph: its forward operations, cut into stages before every
 * block and after every costly operation, with the bytes and arithmetic of each
 * stage. They are measured in the plan in which nothing is recomputed.
 */
#ifndef MEMDIAL_CHAIN_H
#define MEMDIAL_CHAIN_H

#include "plan/plan.h"

struct stage {
    size_t kept;         /* bytes of its results that any backward pass reads */
    size_t input;        /* of what leads into it and no backward pass reads */
    size_t dies[2];      /* less of these once it has run for the last time, if
                            later stages are to run, and if not */
    size_t passing;      /* transient bytes and scratch while it runs forward,
                            its input and its result aside */
    size_t needed;       /* transient bytes and scratch, forward or backward,
                            with the bytes that it keeps and still has then */
    size_t needed_more[2]; /* the same, beside an input that is kept */
    double flops;        /* forward */
};

struct chain {
    int *cuts;           /* [count + 1] */
    struct stage *stages;
    size_t *into;        /* (count, count) of stages i and k >= i: bytes that
                            lead into k and not into i, kept statistics
                            aside */
    int count;
};

/* Measures the chain of a graph; returns the number of steps of its schedule,
 * in which nothing is recomputed. */
int chain_init(struct chain *, const struct graph *, struct policy,
               const struct backend *, int threads);
void chain_done(struct chain *);

/* A route over the chain, without legs yet. */
struct route *chain_route(const struct chain *);

static inline size_t chain_into(const struct chain *c, int i, int k)
{
    return c->into[i * c->count + k];
}

#endif
