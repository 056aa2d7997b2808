/*
 * Tables: rows of cells under titles, with a chosen row, scrolled to show it,
 * in the order of a column. The rows belong to the page; a table_view has the
 * person's choices.
 */
#ifndef MEMDIAL_TABLE_H
#define MEMDIAL_TABLE_H

#include "ui/pages/screen.h"

struct table_column {
    const char *title;
    int width;
    bool right;          /* numbers */
};

struct table_view {
    int chosen;          /* row as shown, from 0 */
    int scroll;          /* the first row shown */
    int height;          /* rows shown when it was last drawn */
    int sort;            /* column */
    bool reverse;
};

struct table {
    const struct table_column *columns;
    int column_count;
    int row_count;
    const int *order;    /* [row_count] the row at each place; NULL: as is */
    /* Writes a cell and may change its style. */
    void (*cell)(const void *arg, int row, int column, char *text,
                 size_t size, unsigned *style);
    const void *arg;
};

/* Draws titles and the rows that fit. Rows can be clicked (ACTION_ROW, the
 * place in the order) and titles too (ACTION_SORT, the column + 1). */
void table_draw(struct screen *, const struct table *, struct table_view *,
                struct area, bool keys);

/* Carries out Up, Down, PgUp, ..., ROW, SORT and REVERSE. False: the action is
 * not for tables. Choosing the column of the present order reverses it. */
bool table_act(struct table_view *, int row_count, int column_count,
               enum action, int argument);

/* The order of rows by the number that `key` gives them in view->sort; equal
 * rows stay in their order. [row_count]; the caller frees. */
int *table_order(const struct table_view *, int row_count,
                 double (*key)(const void *arg, int row, int column),
                 const void *arg);

#endif
