#define _GNU_SOURCE /* strsep() */

#include "sweep/sweep_front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/draft.h"
#include "base/file.h"
#include "plan/fit.h"
#include "plan/timings_file.h"
#include "sweep/sweep_list.h"

enum { FRONT_LINE_SIZE = 4096, FRONT_MAX = 1 << 20 /* bytes */ };

static const char *front_path(const struct sweep *s,
                              char path[RECORD_PATH_SIZE])
{
    return record_path(s->folder, ARCHIVE_FRONT, path);
}

/* The first line of the list, by which its budgets are known again. */
static void front_title(const struct sweep *s, char *text, size_t size)
{
    snprintf(text, size, "# rows of memdial fit %s for %s",
             s->request->preset, s->request->front);
}

/* Whether the rows were found before, for the same budgets. */
static bool has_rows(const struct sweep *s, const char *path)
{
    char title[FRONT_LINE_SIZE];
    size_t bytes;
    char *text = file_read(path, FRONT_MAX, &bytes, NULL);
    bool found;

    front_title(s, title, sizeof(title));
    found = text && strncmp(text, title, strlen(title)) == 0 &&
            text[strlen(title)] == '\n';
    free(text);
    return found;
}

/* Adds a row as a run, and as a line of the list. A row without changes is
 * called baseline. */
static void add_row_of_fit(struct sweep *s, const struct fit_row *row)
{
    char text[FRONT_LINE_SIZE];

    settings_changes(&s->base, &row->settings, text, sizeof(text));
    buffer_print(&s->front, "%s\n", *text ? text : "baseline:");
    for (char *c = text; *c; c++)
        if (*c == ' ')
            *c = '+';
    sweep_add(s, &row->settings, *text ? text : "baseline");
}

static bool refuse_front(const struct fit_query *q, const char *budget,
                         struct error *e)
{
    char least[BYTES_EXACT_SIZE];
    struct fit_obstacle o;

    if (!fit_find_obstacle(&o, q, e))
        return false;
    return error_set(e, EXIT_BUDGET, "--front: nothing trains in %.32s: the "
                     "least that the dials reach is %s; raise it", budget,
                     bytes_exact(least, o.least.arena_bytes));
}

static bool find_rows_within(struct sweep *s, struct fit_query *q,
                             const char *budget, struct error *e)
{
    struct fit fit;
    uint64_t bytes;
    int count;

    if (!bytes_parse(budget, &bytes) || bytes == 0)
        return error_set(e, EXIT_INPUT, "--front: '%.32s' is not a number of "
                         "bytes, as 8388608 or 8MiB; several have commas "
                         "between them", budget);
    q->budget = bytes;
    if (!fit_find(&fit, q, e))
        return false;
    count = fit.count;
    for (int i = 0; i < count; i++)
        add_row_of_fit(s, &fit.rows[i]);
    fit_done(&fit);
    return count > 0 || refuse_front(q, budget, e);
}

static bool find_all_rows(struct sweep *s, struct fit_query *q,
                          struct error *e)
{
    char *budgets = xstrdup(s->request->front), *rest = budgets;
    char title[FRONT_LINE_SIZE];
    bool ok = true;

    front_title(s, title, sizeof(title));
    buffer_print(&s->front, "%s\n", title);
    while (ok && rest) {
        char *budget = strsep(&rest, ",");
        ok = find_rows_within(s, q, budget, e);
    }
    free(budgets);
    return ok;
}

bool sweep_front_find(struct sweep *s, struct error *e)
{
    char path[RECORD_PATH_SIZE];
    struct settings settled = machine_settle(&s->machine, &s->base);
    struct fit_query q = { .settings = &s->base, .machine = &s->machine };
    const struct backend *backend = backend_named(settled.backend);
    struct timings *timings = NULL;
    bool ok;

    if (has_rows(s, front_path(s, path)))
        return sweep_list_read(s, path, e);
    if (!backend || !timings_load(&timings, backend, NULL))
        timings = NULL;
    q.timings = timings;
    ok = find_all_rows(s, &q, e);
    timings_free(timings);
    return ok;
}

bool sweep_front_keep(const struct sweep *s, struct error *e)
{
    char path[RECORD_PATH_SIZE];

    return s->front.count == 0 ||
           draft_put(front_path(s, path), s->front.bytes, DRAFT_REPLACE, e);
}
