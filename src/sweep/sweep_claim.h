/*
 * A claim: a sweep's folder, made and taken for this process alone, where the
 * file system knows of locks. Two that begin the same run would be in each
 * other's way. It holds until it is let go of, or the process ends.
 */
#ifndef MEMDIAL_SWEEP_CLAIM_H
#define MEMDIAL_SWEEP_CLAIM_H

#include <dirent.h>

#include "sweep/sweep.h"

struct sweep_claim {
    DIR *folder;                 /* NULL: nothing is claimed */
};

/* Claims the folder, and makes those of the runs in it. */
bool sweep_claim(struct sweep_claim *, const struct sweep *, struct error *);
void sweep_let_go(struct sweep_claim *);

#endif
