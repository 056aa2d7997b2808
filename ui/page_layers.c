/*
 * The page Layers: what each layer of the model has and costs, as the plan
 * says, with all of them in a last row.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bar.h"
#include "bytes.h"
#include "layer_table.h"
#include "subject.h"
#include "table.h"
#include "text.h"

/* In the order in which they are shown; the last are left out first where
 * there is no room. */
enum { COLUMN_LAYER, COLUMN_SAVED, COLUMN_RECOMPUTE, COLUMN_FLOPS,
       COLUMN_SHARE, COLUMN_PARAMETERS, COLUMN_NONZEROS, COLUMN_WEIGHTS,
       COLUMN_RESULT, COLUMN_COUNT };

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_LAYER] = { "layer", 14, false },
    [COLUMN_SAVED] = { "saved", 9, true },
    [COLUMN_RECOMPUTE] = { "recomp", 8, true },
    [COLUMN_FLOPS] = { "GFLOP", 8, true },
    [COLUMN_SHARE] = { "peak %", 6, true },
    [COLUMN_PARAMETERS] = { "parameters", 10, true },
    [COLUMN_NONZEROS] = { "nonzeros", 9, true },
    [COLUMN_WEIGHTS] = { "weights", 9, true },
    [COLUMN_RESULT] = { "result", 14, true },
};

enum { COLUMN_GAP = 2 };

enum { BAR_LEAST_COLS = 6 };

struct layers_page {
    enum subject subject;
    struct table_view view;
    int column_count;    /* shown when it was last drawn */
};

/* What the table is of; the row after the last layer is the sum. */
struct layers {
    const struct job *job;
    struct layer_row *rows;          /* owned, [count + 1] */
    int count;
};

static void layers_init(struct layers *l, const struct job *job)
{
    struct layer_row *sum;

    l->job = job;
    l->count = job->graph->layer_count;
    l->rows = xrealloc(layer_table(job), (unsigned long)l->count + 1,
                       sizeof(*l->rows));
    sum = &l->rows[l->count];
    *sum = (struct layer_row){ 0 };
    for (int i = 0; i < l->count; i++) {
        const struct layer_row *r = &l->rows[i];
        sum->parameters += r->parameters;
        sum->nonzeros += r->nonzeros;
        sum->weights += r->weights;
        sum->saved += r->saved;
        sum->at_peak += r->at_peak;
        sum->flops += r->flops;
        sum->recompute += r->recompute;
    }
}

static void layers_done(struct layers *l)
{
    free(l->rows);
}

static double elements_of(const struct layer_row *r)
{
    return r->shape.rank ? (double)operand_elements(&r->shape) : 0;
}

static double key_of(const void *arg, int row, int column)
{
    const struct layers *l = arg;
    const struct layer_row *r = &l->rows[row];

    switch (column) {
    case COLUMN_SAVED:
        return (double)r->saved;
    case COLUMN_RECOMPUTE:
        return r->recompute;
    case COLUMN_FLOPS:
        return r->flops;
    case COLUMN_SHARE:
        return (double)r->at_peak;
    case COLUMN_PARAMETERS:
        return (double)r->parameters;
    case COLUMN_NONZEROS:
        return (double)r->nonzeros;
    case COLUMN_WEIGHTS:
        return (double)r->weights;
    case COLUMN_RESULT:
        return elements_of(r);
    default:
        return row;
    }
}

/* Of the bytes alive at the peak. */
static double share_of(const struct layers *l, int row)
{
    return (double)l->rows[row].at_peak / (double)l->job->plan->peak_bytes;
}

static const char *name_of(const struct layers *l, int row)
{
    return row < l->count ? l->job->graph->layers[row].name : "all layers";
}

static void format_shape(const struct operand *o, char *text, size_t size)
{
    size_t n = 0;

    *text = '\0';
    for (int d = 0; d < o->rank && n < size; d++)
        n += (size_t)snprintf(text + n, size - n, "%s%d", d ? "×" : "",
                              o->dim[d]);
}

static void format_bytes(size_t bytes, char *text, size_t size,
                         unsigned *style)
{
    bytes_format(text, size, bytes);
    if (bytes == 0)
        *style = ROLE_DIM;
}

static void format_flops(double flops, char *text, size_t size,
                         unsigned *style)
{
    snprintf(text, size, "%.3g", flops / 1e9);
    if (flops <= 0)
        *style = ROLE_DIM;
}

static void format_count(int64_t count, char *text, size_t size,
                         unsigned *style)
{
    char number[TEXT_COUNT_SIZE];

    snprintf(text, size, "%s", text_count(number, count));
    if (count == 0)
        *style = ROLE_DIM;
}

