/*
 * The list of the page Presets: all presets, the user's own first, and the
 * memory that each would take. For its forecast each preset that can be read is
 * a candidate of the session.
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
    char data_path[SETTINGS_TEXT_SIZE]; /* filled in for the presets */
    int chosen, scroll, height;      /* in presets */
};

void pane_presets_done(struct pane_presets *);

/* Reads all presets anew; the choice stays on the preset of that name. */
void pane_presets_reload(struct session *, struct pane_presets *);

/* Reads them anew if the user's folder has changed. */
void pane_presets_keep_up(struct session *, struct pane_presets *);

void pane_presets_choose(struct pane_presets *, const char *name);

/* The chosen preset's forecast; NULL: not here yet, or it has none. */
const struct forecast *pane_presets_forecast(const struct session *,
                                             const struct pane_presets *);

void pane_presets_draw(struct screen *, struct pane_presets *, struct area,
                       bool keys);

/* Moves to another row. */
void pane_presets_act(struct pane_presets *, enum action, int argument);

#endif
