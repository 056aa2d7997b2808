/*
 * Targets that kernels are tried on: an instruction set of the CPU, or CUDA on
 * an emulated device or on a real one.
 */
#ifndef MEMDIAL_TESTS_TARGET_H
#define MEMDIAL_TESTS_TARGET_H

#include "kernels/kernels.h"

struct target {
    const char *name;    /* of the instruction set, on the CPU */
    const struct backend *backend;
    int max_threads;
    const char *module;  /* of CUDA, the variable that names the module */
    bool in_host_memory; /* the host can read the arena directly */
    double tolerance;    /* of sums, in roundings of the magnitude */
};

/* Has the backend be the target from now on; false if that was not built. */
bool target_choose(const struct target *);

/* Opens its device; NULL if this machine does not have it. That of a module is
 * opened once in a process, and stays open until its end. */
struct device *target_open(const struct target *, int threads);
void target_close(const struct target *, struct device *);

#endif
