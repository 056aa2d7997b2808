#include "ui/pages/table.h"

#include <stdlib.h>
#include <string.h>

#include "ui/term/scroll.h"

enum { GAP = 2, TEXT_SIZE = 256 };

static void keep_in_view(struct table_view *v, int row_count, int height)
{
    v->height = height;
    v->chosen = scroll_row(v->chosen, row_count);
    v->scroll = scroll_keep(v->scroll, v->chosen, row_count, height);
}

static void draw_title(struct screen *s, const struct table_view *v,
                       const struct table_column *c, int column,
                       struct area area, int col)
{
    const char *arrow = v->sort != column ? "" : v->reverse ? "▼" : "▲";
    int width = cells_width(c->title) + cells_width(arrow);
    int at = c->right ? col + c->width - width : col;

    area_text(area, 0, area_text(area, 0, at, ROLE_DIM, c->title), ROLE_KEY,
              arrow);
    screen_target(s, area, 0, col, 1, c->width, ACTION_SORT, column + 1);
}

static void table_draw_row(const struct table *t, int row, struct area area,
                           int y)
{
    int col = 1;

    for (int c = 0; c < t->column_count; c++) {
        char text[TEXT_SIZE] = "";
        unsigned style = ROLE_TEXT;
        const struct table_column *column = &t->columns[c];
        t->cell(t->arg, row, c, text, sizeof(text), &style);
        if (column->right && cells_width(text) <= column->width)
            area_right(area, y, col + column->width, style, text);
        else
            area_fit(area, y, col, column->width, style, text);
        col += column->width + GAP;
    }
}

void table_draw(struct screen *s, const struct table *t, struct table_view *v,
                struct area area, bool keys)
{
    int col = 1;

    keep_in_view(v, t->row_count, area.rows - 1);
    for (int c = 0; c < t->column_count; c++) {
        draw_title(s, v, &t->columns[c], c, area, col);
        col += t->columns[c].width + GAP;
    }
    for (int i = 0; i < v->height && v->scroll + i < t->row_count; i++) {
        int place = v->scroll + i;
        table_draw_row(t, t->order ? t->order[place] : place, area, i + 1);
        if (place == v->chosen)
            area_mark(area, i + 1, 0, area.cols,
                      keys ? STYLE_REVERSE : STYLE_BOLD);
        screen_target(s, area, i + 1, 0, 1, area.cols, ACTION_ROW, place);
    }
}

static void sort_by(struct table_view *v, int column)
{
    if (v->sort == column)
        v->reverse = !v->reverse;
    else
        v->sort = column;
}

bool table_act(struct table_view *v, int row_count, int column_count,
               enum action action, int argument)
{
    int steps = scroll_steps(action, v->height);

    switch (action) {
    case ACTION_ROW:
        v->chosen = argument;
        break;
    case ACTION_SORT:
        if (argument)
            sort_by(v, argument - 1);
        else
            v->sort = v->sort + 1 < column_count ? v->sort + 1 : 0;
        break;
    case ACTION_REVERSE:
        v->reverse = !v->reverse;
        break;
    default:
        if (steps == 0)
            return false;
        v->chosen += steps;
        break;
    }
    keep_in_view(v, row_count, v->height);
    return true;
}

struct sorted {
    double key;
    int row;
};

static int compare_rows(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;

    if (x->key != y->key)
        return x->key > y->key ? 1 : -1;
    return x->row - y->row;
}

int *table_order(const struct table_view *v, int row_count,
                 double (*key)(const void *arg, int row, int column),
                 const void *arg)
{
    unsigned long n = (unsigned long)row_count;
    int *order = xcalloc(n, sizeof(*order));
    struct sorted *sorted = xcalloc(n, sizeof(*sorted));

    for (int i = 0; i < row_count; i++) {
        double value = key(arg, i, v->sort);
        sorted[i] = (struct sorted){ v->reverse ? -value : value, i };
    }
    qsort(sorted, n, sizeof(*sorted), compare_rows);
    for (int i = 0; i < row_count; i++)
        order[i] = sorted[i].row;
    free(sorted);
    return order;
}
