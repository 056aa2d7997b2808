/*
 * The arena of the page Step as a map: addresses against time, each tensor in
 * the colour and pattern of its kind, the chosen one in its letter.
 */
#ifndef MEMDIAL_PANE_MAP_H
#define MEMDIAL_PANE_MAP_H

#include "ui/pages/step_cursor.h"

struct pane_map {
    int rows;            /* of the map when it was last drawn */
};

void pane_map_draw(struct screen *, struct pane_map *, struct step_cursor *,
                   const struct job *, struct area);

/* False: not an action of the map. */
bool pane_map_act(struct pane_map *, struct step_cursor *, const struct job *,
                  enum action, int argument);

#endif
