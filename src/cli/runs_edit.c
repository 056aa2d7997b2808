/*
 * The commands of `memdial runs` that change an archive: they name runs, tag
 * them and remove them. A run that is under way is left alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/folder.h"
#include "base/print.h"
#include "cli/request.h"
#include "cli/runs_choices.h"
#include "events/archive_within.h"

/* A tag that prune respects. */
#define KEEP "keep"

bool runs_read(const struct runs_choices *c, const char *word,
               enum record_part part, struct record *r, struct error *e)
{
    char folder[RECORD_PATH_SIZE];

    memset(r, 0, sizeof(*r));
    if (!archive_find(c->root, word, folder, e) ||
        !record_read(r, folder, part, e))
        return false;
    return r->error.code == EXIT_OK ||
           error_set(e, r->error.code, "%s: %s", r->name, r->error.text);
}

/* What cannot be read can be removed all the same. */
static bool remove_run(const struct runs_choices *c, const char *word,
                       struct error *e)
{
    char folder[RECORD_PATH_SIZE], given[RECORD_PATH_SIZE];
    struct record r = { .written = 0 };
    bool ok;

    folder_expand(given, sizeof(given), word);
    ok = record_check_no_link(given, e) &&
         archive_find(c->root, word, folder, e) &&
         record_read(&r, folder, RECORD_ENDS, e) &&
         record_check_ended(&r, "removed", e) && record_remove(&r, e);

    if (ok)
        print("removed %s\n", r.name);
    record_done(&r);
    return ok;
}

/* A run goes before a sweep of that name. */
static bool remove_word(const struct runs_choices *c, const char *word,
                        struct error *e)
{
    char folder[RECORD_PATH_SIZE];

    if (!archive_within(c->root, word, folder))
        return remove_run(c, word, e);
    if (!archive_remove(c->root, word, e))
        return false;
    print("removed %s and its runs\n", word);
    return true;
}

int runs_rm(const struct runs_choices *c)
{
    int code = EXIT_OK;
    struct error e;

    for (int i = 0; i < c->count; i++)
        if (!remove_word(c, c->words[i], &e))
            code = report_error(&e);
    return code;
}

/* A limit of `memdial runs prune`. */
struct limits {
    double age;                  /* seconds; 0: none */
    uint64_t bytes;              /* UINT64_MAX: none */
};

/* Reads "30d", "12h", "90m" or "45s"; a plain number is of days. */
static bool parse_age(const char *text, double *seconds, struct error *e)
{
    static const char units[] = "smhd";
    static const double of[] = { 1, 60, 3600, 86400 };
    const char *unit;
    char *end;
    double value;

    if (!text)
        return true;
    value = strtod(text, &end);
    unit = *end ? strchr(units, *end) : units + 3;
    if (end == text || !(value > 0) || !unit || (*end && end[1]))
        return error_set(e, EXIT_INPUT, "--older: '%.32s' is not an age, as "
                         "30d or 12h", text);
    *seconds = value * of[unit - units];
    return true;
}

static bool read_limits(const struct runs_choices *c, struct limits *l,
                        struct error *e)
{
    *l = (struct limits){ .bytes = UINT64_MAX };
    if (!c->older && !c->size)
        return error_set(e, EXIT_INPUT, "prune: what may stay? give --older "
                         "AGE, --size BYTES or both");
    if (c->size && !bytes_parse(c->size, &l->bytes))
        return error_set(e, EXIT_INPUT, "--size: '%.32s' is not a number of "
                         "bytes, as 8388608 or 8GiB", c->size);
    return parse_age(c->older, &l->age, e);
}

static bool is_pruned(const struct record *r, const struct limits *l,
                      uint64_t bytes)
{
    bool old = l->age > 0 && (double)(time(NULL) - r->written) > l->age;

    return (old || bytes > l->bytes) && !labels_has(&r->labels, KEEP) &&
           record_check_ended(r, "", NULL);
}

/* Removes a run or its snapshot; a dry run asks only whether that would do. */
static bool remove_or_try(const struct runs_choices *c, const struct record *r,
                          struct error *e)
{
    if (c->snapshots)
        return c->dry_run || record_remove_snapshot(r, e);
    return c->dry_run ? record_check_removable(r, e) : record_remove(r, e);
}

/* Returns the bytes that it makes free. */
static uint64_t prune_run(const struct runs_choices *c, const struct record *r,
                          int *code)
{
    uint64_t freed = c->snapshots ? r->snapshot_bytes : r->bytes;
    char bytes[BYTES_TEXT_SIZE];
    struct error e;

    if (!remove_or_try(c, r, &e)) {
        *code = report_error(&e);
        return 0;
    }
    print("%s %s%s (%s)\n", c->dry_run ? "would remove" : "removed",
          c->snapshots ? "the snapshot of " : "", r->name,
          bytes_format(bytes, sizeof(bytes), freed));
    return freed;
}

static int compare_ages(const void *a, const void *b)
{
    const struct record *one = a, *other = b;

    return (one->written > other->written) - (one->written < other->written);
}

static int prune_archive(const struct runs_choices *c, struct archive *a,
                 const struct limits *l)
{
    uint64_t bytes = 0;
    int code = EXIT_OK;

    qsort(a->list, (size_t)a->count, sizeof(*a->list), compare_ages);
    for (int i = 0; i < a->count; i++)
        bytes += a->list[i].bytes;
    for (int i = 0; i < a->count; i++)
        if (is_pruned(&a->list[i], l, bytes) &&
            (!c->snapshots || a->list[i].has_snapshot))
            bytes -= prune_run(c, &a->list[i], &code);
    return code;
}

int runs_prune(const struct runs_choices *c)
{
    struct archive archive = { .count = 0 };
    struct limits limits;
    struct error e;
    int code;

    if (read_limits(c, &limits, &e) &&
        archive_read(&archive, c->root, RECORD_ENDS, &e))
        code = prune_archive(c, &archive, &limits);
    else
        code = report_error(&e);
    archive_done(&archive);
    return code;
}

static bool label(const struct runs_choices *c, struct record *r,
                  const char *text, struct error *e)
{
    struct event event = { .type = EVENT_LABEL };

    if (!label_check("tag", text, e))
        return false;
    if (!c->remove && r->labels.count >= LABELS_TAGS_MAX &&
        !labels_has(&r->labels, text))
        return error_set(e, EXIT_INPUT, "%s: it has %d tags, and can have no "
                         "more", r->name, LABELS_TAGS_MAX);
    if (c->remove)
        event.label.untag = text;
    else
        event.label.tag = text;
    if (!record_label(r, &event, e))
        return false;
    labels_take(&r->labels, &event);
    return true;
}

static bool give_tags(const struct runs_choices *c, struct record *r,
                      struct error *e)
{
    for (int i = 1; i < c->count; i++)
        if (!label(c, r, c->words[i], e))
            return false;
    return true;
}

int runs_tag(const struct runs_choices *c)
{
    struct record record;
    struct error e;
    bool ok = runs_read(c, c->words[0], RECORD_ENDS, &record, &e) &&
              give_tags(c, &record, &e);

    record_done(&record);
    return ok ? EXIT_OK : report_error(&e);
}

int runs_name(const struct runs_choices *c)
{
    const char *name = c->words[1];
    struct event event = { .type = EVENT_LABEL, .label = { .name = name } };
    struct record record;
    struct error e;
    bool ok = runs_read(c, c->words[0], RECORD_ENDS, &record, &e) &&
              (!*name || label_check("name", name, &e)) &&
              record_label(&record, &event, &e);

    record_done(&record);
    return ok ? EXIT_OK : report_error(&e);
}
