#include "report/listing.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"

enum { EPOCHS_LISTED = 12 };

static void listing_begin(struct listing *l, const char *title)
{
    *l = (struct listing){ .title = title };
}

void listing_done(struct listing *l)
{
    for (int i = 0; i < l->column_count; i++)
        free(l->columns[i].heading);
    for (int i = 0; i < l->cell_count; i++)
        free(l->cells[i].text);
    free(l->columns);
    free(l->cells);
}

static void head_column(struct listing *l, const char *heading,
                       const char *name, bool right)
{
    l->columns = xgrow(l->columns, l->column_count, sizeof(*l->columns));
    l->columns[l->column_count++] = (struct listing_column){
        xstrdup(heading), name, right
    };
}

/* Cells are added row by row. */
static void add_cell(struct listing *l, const char *text, double number)
{
    l->cells = xgrow(l->cells, l->cell_count, sizeof(*l->cells));
    l->cells[l->cell_count++] = (struct listing_cell){ xstrdup(text),
                                                       number };
    l->row_count = l->cell_count / l->column_count;
}

static void add_word(struct listing *l, const char *text)
{
    add_cell(l, text, NAN);
}

static void add_nothing(struct listing *l)
{
    add_word(l, "–");
}

/* Bytes; 0 where they are not known. */
static void add_bytes(struct listing *l, uint64_t bytes)
{
    char text[BYTES_TEXT_SIZE];

    if (bytes)
        add_cell(l, bytes_format(text, sizeof(text), bytes), (double)bytes);
    else
        add_nothing(l);
}

static void add_count(struct listing *l, int64_t count)
{
    char text[TEXT_COUNT_SIZE];

    add_cell(l, text_count(text, count), (double)count);
}

static void add_score(struct listing *l, const struct score *score,
                      double value)
{
    char text[NUMBER_SIZE];

    if (isnan(value))
        add_nothing(l);
    else
        add_cell(l, score_format(score, value, 2, text), value);
}

static void add_loss(struct listing *l, double loss)
{
    char text[NUMBER_SIZE];

    if (isnan(loss))
        add_nothing(l);
    else
        add_cell(l, number_format(text, loss, 4, SCORE_CELLS), loss);
}

/* Seconds of a run, which are a few or days. */
static void add_duration(struct listing *l, double seconds)
{
    char text[TEXT_DURATION_SIZE];

    if (!(seconds > 0))
        add_nothing(l);
    else if (seconds < 100)
        add_cell(l, text_time(text, seconds), seconds);
    else
        add_cell(l, text_duration(text, seconds), seconds);
}

/* Whether any entry has bytes of a kind. */
static bool has_kind(const struct report *r, const struct group *g, int kind)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (r->entries[i].knows_kinds && r->entries[i].bytes[kind])
            return true;
    return false;
}

static bool is_last_of_run(const struct entry *e)
{
    return e->trial == run_trial(&e->record->run);
}

/* Bytes touched belong to the run as it ended. The most that the system counted
 * may be from before a turn: only a run without any knows whose they are. */
static void add_memory_row(struct listing *l, const struct report *r,
                           const struct group *g, const struct entry *e)
{
    const struct run *run = &e->record->run;
    bool last = is_last_of_run(e);

    add_word(l, e->label);
    add_word(l, entry_words(e));
    for (int k = 0; k < KIND_COUNT; k++)
        if (has_kind(r, g, k))
            add_bytes(l, e->knows_kinds ? e->bytes[k] : 0);
    add_bytes(l, entry_peak(e));
    add_bytes(l, e->trial->arena);
    add_bytes(l, last ? run->touched : 0);
    add_bytes(l, run->trial_count == 1 ? run->os_peak : 0);
}

static void list_memory(struct listing *l, const struct report *r,
                        const struct group *g)
{
    listing_begin(l, "Bytes at the peak, by kind");
    head_column(l, "", "entry", false);
    head_column(l, "settings", "settings", false);
    for (int k = 0; k < KIND_COUNT; k++)
        if (has_kind(r, g, k))
            head_column(l, kind_name((enum kind)k), kind_name((enum kind)k),
                       true);
    head_column(l, "peak", "peak", true);
    head_column(l, "arena", "arena", true);
    head_column(l, "touched", "touched", true);
    head_column(l, "process", "os_peak", true);
    for (int i = g->first; i < g->first + g->count; i++)
        add_memory_row(l, r, g, &r->entries[i]);
}

