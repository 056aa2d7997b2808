/*
 * The tensors alive in a step of a plan; their bytes add up to the bytes that
 * the plan gives for the step.
 */
#ifndef MEMDIAL_LIVING_H
#define MEMDIAL_LIVING_H

#include "plan/plan.h"

enum { LIVING_SCRATCH = -1, LIVING_ALL = KIND_COUNT };

struct living {
    int instance;        /* or LIVING_SCRATCH: of the step's operation */
    size_t bytes;
};

/* Whether an instance is alive in a step, as the plan counts: storage that is
 * taken over in the step counts as the taker's. */
bool living_in(const struct plan *, int instance, int step);

/* The living tensors of a kind, or of all, the largest first; the caller frees.
 */
struct living *living_find(const struct plan *, int kind, int step,
                           int *count);

/* The tensor's offset in the arena, bytes, and its kind. */
size_t living_offset(const struct plan *, int instance, int step);
enum kind living_kind(const struct plan *, int instance);

/* Names the largest tensors at the peak: "g1.b1.conv1.y 62.5 MiB, ...". */
enum { NAMED = 3, LIVING_TEXT_SIZE = 320 };
void living_name_largest(const struct plan *, char *text, size_t size);

#endif
