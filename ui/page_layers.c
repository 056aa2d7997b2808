/*
 * The page Layers.
 */
#include "screen.h"

static void draw(struct screen *screen, void *state, int pane,
                 struct area area)
{
    (void)screen;
    (void)state;
    (void)pane;
    (void)area;
}

static void act(struct screen *screen, void *state, enum action action,
                int argument)
{
    (void)screen;
    (void)state;
    (void)action;
    (void)argument;
}

const struct page page_layers = { .name = "Layers", .draw = draw, .act = act };
