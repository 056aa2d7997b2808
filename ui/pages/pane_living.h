/*
 * The tensors alive at the cursor of the page Step: the operation, the bytes of
 * each kind, and the tensors, the largest first.
 */
#ifndef MEMDIAL_PANE_LIVING_H
#define MEMDIAL_PANE_LIVING_H

#include "ui/pages/step_cursor.h"

struct pane_living {
    int scroll, rows;    /* of the list when it was last drawn */
};

void pane_living_draw(struct screen *, struct pane_living *,
                      struct step_cursor *, const struct job *, struct area);

/* False: not an action of the list. */
bool pane_living_act(struct screen *, struct pane_living *,
                     struct step_cursor *, const struct job *, enum action,
                     int argument);

/* Opens a popup about the chosen tensor. */
void pane_living_explain(struct screen *, const struct step_cursor *,
                         const struct job *);

#endif
