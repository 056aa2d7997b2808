/*
 * An error of the user's input or of the device: one line that says where,
 * what, and what to do, and the exit code that fits it. Functions that can
 * fail so return false and fill in a struct error; only main.c exits.
 */
#ifndef MEMDIAL_ERROR_H
#define MEMDIAL_ERROR_H

#include <stdbool.h>

enum exit_code {
    EXIT_OK = 0,
    EXIT_RUN = 1,        /* failed at run time */
    EXIT_INPUT = 2,      /* usage or bad input */
    EXIT_BUDGET = 3,     /* over budget */
    EXIT_ASSERTION = 4   /* an assertion that was asked for failed */
};

/* Room for a message with one or two paths. */
enum { ERROR_TEXT_SIZE = 2048 };

/* Why an error is, for a program that can do more than show it. */
enum error_reason {
    REASON_OTHER,
    REASON_DATA,         /* the files of a data set: absent, or not as they
                            should be */
    REASON_COUNT
};

struct error {
    enum exit_code code;
    enum error_reason reason;
    char text[ERROR_TEXT_SIZE];
};

/* Fills in *e (which may be NULL), for REASON_OTHER, and returns false, to
 * `return error_set()`. A message that is too long loses its middle. */
bool error_set(struct error *e, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the reason of *e (which may be NULL), and returns false. */
bool error_because(struct error *e, enum error_reason reason);

/* Ends the program with one line: the host is out of memory. Functions called
 * at exit restore the terminal and remove temporary files. */
void error_no_memory(void) __attribute__((noreturn));

/* Registers `say`, called before error_no_memory() prints its line, for people
 * who would not see it: they read standard output alone, or look at screens. It
 * must not allocate. */
void error_last_words(void (*say)(const char *message));

/* malloc and realloc that end the program with one line when the host is out
 * of memory; used while building, never in the step loop. */
void *xcalloc(unsigned long count, unsigned long size);
void *xrealloc(void *old, unsigned long count, unsigned long size);

/* Room for one more element in an array of `count`: arrays double, at powers of
 * two. */
void *xgrow(void *array, int count, unsigned long size);

char *xstrdup(const char *text);

/* Frees an owned text and puts a copy of `text` (NULL for NULL), which may be
 * part of the old one, in its place. A text in its own place stays: others may
 * have borrowed it. */
void xreplace(char **owned, const char *text);

#endif
