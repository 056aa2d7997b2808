/*
 * An inquiry: the questions of a session to whatif.c, and its answers. They
 * come in any order, and some when nobody asks any more.
 */
#ifndef MEMDIAL_INQUIRY_H
#define MEMDIAL_INQUIRY_H

#include "ui/session/session.h"
#include "ui/session/whatif.h"

/* Lists the open questions, the most urgent first, with those about `dial`
 * first among equals; returns the number. [inquiry_most()] */
int inquiry_most(void);
int inquiry_list(const struct session *, int dial, struct question *);

/* The answer to one of them, which the session takes over. */
void inquiry_answer(struct session *, int tag, struct forecast *);

#endif
