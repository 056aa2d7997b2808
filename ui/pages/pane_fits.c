#include "ui/pages/pane_fits.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/time_text.h"
#include "ui/session/diff.h"

/* Columns, in the order in which they are left out where there is no room. */
enum { COLUMN_CLASS, COLUMN_ARENA, COLUMN_TIMES, COLUMN_SET, COLUMN_SECONDS,
       COLUMN_COUNT };

const char *pane_fits_letter(enum price price, char text[PRICE_LETTER_SIZE])
{
    static const char letters[PRICE_COUNT] = {
        [PRICE_NONE] = '-', [PRICE_FREE] = 'F', [PRICE_ROUNDING] = 'R',
        [PRICE_STATISTICS] = 'S', [PRICE_STORAGE] = 'T',
        [PRICE_CAPACITY] = 'C'
    };

    text[0] = letters[price];
    text[1] = '\0';
    return text;
}

unsigned pane_fits_style(enum price price)
{
    static const unsigned styles[PRICE_COUNT] = {
        [PRICE_NONE] = ROLE_DIM,
        [PRICE_FREE] = ROLE_GOOD | STYLE_BOLD,
        [PRICE_ROUNDING] = ROLE_GOOD,
        [PRICE_STATISTICS] = ROLE_TRAIN | STYLE_BOLD,
        [PRICE_STORAGE] = ROLE_WARNING,
        [PRICE_CAPACITY] = ROLE_BAD
    };

    return styles[price];
}

enum { CLASS_COLS = 13, WIDE_CLASS_COLS = 32 };

/* "C capacity, 70% zeros, 16 bits", or "C 70% 16 bits" where there is less
 * room. */
static void class_text(const struct fit_row *r, int cols, char *text,
                       size_t size, unsigned *style)
{
    char letter[PRICE_LETTER_SIZE], change[CHANGE_TEXT_SIZE];
    const struct change *c = &r->change;
    bool wide = cols >= WIDE_CLASS_COLS;

    *style = pane_fits_style(c->price);
    pane_fits_letter(c->price, letter);
    if (wide || (c->sparsity <= 0 && c->bits == 32))
        snprintf(text, size, "%s %s", letter, change_text(c, change));
    else if (c->sparsity <= 0)
        snprintf(text, size, "%s %d bits", letter, c->bits);
    else if (c->bits == 32)
        snprintf(text, size, "%s %g%% zeros", letter, 100 * c->sparsity);
    else
        snprintf(text, size, "%s %g%% %d bits", letter, 100 * c->sparsity,
                 c->bits);
}

static void set_text(const struct session *s, int row, char *text, size_t size)
{
    struct settings to = session_fit_settings(s, row);

    if (settings_same(&to, &s->wanted)) {
        snprintf(text, size, "as the dials are");
        return;
    }
    /* It is the arena, which has a column. */
    to.memory_budget = s->found->fit.baseline.settings.memory_budget;
    diff_list(text, size, &to, &s->found->fit.baseline.settings);
    if (!*text)
        snprintf(text, size, "nothing is saved");
}

struct fits {
    const struct session *session;
    int shown[COLUMN_COUNT];
    int class_cols;
};

static void fits_cell(const void *arg, int row, int column, char *text,
                      size_t size, unsigned *style)
{
    const struct fits *f = arg;
    const struct finding *found = f->session->found;
    const struct fit_row *r = finding_row(found, row);
    char number[NUMBER_SIZE];

    switch (f->shown[column]) {
    case COLUMN_CLASS:
        class_text(r, f->class_cols, text, size, style);
        break;
    case COLUMN_ARENA:
        *style |= STYLE_BOLD;
        bytes_format(text, size, r->arena_bytes);
        break;
    case COLUMN_SECONDS:
        snprintf(text, size, "%s", text_time(number, r->seconds));
        break;
    case COLUMN_TIMES:
        snprintf(text, size, "×%s",
                 number_format(number,
                               r->seconds / found->fit.baseline.seconds, 2,
                               NUMBER_CELLS_MIN));
        break;
    default:
        set_text(f->session, row, text, size);
        break;
    }
}

enum { GAPS = 2, SECONDS_COLS = 66, SET_COLS = 14 };

/* The place of a column's contents as they are read. */
static int add_column(struct table_column *c, struct fits *f, int n, int what)
{
    static const struct table_column columns[COLUMN_COUNT] = {
        [COLUMN_CLASS] = { "class", CLASS_COLS, false },
        [COLUMN_ARENA] = { "arena", 10, true },
        [COLUMN_SECONDS] = { "a step", 7, true },
        [COLUMN_TIMES] = { "of baseline", 11, true },
        [COLUMN_SET] = { "set", 0, false },
    };

    c[n] = columns[what];
    f->shown[n] = what;
    return n + 1;
}

