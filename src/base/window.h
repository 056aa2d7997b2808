/*
 * The size of the terminal at standard output. What it says of itself holds;
 * what it does not, as on a serial line, may be exported in LINES and COLUMNS.
 * These never win over a terminal: it changes, and they are of the one that a
 * shell began in.
 */
#ifndef MEMDIAL_WINDOW_H
#define MEMDIAL_WINDOW_H

/* 0: not known. No more than WINDOW_ROWS_MAX and WINDOW_COLS_MAX. */
enum { WINDOW_ROWS_MAX = 512, WINDOW_COLS_MAX = 2048 };
void window_size(int *rows, int *cols);

#endif
