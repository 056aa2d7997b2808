/*
 * The terminal: the only file that knows curses. Shows a grid of cells, reads
 * keys and clicks, and restores the terminal whenever the program ends: by
 * itself, by exit(), by a signal, in a crash, or for a while by Ctrl-Z. There
 * is one terminal, so there is no struct for it.
 */
#ifndef MEMDIAL_TERMINAL_H
#define MEMDIAL_TERMINAL_H

#include <poll.h>

#include "base/error.h"
#include "ui/term/input.h"
#include "ui/term/theme.h"

/* Refuses, and names `instead`, a command, if input or output is no terminal or
 * the terminal cannot show screens. */
bool terminal_start(bool mouse, const char *instead, struct error *);
void terminal_stop(void);

/* The glyphs that the locale and the terminal allow. */
enum glyphs terminal_glyphs(void);

void terminal_size(int *rows, int *cols);

/* Shows a frame: sends the cells that differ from the last one. */
void terminal_show(const struct cells *, enum theme);

/* Sends everything with the next frame. */
void terminal_repaint(void);

/*
 * Waits until the terminal, a signal or one of `fds` has something, at most
 * `milliseconds`; -1: for ever. Stops and goes on by itself when told to.
 */
enum { TERMINAL_MOST_FDS = 5 };
void terminal_wait(struct pollfd *fds, int count, int milliseconds);

/* The next input; false if there is no more. Never waits. */
bool terminal_read(struct input *);

/* The signal that asks the program to end, or 0. */
int terminal_signal(void);

#endif
