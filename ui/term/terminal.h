/*
 * The terminal: the only file that knows curses. Shows a grid of cells, reads
 * keys and clicks, and gives the terminal back as it was however the program
 * ends: by its own will, by exit(), by a signal, in a crash, or for a while by
 * Ctrl-Z. There is one terminal, so there is no struct of it.
 */
#ifndef MEMDIAL_TERMINAL_H
#define MEMDIAL_TERMINAL_H

#include <poll.h>

#include "base/error.h"
#include "ui/term/input.h"
#include "ui/term/theme.h"

/* Refuses, saying what to use instead, if input or output is no terminal or
 * is one that cannot show screens. `instead` is a command. */
bool terminal_start(bool mouse, const char *instead, struct error *);
void terminal_stop(void);

/* What the locale lets the terminal draw. */
enum glyphs terminal_glyphs(void);

void terminal_size(int *rows, int *cols);

/* Shows a frame: sends what differs from the last one. */
void terminal_show(const struct cells *, enum theme);

/* Sends everything with the next frame. */
void terminal_repaint(void);

/*
 * Waits until the terminal, a signal or one of `fds` has something, at most
 * `milliseconds`; -1: for ever. Stops and goes on by itself when told to.
 */
enum { TERMINAL_MOST_FDS = 4 };
void terminal_wait(struct pollfd *fds, int count, int milliseconds);

/* The next thing that was done; false if there is no more. Never waits. */
bool terminal_read(struct input *);

/* The signal that wants the program to end, or 0. */
int terminal_signal(void);

#endif
