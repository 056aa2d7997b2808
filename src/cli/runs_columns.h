/*
 * The columns of a list of runs: one table from which the list for people, JSON
 * and CSV, the order and the filters follow. A value is JSON, null where it is
 * not known; for people it is shown in the manner of its column.
 */
#ifndef MEMDIAL_RUNS_COLUMNS_H
#define MEMDIAL_RUNS_COLUMNS_H

#include <jansson.h>

#include "base/condition.h"
#include "events/record.h"

/* A plain value is a text. */
enum column_manner { COLUMN_PLAIN, COLUMN_NUMBER, COLUMN_BYTES, COLUMN_DURATION,
                     COLUMN_DATE, COLUMN_SCORE, COLUMN_TIME, COLUMN_LOSS,
                     COLUMN_PERCENT, COLUMN_BLEU, COLUMN_TURNS };

struct runs_column {
    const char *name;
    enum column_manner manner;
    int cells;                   /* of the list for people; 0: not there; below
                                    0: aligned to the left */
    json_t *(*value)(const struct record *); /* a new reference */
    const char *help;            /* one line, for the manual */
};

extern const struct runs_column runs_columns[];
extern const int runs_column_count;

/* A column of that name, or NULL. */
const struct runs_column *runs_column_find(const char *name);

/* The settings that differ from those of the run's preset, as --set takes them;
 * "" where the preset is not known any more. */
enum { RUNS_CHANGES_SIZE = 512 };
const char *runs_changes(const struct record *,
                         char text[RUNS_CHANGES_SIZE]);

/* The value for people. */
enum { RUNS_TEXT_SIZE = 640 };
const char *runs_column_text(const struct runs_column *, const struct record *,
                             char text[RUNS_TEXT_SIZE]);

/* Whether runs are in order by a column, as strcmp() tells it, times `sign`, 1
 * or -1; runs without a value are last in both. */
int runs_column_compare(const struct runs_column *, int sign,
                        const struct record *, const struct record *);

/* What runs are to have: a column or a setting that meets a condition; or a
 * word in their name, label, tags, preset or changed settings. */
struct runs_filter {
    const struct runs_column *column;    /* or NULL */
    const struct setting *setting;       /* or NULL; neither: a word */
    struct condition condition;
    const char *word;                    /* borrowed */
};

bool runs_filter_parse(struct runs_filter *, const char *text,
                       struct error *);
bool runs_filter_meets(const struct runs_filter *, const struct record *);

/* All columns as an object. */
json_t *runs_columns_json(const struct record *);

/* Prints a field of CSV, in quotes where it needs them, null as nothing, with a
 * comma or the end of the line. Releases the value. */
void runs_print_csv(json_t *value, bool last);

#endif
