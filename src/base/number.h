/*
 * Numbers for people, in a field. A number is never wider than its field, so
 * that its neighbours can be read. It gives up decimals first, then becomes a
 * power of ten, "1.2e30".
 */
#ifndef MEMDIAL_NUMBER_H
#define MEMDIAL_NUMBER_H

enum { NUMBER_SIZE = 32, NUMBER_CELLS_MIN = 6, NUMBER_CELLS_MAX = 24 };

/* Puts commas into a whole number: "1250" to "1,250". */
const char *number_group(char text[NUMBER_SIZE]);

/* Shows `decimals` decimals where they fit, and more where only one digit would
 * not be zero. Whole numbers are in groups, "1,250". */
const char *number_format(char text[NUMBER_SIZE], double value, int decimals,
                          int cells);

/* The shortest form of at most `digits` digits, for axes. */
const char *number_round(char text[NUMBER_SIZE], double value, int digits,
                         int cells);

/* A fraction of 1 in percent, of at most 7 cells: "77.82%". */
const char *number_percent(char text[NUMBER_SIZE], double fraction,
                           int decimals);

/* The least of 1, 2, 5, 10, ... times a power of ten that gives at most `most`
 * steps in a range above 0: between the marks of an axis. */
double number_step(double range, int most);

/* The change of a quantity, of at most 8 cells: "-12.3%", "+0.0%", "=", or
 * "new" if it was nothing. Returns the sign of the printed text, so that a
 * change that reads as none is not shown as one. */
int number_change(char text[NUMBER_SIZE], double from, double to);

#endif
