/*
 * The page Layers: the memory and arithmetic of each layer of the model, as the
 * plan says, and their sum in a last row.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "plan/layer_table.h"
#include "ui/pages/subject.h"
#include "ui/pages/table.h"
#include "ui/term/bar.h"

enum { COLUMN_GAP = 2 };

enum { BAR_LEAST_COLS = 6 };

struct layers_page {
    enum subject subject;
    struct table_view view;
    int column_count;    /* shown when it was last drawn */
};

static double sort_key_of(const void *arg, int row, int column)
{
    return layer_table_number(arg, row, (enum layer_column)column);
}

/* Zeros are dim. */
static void format_cell(const void *arg, int row, int column, char *text,
                        size_t size, unsigned *style)
{
    char all[LAYER_TEXT_SIZE];

    snprintf(text, size, "%s",
             layer_table_text(arg, row, (enum layer_column)column, all));
    if (column != LAYER_NAME && layer_table_number(arg, row,
                                    (enum layer_column)column) <= 0)
        *style = ROLE_DIM;
}

/* Takes the columns that there is room for, *count of them; returns the cells
 * that they take. */
static int fit_layer_columns(const struct layer_table *l, int cols,
                             struct table_column columns[LAYER_COLUMNS],
                             int *count)
{
    int taken = 1;

    for (*count = 0; *count < LAYER_COLUMNS; (*count)++) {
        enum layer_column c = (enum layer_column)*count;
        int width = layer_table_width(l, c);
        if (taken + width > cols)
            break;
        columns[c] = (struct table_column){ layer_table_title(c), width,
                                            c != LAYER_NAME };
        taken += width + COLUMN_GAP;
    }
    return taken;
}

/* The sum is drawn like the rows above it, but always in sight. */
static void draw_sum(const struct layer_table *l, const struct table *t,
                     struct area area, int row)
{
    int col = 1;

    for (int c = 0; c < t->column_count; c++) {
        char text[LAYER_TEXT_SIZE];
        layer_table_text(l, l->count, (enum layer_column)c, text);
        if (t->columns[c].right)
            area_right(area, row, col + t->columns[c].width, ROLE_TITLE,
                       text);
        else
            area_text(area, row, col, ROLE_TITLE, text);
        col += t->columns[c].width + COLUMN_GAP;
    }
}

/* Shares of the peak, right of the columns, relative to the largest. */
static void draw_shares(const struct layer_table *l, const struct table *t,
                        const struct table_view *v, struct area area, int col)
{
    int cols = area.cols - col - 1;
    double most = 0;

    if (cols < BAR_LEAST_COLS)
        return;
    for (int i = 0; i < l->count; i++)
        if (layer_table_share(l, i) > most)
            most = layer_table_share(l, i);
    area_text(area, 0, col, ROLE_DIM, "peak");
    for (int i = 0; i < v->height && v->scroll + i < l->count; i++)
        bar_share(area, i + 1, col, cols, ROLE_FOCUS,
                  layer_table_share(l, t->order[v->scroll + i]) / most);
}

static void draw_layers(struct screen *s, struct layers_page *p,
                        const struct job *job, struct area area)
{
    struct layer_table l;
    struct table_column columns[LAYER_COLUMNS];
    struct table table = { .columns = columns, .cell = format_cell,
                           .arg = &l };
    struct area body = area_sub(area, 1, 0, area.rows - 2, area.cols);
    int taken, *order;

    layer_table_init(&l, job);
    taken = fit_layer_columns(&l, area.cols, columns, &table.column_count);
    p->column_count = table.column_count;
    table.row_count = l.count;
    table.order = order = table_order(&p->view, l.count, sort_key_of, &l);
    table_draw(s, &table, &p->view, body, screen_has_keys(s, 0));
    draw_shares(&l, &table, &p->view, body, taken);
    draw_sum(&l, &table, area, area.rows - 1);
    free(order);
    layer_table_done(&l);
}

static void page_layers_draw(struct screen *s, void *state, int pane,
                             struct area area)
{
    struct layers_page *p = state;
    const struct job *job = subject_job(s->session, p->subject);

    (void)pane;
    subject_title(s, area, p->subject,
                  "Each layer: bytes saved for backward, GFLOP a step, of "
                  "them to recompute, share of peak",
                  "What each layer keeps and costs");
    if (job)
        draw_layers(s, p, job, area);
    else
        subject_excuse(s->session, p->subject, area);
}

static void add_numbers(struct text_block *text, const struct layer_table *l,
                        int row)
{
    const struct layer_row *r = &l->rows[row];
    char bytes[BYTES_TEXT_SIZE], all[TEXT_COUNT_SIZE], some[TEXT_COUNT_SIZE];

    text_count(all, r->parameters);
    if (r->pooled)
        text_block_add(text, ROLE_TEXT, "%10s  parameters, in the pool of "
                       "sparse weights, which stores nonzeros", all);
    else
        text_block_add(text, ROLE_TEXT, "%10s  parameters, of which %s are "
                       "stored", all, text_count(some, r->nonzeros));
    text_block_add(text, ROLE_TEXT, "%10s  of weights and running "
                   "statistics", bytes_format(bytes, sizeof(bytes),
                                            r->weights));
    text_block_add(text, ROLE_TEXT, "%10s  saved: results of forward that "
                   "backward still reads",
                   bytes_format(bytes, sizeof(bytes), r->saved));
    text_block_add(text, ROLE_TEXT, "%10.4g  GFLOP in a training step",
                   r->flops / 1e9);
    text_block_add(text, ROLE_TEXT, "%10.4g  of them to compute again what "
                   "was not saved", r->recompute / 1e9);
    text_block_add(text, ROLE_TEXT, "%10s  alive at the peak, %.1f%% of it",
                   bytes_format(bytes, sizeof(bytes), r->at_peak),
                   100 * layer_table_share(l, row));
}

static void show_layer(struct screen *s, const struct layers_page *p,
                       const struct job *job)
{
    struct layer_table l;
    int *order, row;

    layer_table_init(&l, job);
    order = table_order(&p->view, l.count, sort_key_of, &l);
    if (p->view.chosen < l.count) {
        row = order[p->view.chosen];
        screen_popup(s, l.rows[row].name);
        add_numbers(&s->popup.text, &l, row);
    }
    free(order);
    layer_table_done(&l);
}

/* Numbers are sorted with the largest first. */
static void act_on_table(struct layers_page *p, int row_count,
                         enum action action, int argument)
{
    struct table_view *v = &p->view;
    int before = v->sort;

    if (table_act(v, row_count, p->column_count, action, argument) &&
        v->sort != before)
        v->reverse = v->sort > LAYER_NAME;
}

static void page_layers_act(struct screen *s, void *state, enum action action,
                            int argument)
{
    struct layers_page *p = state;
    const struct job *job = subject_job(s->session, p->subject);

    if (action == ACTION_SUBJECT)
        p->subject = subject_next(s->session, p->subject);
    else if (job && (action == ACTION_ENTER ||
                     (action == ACTION_ROW && argument == p->view.chosen)))
        show_layer(s, p, job);
    else if (job)
        act_on_table(p, job->graph->layer_count, action, argument);
}

const struct page page_layers = { .name = "Layers",
                                  .state_size = sizeof(struct layers_page),
                                  .draw = page_layers_draw,
                                  .act = page_layers_act };
