/*
 * The sawtooth of a training step: the bytes alive at each step of a timeline,
 * as areas stacked by kind of memory, and a band that shows the phases of the
 * steps.
 */
#ifndef MEMDIAL_SAWTOOTH_H
#define MEMDIAL_SAWTOOTH_H

#include "ui/session/timeline.h"
#include "ui/term/cells.h"

/* Fills the area, whose upper edge is `top` bytes. */
void sawtooth_draw(const struct plan *, const struct timeline *, double top,
                   struct area);

/* The character that the band of a phase is drawn with. */
const char *sawtooth_band(enum phase);
unsigned sawtooth_role(enum phase);

/* Fills a row. */
void sawtooth_phases(const struct plan *, const struct timeline *,
                     struct area, int row);

#endif
