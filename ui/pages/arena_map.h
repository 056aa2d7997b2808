/*
 * A map of the arena: which tensor lies where, and when, as a grid of cells.
 * A cell is a share of the addresses, from the lowest in the last row up, in
 * the step that its column of a timeline stands for. It shows the tensor that
 * has most of it.
 */
#ifndef MEMDIAL_ARENA_MAP_H
#define MEMDIAL_ARENA_MAP_H

#include "plan/living.h"
#include "ui/session/timeline.h"

enum { ARENA_MAP_FREE = -2 };

struct arena_map {
    int rows, cols;
    int *cell;           /* [rows * cols] instance, LIVING_SCRATCH or
                            ARENA_MAP_FREE */
};

/* Draws `rows` rows; arena_map_done frees. */
void arena_map_init(struct arena_map *, const struct plan *,
                    const struct timeline *, int rows);
void arena_map_done(struct arena_map *);

#endif
