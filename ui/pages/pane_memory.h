/*
 * The memory of the page Run: bars by kind, on one scale, for the bytes
 * touched, planned and compared with; and a row for each figure, which Enter
 * explains.
 */
#ifndef MEMDIAL_PANE_MEMORY_H
#define MEMDIAL_PANE_MEMORY_H

#include "ui/pages/screen.h"

struct pane_memory {
    int row;             /* chosen: a kind, or one of the rows after them */
    int scroll;
    uint64_t budget;     /* where a person drags it to; 0: nowhere */
};

/* The peak is chosen at first. */
void pane_memory_init(struct pane_memory *);

void pane_memory_draw(struct screen *, struct pane_memory *, struct area);
void pane_memory_act(struct screen *, struct pane_memory *, enum action,
                     int argument);

#endif
