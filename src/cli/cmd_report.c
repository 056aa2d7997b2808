#include "cli/cmd_report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/print.h"
#include "cli/request.h"
#include "cli/runs_columns.h"
#include "events/archive.h"
#include "events/archive_within.h"
#include "report/writing.h"

static const char report_usage[] =
    "report [RUN | FOLDER]... -o FILE [--filter CONDITION]... [--title TEXT] "
    "[--runs DIR]";

static const struct option report_options[] = {
    { "filter", required_argument, NULL, 'f' },
    { "title", required_argument, NULL, 't' },
    { "runs", required_argument, NULL, 'r' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* The command line, and the records that it has named so far. */
struct subject_runs {
    const char *output, *title, *runs;
    char root[RECORD_PATH_SIZE];
    struct runs_filter *filters; /* owned, [filter_count] */
    int filter_count;
    struct record *records;      /* owned, [count] */
    int count, left_out;         /* by filters */
    int others;                  /* folders that are not of runs */
    char sweeps[128];            /* "; its sweeps are not ...", or "" */
};

static int refuse_report(const char *what, const char *word)
{
    print_error("memdial report: %s '%s'; usage: memdial %s\n", what, word,
                report_usage);
    return EXIT_INPUT;
}

static bool add_filter(struct subject_runs *s, const char *text,
                       struct error *e)
{
    s->filters = xgrow(s->filters, s->filter_count, sizeof(*s->filters));
    return runs_filter_parse(&s->filters[s->filter_count++], text, e);
}

/* The exit code of what was wrong with the options, or -1. */
static int read_report_options(int argc, char **argv, struct subject_runs *s)
{
    struct error e;
    int which;

    opterr = 0;
    while ((which = getopt_long(argc, argv, ":o:h", report_options, NULL)) !=
           -1)
        switch (which) {
        case 'o':
            s->output = optarg;
            break;
        case 't':
            s->title = optarg;
            break;
        case 'r':
            s->runs = optarg;
            break;
        case 'f':
            if (!add_filter(s, optarg, &e))
                return report_error(&e);
            break;
        case 'h':
            request_print_usage(report_usage);
            return EXIT_OK;
        case ':':
            return refuse_report("a value must follow", argv[optind - 1]);
        default:
            return refuse_report("no such option",
                                 request_unknown(argv, report_options));
        }
    return -1;
}

static bool is_named_already(const struct subject_runs *s,
                             const struct record *r)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->records[i].folder, r->folder) == 0)
            return true;
    return false;
}

static bool meets_filters(const struct subject_runs *s,
                          const struct record *r)
{
    for (int i = 0; i < s->filter_count; i++)
        if (!runs_filter_meets(&s->filters[i], r))
            return false;
    return true;
}

/* Takes a record over. */
static void take_record(struct subject_runs *s, struct record *r)
{
    bool meets = meets_filters(s, r);

    s->left_out += !meets;
    if (!meets || is_named_already(s, r)) {
        record_done(r);
        return;
    }
    s->records = xgrow(s->records, s->count, sizeof(*s->records));
    s->records[s->count++] = *r;
}

/* Keeps the names of sweeps in a folder, for whoever does not find a run. */
static void note_sweeps(struct subject_runs *s, const struct archive *a)
{
    if (a->within > 0)
        snprintf(s->sweeps, sizeof(s->sweeps), "; its sweeps are not looked "
                 "into unless they are named: %.60s", a->within_names);
}

static bool take_folder(struct subject_runs *s, const char *folder,
                        struct error *e)
{
    struct archive a;

    if (!archive_read(&a, folder, RECORD_EPOCHS, e))
        return false;
    for (int i = 0; i < a.count; i++)
        take_record(s, &a.list[i]);
    s->others += a.others;
    note_sweeps(s, &a);
    if (a.count == 0)
        error_set(e, EXIT_INPUT, "%s: there are no runs in it%s", folder,
                  s->sweeps);
    free(a.list);
    return a.count > 0;
}

static bool take_word(struct subject_runs *s, const char *word,
                      struct error *e)
{
    char path[RECORD_PATH_SIZE];
    struct record r;

    if (archive_within(s->root, word, path))
        return take_folder(s, path, e);
    if ((!archive_within_is_path(word) &&
         !archive_check_root(s->root, s->runs, e)) ||
        !archive_find(s->root, word, path, e) ||
        !record_read(&r, path, RECORD_EPOCHS, e))
        return false;
    take_record(s, &r);
    return true;
}

/* Without a word it is all runs of the root. */
static bool take_words(struct subject_runs *s, char **words, int count,
                       struct error *e)
{
    if (!archive_root(s->root, s->runs, e))
        return false;
    if (count == 0 && !(archive_check_root(s->root, s->runs, e) &&
                        take_folder(s, s->root, e)))
        return false;
    for (int i = 0; i < count; i++)
        if (!take_word(s, words[i], e))
            return false;
    return s->count > 0 ||
           error_set(e, EXIT_INPUT, "--filter: no run of %d meets all "
                     "conditions%s", s->left_out, s->sweeps);
}

/* The last part of the path of a folder of runs, where that is all there is. */
static const char *title_of(const struct subject_runs *s, char **words,
                            int count, char path[RECORD_PATH_SIZE])
{
    const char *slash;

    if (s->title || count != 1 || !archive_within(s->root, words[0], path))
        return s->title;
    slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : NULL;
}

static void say_written(const struct subject_runs *s)
{
    print("wrote %s: %d run%s\n", s->output, s->count,
          s->count == 1 ? "" : "s");
    if (*s->sweeps)
        print_error("memdial: %s\n", s->sweeps + 2);
    if (s->others > 0)
        print_error("memdial: %d folder%s beside %s no run\n", s->others,
                    s->others == 1 ? "" : "s", s->others == 1 ? "is" : "are");
}

static bool write_report(struct subject_runs *s, char **words, int count,
                         struct error *e)
{
    char path[RECORD_PATH_SIZE];
    enum report_form form;
    struct report report;
    bool ok;

    if (!s->output)
        return error_set(e, EXIT_INPUT, "report: name the file to write by -o "
                         "FILE");
    if (!file_check_path("-o", s->output, e) ||
        !report_form_of(s->output, &form, e) ||
        !take_words(s, words, count, e))
        return false;
    report_init(&report, title_of(s, words, count, path), s->records,
                s->count);
    s->records = NULL;
    ok = report_write(&report, form, s->output, e);
    report_done(&report);
    if (ok)
        say_written(s);
    return ok;
}

static void subject_runs_done(struct subject_runs *s)
{
    for (int i = 0; s->records && i < s->count; i++)
        record_done(&s->records[i]);
    free(s->records);
    free(s->filters);
}

int cmd_report(int argc, char **argv)
{
    struct subject_runs s = { .count = 0 };
    struct error e;
    int code = read_report_options(argc, argv, &s);

    if (code < 0)
        code = write_report(&s, argv + optind, argc - optind, &e)
                   ? EXIT_OK : report_error(&e);
    subject_runs_done(&s);
    return code;
}