static void format_cell(const void *arg, int row, int column, char *text,
                        size_t size, unsigned *style)
{
    const struct layers *l = arg;
    const struct layer_row *r = &l->rows[row];

    switch (column) {
    case COLUMN_LAYER:
        snprintf(text, size, "%s", name_of(l, row));
        break;
    case COLUMN_SAVED:
        format_bytes(r->saved, text, size, style);
        break;
    case COLUMN_RECOMPUTE:
        format_flops(r->recompute, text, size, style);
        break;
    case COLUMN_FLOPS:
        format_flops(r->flops, text, size, style);
        break;
    case COLUMN_SHARE:
        snprintf(text, size, "%.1f", 100 * share_of(l, row));
        break;
    case COLUMN_PARAMETERS:
        format_count(r->parameters, text, size, style);
        break;
    case COLUMN_NONZEROS:
        format_count(r->nonzeros, text, size, style);
        break;
    case COLUMN_WEIGHTS:
        format_bytes(r->weights, text, size, style);
        break;
    default:
        format_shape(&r->shape, text, size);
        break;
    }
}

/* How many there is room for, and the columns of cells that they take. */
static int fitting_columns(int cols, int *taken)
{
    int n = 0;

    *taken = 1;
    while (n < COLUMN_COUNT && *taken + columns[n].width <= cols)
        *taken += columns[n++].width + COLUMN_GAP;
    return n;
}

/* As the rows above it, but always in sight. */
static void draw_sum(const struct layers *l, int column_count,
                     struct area area, int row)
{
    int col = 1;

    for (int c = 0; c < column_count; c++) {
        unsigned style = ROLE_TITLE;
        char text[64];
        format_cell(l, l->count, c, text, sizeof(text), &style);
        if (columns[c].right)
            area_right(area, row, col + columns[c].width, ROLE_TITLE, text);
        else
            area_text(area, row, col, ROLE_TITLE, text);
        col += columns[c].width + COLUMN_GAP;
    }
}

/* Shares of the peak, right of the columns; the largest takes all of it. */
static void draw_shares(const struct layers *l, const struct table *t,
                        const struct table_view *v, struct area area, int col)
{
    int cols = area.cols - col - 1;
    double most = 0;

    if (cols < BAR_LEAST_COLS)
        return;
    for (int i = 0; i < l->count; i++)
        if (share_of(l, i) > most)
            most = share_of(l, i);
    area_text(area, 0, col, ROLE_DIM, "peak");
    for (int i = 0; i < v->height && v->scroll + i < l->count; i++)
        bar_share(area, i + 1, col, cols, ROLE_FOCUS,
                  share_of(l, t->order[v->scroll + i]) / most);
}

static void draw_layers(struct screen *s, struct layers_page *p,
                        const struct job *job, struct area area)
{
    struct layers l;
    struct table table = { .columns = columns, .cell = format_cell,
                           .arg = &l };
    struct area body = area_sub(area, 1, 0, area.rows - 2, area.cols);
    int taken, *order;

    layers_init(&l, job);
    table.column_count = p->column_count = fitting_columns(area.cols, &taken);
    table.row_count = l.count;
    order = table_order(&p->view, l.count, key_of, &l);
    table.order = order;
    table_draw(s, &table, &p->view, body, screen_has_keys(s, 0));
    draw_shares(&l, &table, &p->view, body, taken);
    draw_sum(&l, p->column_count, area, area.rows - 1);
    free(order);
    layers_done(&l);
}

static void draw(struct screen *s, void *state, int pane, struct area area)
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

static void add_numbers(struct text_block *text, const struct layers *l,
                        int row)
{
    const struct layer_row *r = &l->rows[row];
    char bytes[BYTES_TEXT_SIZE], all[TEXT_COUNT_SIZE], some[TEXT_COUNT_SIZE];

    text_block_add(text, ROLE_TEXT, "%10s  parameters, of which %s are "
                   "stored", text_count(all, r->parameters),
                   text_count(some, r->nonzeros));
    text_block_add(text, ROLE_TEXT, "%10s  of weights, batch-norm statistics "
                   "included", bytes_format(bytes, sizeof(bytes),
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
                   100 * share_of(l, row));
}

static void show_layer(struct screen *s, const struct layers_page *p,
                       const struct job *job)
{
    struct layers l;
    int *order, row;

    layers_init(&l, job);
    order = table_order(&p->view, l.count, key_of, &l);
    if (p->view.chosen < l.count) {
        row = order[p->view.chosen];
        screen_popup(s, name_of(&l, row));
        add_numbers(&s->popup_text, &l, row);
    }
    free(order);
    layers_done(&l);
}

/* Of numbers the largest come first. */
static void act_on_table(struct layers_page *p, int row_count,
                         enum action action, int argument)
{
    struct table_view *v = &p->view;
    int before = v->sort;

    if (table_act(v, row_count, p->column_count, action, argument) &&
        v->sort != before)
        v->reverse = v->sort > COLUMN_LAYER;
}

static void act(struct screen *s, void *state, enum action action,
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

static void init(void *state)
{
    struct layers_page *p = state;

    p->view.sort = -1;
}

const struct page page_layers = { .name = "Layers",
                                  .state_size = sizeof(struct layers_page),
                                  .init = init,
                                  .draw = draw,
                                  .act = act };
