/*
 * The dials of the page Run: the settings that can change in the run, and the
 * memory that one step either way would take.
 */
#ifndef MEMDIAL_PANE_DIALS_H
#define MEMDIAL_PANE_DIALS_H

#include "ui/pages/screen.h"

struct pane_dials {
    bool more;           /* the second page of dials */
    int scroll;          /* first dial shown */
};

void pane_dials_draw(struct screen *, struct pane_dials *, struct area);
void pane_dials_act(struct screen *, struct pane_dials *, enum action,
                    int argument);

/* Turns a dial, the chosen one if `number` is 0, else number - 1. */
void pane_dials_turn(struct screen *, struct pane_dials *, int number,
                     enum dial_turn);

#endif
