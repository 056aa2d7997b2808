/*
 * The box of a sweep: before it begins, which runs there would be, what they
 * take, and the command that does the same elsewhere; from then on, how far it
 * is.
 */
#ifndef MEMDIAL_SWEEP_BOX_H
#define MEMDIAL_SWEEP_BOX_H

struct screen;

/* Opens it for the sweep that goes on, or for the values that are marked. */
void sweep_box_open(struct screen *);

#endif
