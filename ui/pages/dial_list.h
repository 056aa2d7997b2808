/*
 * The values of a dial, as a popup: the bytes and the time that each would
 * take, and its price. Enter takes the chosen one; another can be typed; some
 * can be marked for a sweep.
 */
#ifndef MEMDIAL_DIAL_LIST_H
#define MEMDIAL_DIAL_LIST_H

#include "ui/pages/screen.h"

/* Lists the values of the chosen dial, screen->dial. */
void dial_list_open(struct screen *);

/* Asks for a value of it. */
void dial_list_ask(struct screen *);

#endif
