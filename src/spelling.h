/*
 * The known name nearest to what was typed, for "did you mean". Begin with
 * spelling_init(), offer every known name, then read `nearest`.
 */
#ifndef MEMDIAL_SPELLING_H
#define MEMDIAL_SPELLING_H

struct spelling {
    const char *typed;   /* borrowed */
    const char *nearest; /* borrowed; NULL while none is close enough */
    int distance;        /* of the nearest; the bound while there is none */
};

void spelling_init(struct spelling *, const char *typed);
void spelling_offer(struct spelling *, const char *known);

#endif
