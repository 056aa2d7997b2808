/*
 * Calls of one kernel on a device, each in an arena of its own, compared with
 * the reference.
 *
 * Before a call, outputs, scratch and a guard around each hold NaN patterns. So
 * a test notices bytes that are not written, or read by mistake.
 */
#ifndef MEMDIAL_TESTS_OP_TRIAL_H
#define MEMDIAL_TESTS_OP_TRIAL_H

#include "tests/op_problem.h"
#include "tests/target.h"

/* Makes a call twice, which must give the same bits, and compares the results.
 * The output takes the storage of slot `shared`; of none if that is -1. Names
 * any fault; returns whether there is none. */
bool check_call(const struct problem *, const struct target *,
                struct device *, int threads, int shared);

#endif
