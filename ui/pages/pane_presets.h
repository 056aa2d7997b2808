/*
 * The list of the page Presets: all that there are, the user's own first, and
 * what each would take. That is a candidate of the session, which has as many
 * of them as there are presets that could be read.
 */
#ifndef MEMDIAL_PANE_PRESETS_H
#define MEMDIAL_PANE_PRESETS_H

#include <time.h>

#include "settings/preset.h"
#include "ui/pages/screen.h"

struct pane_presets {
    struct preset_entry *list;       /* owned, [count] */
    int *candidate;                  /* owned, [count]; -1: cannot be read */
    int count;
    struct timespec changed;         /* of the user's folder; 0: none */
    char data_path[SETTINGS_TEXT_SIZE]; /* that is filled in */
    int chosen, scroll, height;      /* in presets */
};

void pane_presets_done(struct pane_presets *);

/* Reads all presets anew; the choice stays on the one of that name. */
void pane_presets_reload(struct session *, struct pane_presets *);

/* The same, if there is something new in them. */
void pane_presets_keep_up(struct session *, struct pane_presets *);

void pane_presets_choose(struct pane_presets *, const char *name);

/* What the chosen one would take; NULL: not here yet, or there can be none. */
const struct forecast *pane_presets_forecast(const struct session *,
                                             const struct pane_presets *);

void pane_presets_draw(struct screen *, struct pane_presets *, struct area,
                       bool keys);

/* To another row. */
void pane_presets_act(struct pane_presets *, enum action, int argument);

#endif
