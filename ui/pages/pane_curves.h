/*
 * The curves of the page Run: score and loss of this run, drawn over earlier
 * runs, with a mark where a dial was changed.
 */
#ifndef MEMDIAL_PANE_CURVES_H
#define MEMDIAL_PANE_CURVES_H

#include "ui/pages/screen.h"

struct pane_curves {
    bool has_cursor;
    double cursor;       /* in the unit of the x axis */
    double x_max;        /* of the charts when they were last drawn */
};

void pane_curves_draw(struct screen *, struct pane_curves *, struct area);
void pane_curves_act(struct screen *, struct pane_curves *, enum action);

#endif
