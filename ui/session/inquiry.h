/*
 * An inquiry: what a session would know of whatif.c, and what becomes of the
 * answers. They come in any order, and some when nobody asks any more.
 */
#ifndef MEMDIAL_INQUIRY_H
#define MEMDIAL_INQUIRY_H

#include "ui/session/session.h"
#include "ui/session/whatif.h"

/* Lists the questions that are open, most urgent first, and of them those
 * about `dial` first; returns how many. [inquiry_most()] */
int inquiry_most(void);
int inquiry_list(const struct session *, int dial, struct question *);

/* The answer to one of them, which the session takes over. */
void inquiry_answer(struct session *, int tag, struct forecast *);

#endif