/* Seconds that the entry's part of the run took, to its last step. */
static double entry_seconds(const struct entry *e)
{
    return e->trial->end[AXIS_SECONDS] - e->trial->begin[AXIS_SECONDS];
}

/* "done", or "done, turned 2x" of a run whose settings were. */
static void add_state(struct listing *l, const struct record *r, bool last)
{
    char text[64];

    snprintf(text, sizeof(text), "%s, turned %lldx",
             record_state_name(r->state), (long long)r->turned);
    if (r->turned == 0)
        *strchr(text, ',') = '\0';
    add_word(l, last ? text : "changed");
}

static void add_result_row(struct listing *l, const struct report *r,
                           const struct group *g, const struct entry *e)
{
    struct buffer standing = { NULL, 0, 0 };
    const struct score *score = &g->contest.score;
    const struct record *record = e->record;
    bool last = is_last_of_run(e);

    add_word(l, e->label);
    add_word(l, record->name);
    add_state(l, record, last);
    add_count(l, e->trial->epochs);
    add_duration(l, e->trial->last_step_seconds);
    add_duration(l, entry_seconds(e));
    add_score(l, score, e->score);
    add_score(l, score, e->trial->valid_score);
    add_loss(l, last ? record->valid_loss : NAN);
    add_score(l, score, e->trial->test_score);
    entry_standing(r, g, e, &standing);
    if (last && *record->trouble)
        buffer_print(&standing, "; %s", record->trouble);
    add_word(l, standing.bytes);
    buffer_done(&standing);
}

static void list_results(struct listing *l, const struct report *r,
                         const struct group *g)
{
    const char *score = g->contest.score.name;
    char best[64];

    listing_begin(l, "Results");
    head_column(l, "", "entry", false);
    head_column(l, "run", "name", false);
    head_column(l, "state", "state", false);
    head_column(l, "epochs", "epochs", true);
    head_column(l, "last step", "step_seconds", true);
    head_column(l, "time", "seconds", true);
    snprintf(best, sizeof(best), "best %s in %d epoch%s", score,
             g->contest.epochs, g->contest.epochs == 1 ? "" : "s");
    head_column(l, best, "competes_with", true);
    head_column(l, "last", "valid_score", true);
    head_column(l, "valid loss", "valid_loss", true);
    head_column(l, "test", "test_score", true);
    head_column(l, "", "standing", false);
    for (int i = g->first; i < g->first + g->count; i++)
        add_result_row(l, r, g, &r->entries[i]);
}

/* The score of an epoch of a run; NAN: it has none. */
static double score_at(const struct entry *e, int epoch)
{
    const struct series *s = &e->record->run.curve[CURVE_VALID_SCORE];

    for (int i = 0; i < s->count; i++)
        if ((int)lround(s->points[i].at[AXIS_EPOCHS]) == epoch)
            return s->points[i].value;
    return NAN;
}

static bool any_score_at(const struct report *r, const struct group *g,
                         int epoch)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (!isnan(score_at(&r->entries[i], epoch)))
            return true;
    return false;
}

static int most_epochs(const struct report *r, const struct group *g)
{
    int most = 0;

    for (int i = g->first; i < g->first + g->count; i++) {
        const struct series *s =
            &r->entries[i].record->run.curve[CURVE_VALID_SCORE];
        const struct point *last = series_last(s);
        if (last && last->at[AXIS_EPOCHS] > most)
            most = (int)lround(last->at[AXIS_EPOCHS]);
    }
    return most;
}

/* A row for each run, at its last entry. Epochs are thinned out evenly, up to
 * the last. */
static void list_scores(struct listing *l, const struct report *r,
                        const struct group *g)
{
    int64_t most = most_epochs(r, g);
    int64_t each = (most + EPOCHS_LISTED - 1) / EPOCHS_LISTED;

    listing_begin(l, "Scores of validation, by epoch");
    head_column(l, "", "entry", false);
    for (int64_t epoch = most > 0 ? (most - 1) % each + 1 : 1; epoch <= most;
         epoch += each) {
        char heading[32];
        snprintf(heading, sizeof(heading), "%" PRId64, epoch);
        if (any_score_at(r, g, (int)epoch))
            head_column(l, heading, "epoch", true);
    }
    for (int i = g->first; i < g->first + g->count; i++) {
        if (!is_last_of_run(&r->entries[i]))
            continue;
        add_word(l, r->entries[i].label);
        for (int c = 1; c < l->column_count; c++)
            add_score(l, &g->contest.score,
                      score_at(&r->entries[i], atoi(l->columns[c].heading)));
    }
}

