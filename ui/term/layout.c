#include "ui/term/layout.h"

#include <stddef.h>

static const char *const pane_names[PAGE_COUNT][LAYOUT_PANES + 1] = {
    [PAGE_RUN] = { "Dials", "Memory", "Curves" },
    [PAGE_STEP] = { "Bytes alive", "Arena", "At the cursor" },
    [PAGE_LAYERS] = { "Layers" },
    [PAGE_RUNS] = { "Settings tried", "Memory and score" },
    [PAGE_PRESETS] = { "Presets", "Settings" },
    [PAGE_FIT] = { "Settings that fit", "Bytes and seconds" },
};

enum size_class layout_size(int rows, int cols)
{
    if (rows >= 30 && cols >= 100)
        return SIZE_FULL;
    if (rows >= 24 && cols >= 80)
        return SIZE_STANDARD;
    return rows >= LAYOUT_LEAST_ROWS && cols >= LAYOUT_LEAST_COLS
               ? SIZE_TABS : SIZE_LINE;
}

int layout_panes(enum page_id page)
{
    int n = 0;

    while (pane_names[page][n])
        n++;
    return n;
}

const char *layout_pane_name(enum page_id page, int pane)
{
    return pane_names[page][pane];
}

/* Cuts `cols` from the left, or `rows` from the top, and leaves the rest. */
static struct rect cut_left(struct rect *from, int cols)
{
    struct rect left = { from->row, from->col, from->rows, cols };

    from->col += cols;
    from->cols -= cols;
    return left;
}

static struct rect cut_top(struct rect *from, int rows)
{
    struct rect top = { from->row, from->col, rows, from->cols };

    from->row += rows;
    from->rows -= rows;
    return top;
}

static int between(int least, int value, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* The dials are at the left, memory above curves. */
static void place_run(struct layout *l, struct rect rest)
{
    bool full = l->size == SIZE_FULL;

    l->pane[PANE_DIALS] =
        cut_left(&rest, full ? between(40, rest.cols * 36 / 100, 48) : 36);
    l->pane[PANE_MEMORY] =
        cut_top(&rest, full ? between(15, rest.rows - 14, 21) : 12);
    l->pane[PANE_CURVES] = rest;
}

/* The sawtooth is above the map, the tensors at the cursor at the right; or,
 * without room, below one of the two. */
static void place_step(struct layout *l, struct rect rest, int pane)
{
    bool full = l->size == SIZE_FULL;

    if (full) {
        struct rect left = cut_left(&rest, rest.cols - 38);
        l->pane[0] = cut_top(&left, left.rows * 55 / 100);
        l->pane[1] = left;
    } else {
        l->pane[pane == 1] = cut_top(&rest, rest.rows * 60 / 100);
    }
    l->pane[2] = rest;
}

static void place_two(struct layout *l, struct rect rest, int first)
{
    l->pane[0] = cut_left(&rest, first);
    l->pane[1] = rest;
}

static void place_runs(struct layout *l, struct rect rest)
{
    l->pane[0] = cut_top(&rest, rest.rows / 2);
    l->pane[1] = rest;
}

static void place_panes(struct layout *l, enum page_id page, int pane)
{
    switch (page) {
    case PAGE_RUN:
        place_run(l, l->body);
        break;
    case PAGE_STEP:
        place_step(l, l->body, pane);
        break;
    case PAGE_RUNS:
    case PAGE_FIT:
        place_runs(l, l->body);
        break;
    case PAGE_PRESETS:
        place_two(l, l->body, between(28, l->body.cols / 3, 44));
        break;
    default:
        l->pane[0] = l->body;
        break;
    }
}

struct layout layout_make(int rows, int cols, enum page_id page, int pane)
{
    struct layout l = { .size = layout_size(rows, cols) };
    struct rect rest = { 0, 0, rows, cols };

    if (l.size == SIZE_LINE) {
        l.status = cut_top(&rest, rows > 0);
        return l;
    }
    l.tabs = cut_top(&rest, 1);
    l.body = cut_top(&rest, rest.rows - 2);
    l.status = cut_top(&rest, 1);
    l.hints = rest;
    if (l.size > SIZE_TABS) {
        place_panes(&l, page, pane);
    } else {
        rest = l.body;
        if (layout_panes(page) > 1)
            l.switcher = cut_top(&rest, 1);
        l.pane[pane] = rest;
    }
    return l;
}
