/*
 * `memdial runs list`: the runs of an archive, those that meet all filters, in
 * the order of a column.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json_print.h"
#include "base/print.h"
#include "base/text.h"
#include "base/window.h"
#include "cli/request.h"
#include "cli/runs_choices.h"
#include "cli/runs_columns.h"

enum { GAP = 2, LAST_LEAST = 12 };

/* The filters of a command line: conditions, then words. */
struct sieve {
    struct runs_filter *filters;     /* owned, [count] */
    int count;
};

static bool sieve_make(struct sieve *s, const struct runs_choices *c,
                       struct error *e)
{
    s->count = c->filter_count + c->count;
    s->filters = xcalloc((unsigned long)s->count, sizeof(*s->filters));
    for (int i = 0; i < c->filter_count; i++)
        if (!runs_filter_parse(&s->filters[i], c->filters[i], e))
            return false;
    for (int i = 0; i < c->count; i++)
        s->filters[c->filter_count + i].word = c->words[i];
    return true;
}

static bool passes(const struct sieve *s, const struct record *r)
{
    for (int i = 0; i < s->count; i++)
        if (!runs_filter_meets(&s->filters[i], r))
            return false;
    return true;
}

/* The records that pass; the caller frees. */
static const struct record **sift(const struct sieve *s,
                                  const struct archive *a, int *count)
{
    const struct record **list = xcalloc((unsigned long)a->count,
                                         sizeof(const struct record *));

    *count = 0;
    for (int i = 0; i < a->count; i++)
        if (passes(s, &a->list[i]))
            list[(*count)++] = &a->list[i];
    return list;
}

/* Order by a column, for qsort(). */
static const struct runs_column *order_column;
static int order_sign;

static int compare_records(const void *a, const void *b)
{
    const struct record *one = *(const struct record *const *)a;
    const struct record *other = *(const struct record *const *)b;
    int order = runs_column_compare(order_column, order_sign, one, other);

    return order ? order : strcmp(one->name, other->name);
}

static bool refuse_order(const char *name, struct error *e)
{
    struct buffer names = { NULL, 0, 0 };

    for (int i = 0; i < runs_column_count; i++)
        buffer_print(&names, "%s%s", i ? ", " : "", runs_columns[i].name);
    error_set(e, EXIT_INPUT, "--sort: no column '%.60s'; there are %s", name,
              names.bytes);
    buffer_done(&names);
    return false;
}

static bool sort_records(const struct record **list, int count,
                         const char *sort, struct error *e)
{
    if (!sort)
        return true;
    order_sign = *sort == '-' ? -1 : 1;
    order_column = runs_column_find(sort + (*sort == '-'));
    if (!order_column)
        return refuse_order(sort + (*sort == '-'), e);
    qsort(list, (size_t)count, sizeof(*list), compare_records);
    return true;
}

/* The columns of the table for people: how wide each is, 0 if it is not there,
 * below 0 if it is aligned to the left. */
struct table_columns {
    int *cells;                  /* owned, [runs_column_count] */
    bool cut;                    /* lines end with the terminal's; else they
                                    are for a program, and whole */
    char common[RUNS_TEXT_SIZE]; /* changes of all runs, left out of each */
};

/* The cells that the texts of a column take; 0 if it has none. */
static int widest_text(const struct runs_column *column,
                       const struct record *const *list, int count)
{
    int widest = 0;

    for (int i = 0; i < count; i++) {
        char text[RUNS_TEXT_SIZE];
        int n;
        runs_column_text(column, list[i], text);
        n = strcmp(text, "-") == 0 ? 0 : text_columns(text, strlen(text));
        widest = n > widest ? n : widest;
    }
    return widest;
}

static bool has_name(const struct runs_column *column, const char *name)
{
    return strcmp(column->name, name) == 0;
}

/* Whether a text has a word between spaces. */
static bool has_whole_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at++)
        if ((at == text || at[-1] == ' ') &&
            (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* Keeps the words of a text that another has, or those that it lacks. */
static void keep_words(char text[RUNS_TEXT_SIZE], const char *other, bool had)
{
    char all[RUNS_TEXT_SIZE], *rest = all, *word;

    strcpy(all, text);
    text[0] = '\0';
    while ((word = strsep(&rest, " ")))
        if (*word && has_whole_word(other, word) == had)
            strcat(strcat(text, *text ? " " : ""), word);
}

/* The changes that all runs have in common; "" where there is but one run. */
static void find_common(char common[RUNS_TEXT_SIZE],
                        const struct record *const *list, int count)
{
    const struct runs_column *changes = runs_column_find("changes");

    common[0] = '\0';
    for (int i = 0; count > 1 && i < count; i++) {
        char text[RUNS_TEXT_SIZE];
        runs_column_text(changes, list[i], text);
        if (i == 0)
            strcpy(common, text);
        keep_words(common, text, true);
    }
    if (strcmp(common, "-") == 0)
        common[0] = '\0';
}

static int table_width(const struct table_columns *t)
{
    int last = runs_column_count - 1, width = t->cells[last] ? LAST_LEAST : 0;

    for (int i = 0; i < last; i++)
        if (t->cells[i] != 0)
            width += abs(t->cells[i]) + GAP;
    return width;
}

/* Leaves out what matters least, until lines are no wider than the room. */
static void make_narrower(struct table_columns *t, int room)
{
    static const char *const order[] = { "turned", "step", "seconds", "changes",
                                         "tags", "label" };

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) &&
                       table_width(t) > room; i++)
        t->cells[runs_column_find(order[i]) - runs_columns] = 0;
}

/* Names have the room that they take, and so have labels and turns, if there
 * are any. */
