/*
 * The frame around the panes: tabs above, state and hints below, popups and
 * questions on top.
 */
#ifndef MEMDIAL_FRAME_H
#define MEMDIAL_FRAME_H

struct screen;

/* Draws the frame, and the panes of the page, into screen->cells. */
void frame_draw(struct screen *);

#endif
