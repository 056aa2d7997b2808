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

/* Room for a path or two and the trouble with them. */
enum { ERROR_TEXT_SIZE = 2048 };

/* For what a program may want to do about an error, beside showing it. */
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
 * `return error_set()`. What does not fit is left out of the middle. */
bool error_set(struct error *e, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says why *e (which may be NULL) is, and returns false. */
bool error_because(struct error *e, enum error_reason reason);

/* Ends the program with one line: the host is out of memory. What is done at
 * exit restores the terminal and removes temporary files. */
void error_no_memory(void) __attribute__((noreturn));

/* Has `say` called before that, by whoever keeps people from seeing the line:
 * they read standard output alone, or see screens. It must not need memory. */
void error_last_words(void (*say)(const char *message));

/* malloc and realloc that end the program with one line when the host is out
 * of memory; used while building, never in the step loop. */
void *xcalloc(unsigned long count, unsigned long size);
void *xrealloc(void *old, unsigned long count, unsigned long size);
char *xstrdup(const char *text);

/* Puts a copy of the text, or NULL for NULL, in the place of an owned one,
 * which may be part of the text. */
void xreplace(char **owned, const char *text);

#endif
