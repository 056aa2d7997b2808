/*
 * Numbers for people, in a field. Whatever a number is, it is not wider than
 * its field, for what is beside it has to be read too: it gives up decimals
 * first, then becomes a power of ten, "1.2e30".
 */
#ifndef MEMDIAL_NUMBER_H
#define MEMDIAL_NUMBER_H

enum { NUMBER_SIZE = 32, NUMBER_CELLS_MIN = 6, NUMBER_CELLS_MAX = 24 };

/* Puts commas into a whole number: "1250" to "1,250". */
const char *number_group(char text[NUMBER_SIZE]);

/* With so many decimals if there is room for them, and with more where one
 * digit would not be zero; whole numbers in groups, "1,250". */
const char *number_format(char text[NUMBER_SIZE], double value, int decimals,
                          int cells);

/* As short as it can be, of at most so many digits: for axes. */
const char *number_round(char text[NUMBER_SIZE], double value, int digits,
                         int cells);

/* A fraction of 1 in percent, of at most 7 cells: "77.82%". */
const char *number_percent(char text[NUMBER_SIZE], double fraction,
                           int decimals);

/* What becomes of something, of at most 8 cells: "-12.3%", "+0.0%", "=", or
 * "new" if it was nothing. Returns the sign of what is printed, so that what
 * reads as no change is not shown as one. */
int number_change(char text[NUMBER_SIZE], double from, double to);

#endif
