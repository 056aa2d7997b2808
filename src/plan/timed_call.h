/*
 * What the time of a call depends on, as numbers without addresses. The *kind*
 * of a call decides which code a kernel runs: its operation, its threads, which
 * slots are given in which type, loads through statistics, zeros that are
 * skipped. Its *sizes* decide how often: dimensions, and the share of nonzeros.
 * Calls that are equal in both take the same time.
 */
#ifndef MEMDIAL_TIMED_CALL_H
#define MEMDIAL_TIMED_CALL_H

#include <jansson.h>

#include "base/error.h"
#include "graph/op.h"

enum { TIMED_TRAITS = 4, TIMED_AMOUNTS = 2,
       TIMED_DIMS = CALL_MAX_OPERANDS * OPERAND_MAX_RANK,
       TIMED_KIND = 2 + TIMED_TRAITS + CALL_MAX_OPERANDS,
       TIMED_SIZES = TIMED_AMOUNTS + TIMED_DIMS };

struct timed_call {
    int32_t kind[TIMED_KIND];    /* the operation, threads, attributes, slots */
    int32_t size[TIMED_SIZES];   /* 0: has none */
};

/* The kind and sizes of a call. */
struct timed_call timed_call_of(enum op_code, const struct call *);

enum op_code timed_call_op(const struct timed_call *);

bool timed_call_same(const struct timed_call *, const struct timed_call *);

/* Differs for nearly any two calls that are not the same: of a million, two
 * have one hash with a probability of 3e-8. */
uint64_t timed_call_hash(const struct timed_call *);

/* The square of the distance of the kinds of two calls of an operation; 0: both
 * are of one kind. */
double timed_call_apart(const struct timed_call *, const struct timed_call *);

/* The same of their sizes: each dimension that doubles adds 1. */
double timed_call_doublings(const struct timed_call *,
                            const struct timed_call *);

/* As a JSON object, and from one; false if that is none of a call. */
json_t *timed_call_json(const struct timed_call *);
bool timed_call_read(struct timed_call *, const json_t *);

#endif
