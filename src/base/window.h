/*
 * The size of the terminal at standard output, as the terminal tells it. Where
 * it tells none, as on a serial line, LINES and COLUMNS may be exported. These
 * never win over a terminal: they are the size in which a shell began, and the
 * size changes.
 */
#ifndef MEMDIAL_WINDOW_H
#define MEMDIAL_WINDOW_H

/* 0: not known. No more than WINDOW_ROWS_MAX and WINDOW_COLS_MAX. */
enum { WINDOW_ROWS_MAX = 512, WINDOW_COLS_MAX = 2048 };
void window_size(int *rows, int *cols);

/* Its columns, for a text that needs a width anyway: 80 if they are not known.
 */
int window_columns(void);

#endif
