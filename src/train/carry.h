/*
 * State carried over from one executor to another when settings change in the
 * middle of a run: by name of value, cast to the type it is stored in now.
 */
#ifndef MEMDIAL_CARRY_H
#define MEMDIAL_CARRY_H

#include "train/executor.h"

/* Copies all state of the same model. A weight goes on from its fp32 copy,
 * where there is one. State that is new keeps its value. The seed is for the
 * places of new nonzeros. */
void carry_state(const struct executor *from, const struct executor *to,
                 uint64_t seed);

#endif
