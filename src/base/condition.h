/*
 * A condition that something meets or not: the name of a quantity, one of
 * = != < > <= >=, and a value, as in state=done and peak<20MiB. Numbers are
 * compared as numbers, in bytes or percent where the value says so, and texts
 * letter by letter.
 */
#ifndef MEMDIAL_CONDITION_H
#define MEMDIAL_CONDITION_H

#include <stdbool.h>

enum { CONDITION_NAME_SIZE = 64 };

enum relation { RELATION_EQUAL, RELATION_UNEQUAL, RELATION_LESS, RELATION_MORE,
                RELATION_AT_MOST, RELATION_AT_LEAST };

struct condition {
    char name[CONDITION_NAME_SIZE];
    enum relation relation;
    const char *value;           /* borrowed; may be empty */
};

/* False: the text is no condition. The value is a part of it. */
bool condition_parse(struct condition *, const char *text);

/* Whether the value is a number, as one of bytes or in percent too. */
bool condition_has_number(const struct condition *);

bool condition_meets_text(const struct condition *, const char *text);

/* NAN meets none. A value that is no number is compared with `text`. */
bool condition_meets_number(const struct condition *, double number,
                            const char *text);

/* Of a list of texts; `has`: one of them is the value. */
bool condition_meets_any(const struct condition *, bool has);

#endif
