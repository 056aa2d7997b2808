/*
 * Marks: values of settings that a sweep is to combine, as a person marks them
 * in the lists of dials. They are in the order of the table of settings, and
 * those of one setting in the order of their values.
 */
#ifndef MEMDIAL_MARKS_H
#define MEMDIAL_MARKS_H

#include "settings/settings.h"

struct marked {
    const struct setting *setting;
    double order;                    /* settings_number() */
    char value[64];                  /* as --over takes it */
};

struct marks {
    struct marked *list;             /* owned, [count] */
    int count;
};

void marks_done(struct marks *);

/* Marks the value that settings have in a row, which is no text, or no more. */
void marks_toggle(struct marks *, const struct settings *,
                  const struct setting *);

/* Whether that value is marked. */
bool marks_has(const struct marks *, const struct settings *,
               const struct setting *);

/* How many values of a setting are. */
int marks_of(const struct marks *, const struct setting *);

#endif
