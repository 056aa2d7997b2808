/*
 * Listings: the tables of a report, as text. Every form of a report has the
 * same. A cell that is a number has it in full too, for programs.
 */
#ifndef MEMDIAL_LISTING_H
#define MEMDIAL_LISTING_H

#include "report/report.h"

struct listing_column {
    char *heading;               /* owned */
    const char *name;            /* for programs: that of the column of `runs
                                    list`, where it has the same numbers */
    bool right;                  /* numbers are aligned to the right */
};

struct listing_cell {
    char *text;                  /* owned */
    double number;               /* NAN: it is none */
};

struct listing {
    const char *title;
    struct listing_column *columns; /* owned, [column_count] */
    int column_count;
    struct listing_cell *cells;  /* owned, [row_count][column_count] */
    int cell_count, row_count;
};

void listing_done(struct listing *);

/* The listings of a group, in their order: bytes at the peak, by kind; what the
 * runs came to; scores, epoch by epoch. */
enum { LISTING_MEMORY, LISTING_RESULTS, LISTING_SCORES, LISTING_COUNT };
void listing_make(struct listing *, int which, const struct report *,
                  const struct group *);

/* The machines, and which entries are of each; runs without any entry. */
void listing_machines(struct listing *, const struct report *);
void listing_others(struct listing *, const struct report *);

#endif
