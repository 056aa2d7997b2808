/*
 * The control: turns keys and clicks into actions, and carries out those that
 * are the same on every page. The page that is shown gets the others.
 */
#ifndef MEMDIAL_CONTROL_H
#define MEMDIAL_CONTROL_H

#include "ui/term/input.h"
#include "ui/term/keys.h"

struct screen;

void control_input(struct screen *, const struct input *);
void control_act(struct screen *, enum action, int argument);

#endif
