/*
 * The places of the parts of a frame: a function of the size, the page and,
 * where there is room for one pane only, the pane that has the keys.
 */
#ifndef MEMDIAL_LAYOUT_H
#define MEMDIAL_LAYOUT_H

#include "ui/term/cells.h"
#include "ui/term/keys.h"

/* The sizes of terminals that differ in their layout. */
enum size_class {
    SIZE_LINE,           /* no pages: the run's state, in the rows there are */
    SIZE_TABS,           /* from 40x10: one pane at a time */
    SIZE_STANDARD,       /* from 80x24 */
    SIZE_FULL            /* from 100x30: all panes */
};

enum { LAYOUT_PANES = 3, LAYOUT_LEAST_ROWS = 10, LAYOUT_LEAST_COLS = 40 };

/* Panes of the Run page. */
enum { PANE_DIALS, PANE_MEMORY, PANE_CURVES };

/* Panes of the Step page. */
enum { PANE_SAWTOOTH, PANE_MAP, PANE_LIVING };

struct layout {
    enum size_class size;
    struct rect tabs;    /* names of the pages, and the state of the run */
    struct rect body;
    struct rect pane[LAYOUT_PANES]; /* of the body; no rows: not shown */
    struct rect switcher; /* names of the panes, if one is shown at a time */
    struct rect status;
    struct rect hints;
};

enum size_class layout_size(int rows, int cols);

/* The number of panes of a page, and their names. */
int layout_panes(enum page_id);
const char *layout_pane_name(enum page_id, int pane);

struct layout layout_make(int rows, int cols, enum page_id, int pane);

#endif