static struct table_columns lay_out_columns(const struct record *const *list,
                                             int count)
{
    struct table_columns t = { .cut = isatty(STDOUT_FILENO) };

    t.cells = xcalloc((unsigned long)runs_column_count, sizeof(*t.cells));
    if (t.cut)
        find_common(t.common, list, count);
    for (int i = 0; i < runs_column_count; i++) {
        const struct runs_column *c = &runs_columns[i];
        int least = (int)strlen(c->name), widest;
        t.cells[i] = c->cells;
        if (!has_name(c, "name") && !has_name(c, "label") &&
            !has_name(c, "tags") && !has_name(c, "turned"))
            continue;
        widest = widest_text(c, list, count);
        t.cells[i] = widest == 0 ? 0 : -(widest > least ? widest : least);
    }
    if (t.cut)
        make_narrower(&t, window_columns() - 1);
    return t;
}

/* Prints a cell; the last on a line takes the rest of it, cut at a word. */
static void print_cell(const char *text, int cells, int left, bool last)
{
    static const char more[] = " ...";
    int room = left > LAST_LEAST ? left : LAST_LEAST;

    if (last && text_columns(text, strlen(text)) > room) {
        int n = room - (int)strlen(more);
        while (n > 0 && text[n] != ' ')
            n--;
        print("%.*s%s", n ? n : room - (int)strlen(more), text, more);
    } else if (last) {
        print("%s", text);
    } else if (cells < 0) {
        print("%-*s  ", -cells, text);
    } else {
        print("%*s  ", cells, text);
    }
}

static void print_record_row(const struct table_columns *t,
                             const struct record *r)
{
    int left = t->cut ? window_columns() - 1 : RUNS_TEXT_SIZE;

    for (int i = 0; i < runs_column_count; i++) {
        char text[RUNS_TEXT_SIZE];
        if (t->cells[i] == 0)
            continue;
        if (r)
            runs_column_text(&runs_columns[i], r, text);
        else
            strcpy(text, runs_columns[i].name);
        if (has_name(&runs_columns[i], "changes"))
            keep_words(text, t->common, false);
        print_cell(text, t->cells[i], left, i == runs_column_count - 1);
        left -= abs(t->cells[i]) + GAP;
    }
    print("\n");
}

static void print_table(const struct record *const *list, int count)
{
    struct table_columns t = lay_out_columns(list, count);

    if (count > 0)
        print_record_row(&t, NULL);
    for (int i = 0; i < count; i++)
        print_record_row(&t, list[i]);
    if (*t.common)
        print("all have %s\n", t.common);
    free(t.cells);
}

static void print_csv(const struct record *const *list, int count)
{
    for (int i = 0; i < runs_column_count; i++)
        runs_print_csv(json_text(runs_columns[i].name),
                       i == runs_column_count - 1);
    for (int k = 0; k < count; k++)
        for (int i = 0; i < runs_column_count; i++)
            runs_print_csv(runs_columns[i].value(list[k]),
                           i == runs_column_count - 1);
}

/* Names alone, a line for each, for the completions of shells. */
static void print_names(const struct record *const *list, int count)
{
    for (int i = 0; i < count; i++)
        print("%s\n", list[i]->name);
}

static void list_json(const struct record *const *list, int count)
{
    json_t *all = json_array();

    for (int i = 0; i < count; i++)
        json_push(all, runs_columns_json(list[i]));
    json_print(all);
}

/* Says what no run meets: "--filter state=done --filter peak<1MiB word". */
static void print_unmet(const struct runs_choices *c, int runs)
{
    struct buffer asked = { NULL, 0, 0 };

    for (int i = 0; i < c->filter_count; i++)
        buffer_print(&asked, " --filter %s", c->filters[i]);
    for (int i = 0; i < c->count; i++)
        buffer_print(&asked, " '%s'", c->words[i]);
    print_error("memdial: no run of %d meets%s\n", runs, asked.bytes);
    buffer_done(&asked);
}

/* Says what the list does not show, on standard error. */
static void print_remarks(const struct runs_choices *c,
                          const struct archive *a, int shown)
{
    if (c->format != RUNS_TEXT)
        return;
    if (a->count == 0 && a->within == 0)
        print_error("memdial: no runs in %s\n", c->root);
    else if (shown == 0 && a->count > 0)
        print_unmet(c, a->count);
    if (a->within > 0)
        print_error("memdial: %d sweep%s in %s: %s; `memdial runs list NAME` "
                    "lists the runs of one\n", a->within,
                    a->within == 1 ? "" : "s", c->root, a->within_names);
    if (a->others > 0)
        print_error("memdial: %d folder%s in %s %s no run\n", a->others,
                    a->others == 1 ? "" : "s", c->root,
                    a->others == 1 ? "is" : "are");
}

static bool list_archive(const struct runs_choices *c, const struct sieve *s,
                         const struct archive *a, struct error *e)
{
    int count;
    const struct record **list = sift(s, a, &count);
    bool ok = sort_records(list, count, c->sort, e);

    if (ok && c->format == RUNS_JSON)
        list_json(list, count);
    else if (ok && c->format == RUNS_CSV)
        print_csv(list, count);
    else if (ok && c->format == RUNS_WORDS)
        print_names(list, count);
    else if (ok)
        print_table(list, count);
    if (ok)
        print_remarks(c, a, count);
    free(list);
    return ok;
}

int runs_list(const struct runs_choices *c)
{
    struct archive archive = { .count = 0 };
    struct sieve sieve = { .count = 0 };
    struct error e;
    bool ok = sieve_make(&sieve, c, &e) &&
              archive_read(&archive, c->root, RECORD_ENDS, &e) &&
              list_archive(c, &sieve, &archive, &e);

    archive_done(&archive);
    free(sieve.filters);
    return ok ? EXIT_OK : report_error(&e);
}
