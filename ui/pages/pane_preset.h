/*
 * The chosen preset of the page Presets: its purpose, memory and changes.
 */
#ifndef MEMDIAL_PANE_PRESET_H
#define MEMDIAL_PANE_PRESET_H

#include "ui/pages/pane_presets.h"

struct pane_preset {
    int scroll, height;              /* of the settings */
    bool all;                        /* settings that are alike too */
};

void pane_preset_draw(struct screen *, struct pane_preset *,
                      const struct pane_presets *, struct area);
void pane_preset_act(struct pane_preset *, enum action);

#endif
