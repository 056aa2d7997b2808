/*
 * The figure of memory: a bar for each entry, in parts by kind.
 */
#ifndef MEMDIAL_FIGURE_MEMORY_H
#define MEMDIAL_FIGURE_MEMORY_H

#include "report/figure_style.h"

/* At most this many entries have a bar. */
enum { FIGURE_BARS = 40 };

double figure_memory_height(const struct group *, struct look);
void figure_memory_draw(struct sheet *, const struct report *,
                        const struct group *, double x, double y, struct look);

#endif