/* Whether no row has a number in a column of numbers. */
static bool is_column_empty(const struct listing *l, int column)
{
    for (int i = column; i < l->cell_count; i += l->column_count)
        if (!isnan(l->cells[i].number))
            return false;
    return l->columns[column].right;
}

static void leave_out_column(struct listing *l, int column)
{
    int left = 0;

    for (int i = 0; i < l->cell_count; i++)
        if (i % l->column_count == column)
            free(l->cells[i].text);
        else
            l->cells[left++] = l->cells[i];
    l->cell_count = left;
    free(l->columns[column].heading);
    l->column_count--;
    memmove(l->columns + column, l->columns + column + 1,
            (size_t)(l->column_count - column) * sizeof(*l->columns));
}

/* Leaves the columns out that have nothing to say. */
static void leave_out_columns(struct listing *l)
{
    for (int c = l->column_count - 1; c >= 0; c--)
        if (is_column_empty(l, c))
            leave_out_column(l, c);
}

void listing_make(struct listing *l, int which, const struct report *r,
                  const struct group *g)
{
    static void (*const make[])(struct listing *, const struct report *,
                                const struct group *) = {
        [LISTING_MEMORY] = list_memory, [LISTING_RESULTS] = list_results,
        [LISTING_SCORES] = list_scores
    };

    make[which](l, r, g);
    leave_out_columns(l);
}

/* Whether two runs were on one machine, and of one version. */
static bool share_machine(const struct record *a, const struct record *b)
{
    return strcmp(a->origin.host, b->origin.host) == 0 &&
           strcmp(a->version, b->version) == 0 &&
           machine_same(&a->run.machine, &b->run.machine);
}

static bool was_listed(const struct report *r, int entry)
{
    for (int i = 0; i < entry; i++)
        if (share_machine(r->entries[i].record, r->entries[entry].record))
            return true;
    return false;
}

/* The labels of the entries that share a machine: "A, B to F". */
static void add_labels(struct listing *l, const struct report *r, int first)
{
    const struct record *record = r->entries[first].record;
    struct buffer labels = { NULL, 0, 0 };

    for (int i = first; i < r->entry_count; i++) {
        int last = i;
        if (!share_machine(r->entries[i].record, record))
            continue;
        while (last + 1 < r->entry_count &&
               share_machine(r->entries[last + 1].record, record))
            last++;
        buffer_print(&labels, "%s%s", labels.count ? ", " : "",
                     r->entries[i].label);
        if (last > i)
            buffer_print(&labels, "%s%s", last > i + 1 ? " to " : ", ",
                         r->entries[last].label);
        i = last;
    }
    add_word(l, labels.bytes);
    buffer_done(&labels);
}

static void add_known(struct listing *l, const char *text)
{
    add_word(l, *text ? text : "–");
}

void listing_machines(struct listing *l, const struct report *r)
{
    listing_begin(l, "Machines and versions");
    head_column(l, "", "entry", false);
    head_column(l, "host", "host", false);
    head_column(l, "backend", "backend", false);
    head_column(l, "processors", "processors", true);
    head_column(l, "memdial", "version", false);
    for (int i = 0; i < r->entry_count; i++) {
        const struct record *record = r->entries[i].record;
        if (was_listed(r, i))
            continue;
        add_labels(l, r, i);
        add_known(l, record->origin.host);
        add_known(l, record->run.machine.backend);
        add_count(l, record->run.machine.processors);
        add_known(l, record->version);
    }
}

void listing_others(struct listing *l, const struct report *r)
{
    listing_begin(l, "Runs without figures");
    head_column(l, "run", "name", false);
    head_column(l, "state", "state", false);
    head_column(l, "why", "trouble", false);
    for (int i = 0; i < r->record_count; i++) {
        const struct record *record = &r->records[i];
        if (report_has(record))
            continue;
        add_word(l, record->name);
        add_word(l, record_state_name(record->state));
        add_word(l, record->error.code != EXIT_OK ? record->error.text
                    : *record->trouble            ? record->trouble
                                                  : "it has not begun");
    }
}
