/*
 * `memdial runs export`: every number of some runs, as one table. Lines are
 * read as JSON and not as events, so that the numbers of newer versions are in
 * it too.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_print.h"
#include "base/print.h"
#include "cli/request.h"
#include "cli/runs_choices.h"
#include "cli/runs_columns.h"
#include "events/archive_within.h"

/* A run that is exported, and where in it the lines are. */
struct export {
    const struct runs_choices *choices;
    const char *name;
    int64_t step;                /* of the last line that had one */
};

/* Prints "run,event,step,member,value". */
static void print_scalar(const struct export *x, const char *event,
                         const char *member, json_t *value)
{
    runs_print_csv(json_text(x->name), false);
    runs_print_csv(json_text(event), false);
    print("%" PRId64 ",", x->step);
    runs_print_csv(json_text(member), false);
    runs_print_csv(json_incref(value), true);
}

static void export_csv(struct export *x, const json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "type"));
    const json_t *step = json_object_get(line, "step");
    const char *member;
    json_t *value;

    if (json_is_integer(step))
        x->step = json_integer_value(step);
    json_object_foreach((json_t *)(uintptr_t)line, member, value)
        if (json_is_number(value))
            print_scalar(x, event, member, value);
}

static void export_json(const struct export *x, const json_t *line)
{
    json_t *object = json_object(), *value;
    const char *member;

    json_put(object, "run", json_text(x->name));
    json_object_foreach((json_t *)(uintptr_t)line, member, value)
        json_put(object, member, json_incref(value));
    json_print_line(object);
}

/* A line that is no event, as half a line of a process that was killed, is left
 * out. */
static bool export_line(void *arg, const char *text, size_t length)
{
    struct export *x = arg;
    json_error_t why;
    json_t *line = json_read(text, length, &why);

    if (json_is_string(json_object_get(line, "type"))) {
        if (x->choices->format == RUNS_JSON)
            export_json(x, line);
        else
            export_csv(x, line);
    }
    json_decref(line);
    return print_flush();
}

/* Exports a run; one of a sweep is called SWEEP/RUN. */
static bool export_folder(const struct runs_choices *c, const char *folder,
                          struct error *e)
{
    struct export x = { .choices = c };
    size_t length = strlen(c->root);
    const char *slash = strrchr(folder, '/');

    if (strncmp(folder, c->root, length) == 0 && folder[length] == '/')
        x.name = folder + length + 1;
    else
        x.name = slash ? slash + 1 : folder;
    return record_lines(folder, export_line, &x, e);
}

/* All runs of a sweep; one that has not begun has no numbers. */
static bool export_sweep(const struct runs_choices *c, const char *folder,
                         struct error *e)
{
    struct archive archive;
    bool ok = archive_read(&archive, folder, RECORD_ENDS, e);

    for (int i = 0; ok && i < archive.count; i++)
        ok = archive.list[i].state == RECORD_EMPTY ||
             archive.list[i].state == RECORD_UNREADABLE ||
             export_folder(c, archive.list[i].folder, e);
    archive_done(&archive);
    return ok;
}

static bool export_word(const struct runs_choices *c, const char *word,
                        struct error *e)
{
    char folder[RECORD_PATH_SIZE];

    return archive_within(c->root, word, folder)
               ? export_sweep(c, folder, e)
               : archive_find(c->root, word, folder, e) &&
                 export_folder(c, folder, e);
}

static bool export_words(const struct runs_choices *c, struct error *e)
{
    for (int i = 0; i < c->count; i++)
        if (!export_word(c, c->words[i], e))
            return false;
    return true;
}

int runs_export(const struct runs_choices *c)
{
    struct error e;

    if (c->format != RUNS_JSON)
        print("run,event,step,member,value\n");
    return export_words(c, &e) ? EXIT_OK : report_error(&e);
}
