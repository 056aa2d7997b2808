/*
 * Calls of one kernel on a device, each in an arena of its own, compared with
 * the reference.
 *
 * Before a call, outputs, scratch and a guard around each hold NaN patterns:
 * what is left unwritten, or read and not meant to be, shows.
 */
#ifndef MEMDIAL_TESTS_OP_TRIAL_H
#define MEMDIAL_TESTS_OP_TRIAL_H

#include "tests/op_problem.h"
#include "tests/target.h"

/* Calls twice, which must give the same bits, and compares. The output takes
 * the storage of slot `shared`; of none if that is -1. Says what is wrong;
 * returns whether nothing is. */
bool check_call(const struct problem *, const struct target *,
                struct device *, int threads, int shared);

#endif
