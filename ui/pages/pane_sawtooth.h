/*
 * The bytes alive of the page Step: the sawtooth of one training step, its
 * peak, and the step at the cursor.
 */
#ifndef MEMDIAL_PANE_SAWTOOTH_H
#define MEMDIAL_PANE_SAWTOOTH_H

#include "ui/pages/step_cursor.h"

void pane_sawtooth_draw(struct screen *, struct step_cursor *,
                        const struct job *, struct area);

#endif