static int make_columns(struct table_column *c, struct fits *f, int cols)
{
    static const int order[] = { COLUMN_CLASS, COLUMN_ARENA, COLUMN_SECONDS,
                                 COLUMN_TIMES, COLUMN_SET };
    int n = 0, rest = cols - 1;

    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (order[i] == COLUMN_SECONDS && cols < SECONDS_COLS)
            continue;
        if (order[i] == COLUMN_SET && rest < SET_COLS)
            continue;
        n = add_column(c, f, n, order[i]);
        if (order[i] == COLUMN_CLASS && cols >= 100)
            c[n - 1].width = WIDE_CLASS_COLS;
        if (order[i] == COLUMN_CLASS)
            f->class_cols = c[n - 1].width;
        if (order[i] == COLUMN_SET)
            c[n - 1].width = rest;
        rest -= c[n - 1].width + GAPS;
    }
    return n;
}

static void draw_rows(struct screen *s, struct table_view *view,
                      struct area area, bool keys)
{
    struct table_column columns[COLUMN_COUNT];
    struct fits fits = { .session = s->session };
    struct table table = { .columns = columns, .cell = fits_cell,
                           .arg = &fits };

    table.column_count = make_columns(columns, &fits, area.cols);
    table.row_count = finding_rows(s->session->found);
    view->sort = -1;
    table_draw(s, &table, view, area, keys);
}

static void tell_search(struct text_block *text, const struct session *s)
{
    char budget[BYTES_TEXT_SIZE], plans[TEXT_COUNT_SIZE];

    text_block_add(text, ROLE_PENDING, "Searching for %s … %s plans; Esc ends "
                   "the search.",
                   bytes_format(budget, sizeof(budget), s->fit_budget),
                   text_count(plans, s->fit_plans));
}

static void tell_obstacle(struct text_block *text, const struct finding *f)
{
    char budget[BYTES_TEXT_SIZE], least[BYTES_EXACT_SIZE];
    const struct fit_obstacle *o = &f->obstacle;

    text_block_add(text, ROLE_BAD, "Nothing trains in %s. The least that the "
                   "dials reach is %s, below.",
                   bytes_format(budget, sizeof(budget), f->budget),
                   bytes_exact(least, o->least.arena_bytes));
    text_block_add(text, ROLE_TEXT, "In the way, at %s: %s.", o->step,
                   o->largest);
    text_block_add(text, ROLE_TEXT, "What can give: the budget; or, in a new "
                   "run, lower %s.", o->sizes);
}

static void tell_finding(struct text_block *text, const struct session *s)
{
    const struct finding *f = s->found;
    char budget[BYTES_TEXT_SIZE], baseline[BYTES_TEXT_SIZE];
    char seconds[TEXT_TIME_SIZE], guess[TIME_GUESS_SIZE];

    if (!session_fit_holds(s))
        text_block_add(text, ROLE_WARNING, "The settings have changed since: f "
                       "searches anew.");
    if (f->refused) {
        text_block_add(text, ROLE_BAD, "%s", f->error.text);
        return;
    }
    if (!f->fit.complete)
        text_block_add(text, ROLE_WARNING, "Ended before its end: there can be "
                       "others.");
    if (f->blocked)
        tell_obstacle(text, f);
    else
        text_block_add(text, ROLE_TEXT, "Within %s, the least change first. "
                       "Baseline: %s, %s a step, %s.",
                       bytes_format(budget, sizeof(budget), f->budget),
                       bytes_format(baseline, sizeof(baseline),
                                    f->fit.baseline.arena_bytes),
                       text_time(seconds, f->fit.baseline.seconds),
                       f->fit.guessed ? "guessed" : "predicted");
    if (f->fit.guessed)
        text_block_add(text, ROLE_DIM, "%s", time_text_guess(s, guess));
}

/* Says where the search is, or what it gave. */
static void tell_state(struct text_block *text, const struct session *s)
{
    if (s->fitting)
        tell_search(text, s);
    else if (s->found)
        tell_finding(text, s);
    else
        text_block_add(text, ROLE_TEXT, "How to train in fewer bytes? f asks "
                       "for a budget, then looks through all values of the "
                       "dials together for those that fit: what changes least "
                       "first, and of these the fastest.");
}

void pane_fits_draw(struct screen *s, struct table_view *view,
                    struct area area, bool keys)
{
    const struct session *session = s->session;
    struct area above = area_sub(area, 0, 1, area.rows, area.cols - 2);
    struct text_block text = { 0 };
    int rows;

    tell_state(&text, session);
    rows = text_block_rows(&text, above.cols);
    text_block_draw(&text, above, 0);
    text_block_done(&text);
    if (!session->fitting && session->found && finding_rows(session->found))
        draw_rows(s, view, area_sub(area, rows, 0, area.rows - rows,
                                    area.cols), keys);
}
