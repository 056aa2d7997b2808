/*
 * Pieces of text for people: counts, durations, bars. Bars are drawn with
 * block characters where the output is a terminal whose locale can show them,
 * with '#' elsewhere.
 */
#ifndef MEMDIAL_TEXT_H
#define MEMDIAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_COUNT_SIZE = 32, TEXT_DURATION_SIZE = 32, TEXT_RATIO_SIZE = 32,
       TEXT_BAR_CELLS_MAX = 80,
       TEXT_BAR_SIZE = 4 * TEXT_BAR_CELLS_MAX + 1 };

/* The letters of a number from 0 up: A to Z, AA, AB, ... */
enum { TEXT_LETTERS_SIZE = 8 };
const char *text_letters(char text[TEXT_LETTERS_SIZE], int number);

/* "1,467,610" */
const char *text_count(char text[TEXT_COUNT_SIZE], int64_t count);

/* "none, block or sqrt"; `last` stands before the last word. A list that does
 * not fit is cut. */
const char *text_list(char *text, size_t size, const char *const *words,
                      int count, const char *last);

/* "0:07", "12:34", "3:04:05", "4 days"; at most 10 cells. */
const char *text_duration(char text[TEXT_DURATION_SIZE], double seconds);

/* "2026-11-29 09:45:12", in the time zone of this machine, of Unix seconds. */
enum { TEXT_DATE_SIZE = 32 };
const char *text_date(char text[TEXT_DATE_SIZE], int64_t seconds);

/* The time of a step: "0.87 ms", "123 ms", "4.57 s"; at most 8 cells. */
enum { TEXT_TIME_SIZE = 32 };
const char *text_time(char text[TEXT_TIME_SIZE], double seconds);

/* A ratio below it is shown as no change. */
#define TEXT_RATIO_LEAST 1.005

/* A quantity divided by a factor: "2.05x less than", "1.30x more than", or "as
 * much as" where no printed digit differs. */
const char *text_ratio(char text[TEXT_RATIO_SIZE], double factor);

/* `share` (0 to 1) of `cells` character cells, filled up with spaces. */
const char *text_bar(char text[TEXT_BAR_SIZE], double share, int cells);

/* Whether the locale can show more than ASCII. */
bool text_is_utf8(void);

/* The result of text_decode() for bytes that are no character. */
enum { TEXT_NO_CHARACTER = 0x110000 };

/* Reads a character of UTF-8 from `length` bytes, at least 1, and returns how
 * many bytes it takes. A truncated character counts as one. */
size_t text_decode(const char *text, size_t length, uint32_t *character);

/* The bytes of a text's first characters, `most` at most, for "%.*s". */
int text_cut(const char *text, int most);

/* How many characters a text has. */
size_t text_characters(const char *text);

/* Whether a terminal can be given the character: it takes a place of its own or
 * marks the one before it, but does nothing else. */
bool text_can_show(uint32_t character);

/*
 * A character with its marks, as a terminal is given it: it takes a place of
 * its own on a line. '?' replaces characters that text_can_show() refuses,
 * characters beyond the locale, and marks without a character. Terminals differ
 * on characters that join emoji or choose a form or a skin colour: these are
 * left out, so that terminals agree on the rest. Letters stand for a flag.
 */
enum { TEXT_MARKS_MAX = 4, TEXT_CELL_SIZE = 4 * (1 + TEXT_MARKS_MAX) + 1 };

struct text_cell {
    char text[TEXT_CELL_SIZE];
    int columns;                     /* 1 or 2 */
    uint32_t character;              /* without its marks, even if '?' is shown
                                        because of the locale */
};

/* Reads a cell from `length` bytes, at least 1; returns the bytes it takes. */
size_t text_cell(const char *text, size_t length, struct text_cell *);

/* Whether a byte of UTF-8 continues the character of the byte before. */
bool text_continues(char byte);

/* The columns that `length` bytes of text take on a terminal. */
int text_columns(const char *text, size_t length);

/* Encodes a character, with a final NUL. */
enum { TEXT_CHARACTER_SIZE = 5 };
size_t text_encode(uint32_t character, char text[TEXT_CHARACTER_SIZE]);

/*
 * Copies text of unknown origin as one line that any terminal can be given: '?'
 * replaces each character that cannot be shown, and bytes that are no
 * character. Characters that do not fit into `size` bytes are left out.
 */
void text_clean(char *to, size_t size, const char *from, size_t length);

/* The same of the last line that is more than space; "" if there is none. */
void text_clean_last(char *to, size_t size, const char *from);

/* Whether a text has control characters, line ends among them. */
bool text_has_control(const char *text);

#endif
