/*
 * The known name nearest to a typed name, for "did you mean". Begin with
 * spelling_init(), offer every known name, then read `nearest`.
 */
#ifndef MEMDIAL_SPELLING_H
#define MEMDIAL_SPELLING_H

#include "base/error.h"

struct spelling {
    const char *typed;   /* borrowed */
    const char *nearest; /* borrowed; NULL while none is close enough */
    int distance;        /* of the nearest; a bound while there is none */
};

void spelling_init(struct spelling *, const char *typed);
void spelling_offer(struct spelling *, const char *known);

/* Sets the error that no `what` has the typed name. It suggests the nearest
 * name, or else says `otherwise`. Returns false. */
bool spelling_refuse(const struct spelling *, const char *what,
                     const char *otherwise, struct error *);

#endif
