/*
 * The command line of `memdial runs`, and the records that it speaks of. Each
 * of its own commands has a function below, called with the words that follow
 * its name.
 */
#ifndef MEMDIAL_RUNS_CHOICES_H
#define MEMDIAL_RUNS_CHOICES_H

#include "events/archive.h"

enum runs_format { RUNS_TEXT, RUNS_JSON, RUNS_CSV, RUNS_WORDS };

struct runs_choices {
    enum runs_format format;
    const char *runs;            /* as --runs gives it, or NULL */
    char root[RECORD_PATH_SIZE]; /* the archive */
    bool sweep;                  /* which is a sweep's, the first word */
    const char *sort;            /* a column, with '-' before it: downwards */
    const char **filters;        /* owned, [filter_count] */
    int filter_count;
    const char *older, *size;    /* of prune */
    bool dry_run, snapshots;     /* likewise */
    bool remove;                 /* of tag */
    const char *const *words;    /* [count] */
    int count;
};

int runs_list(const struct runs_choices *);
int runs_show(const struct runs_choices *);
int runs_diff(const struct runs_choices *);
int runs_export(const struct runs_choices *);
int runs_rm(const struct runs_choices *);
int runs_prune(const struct runs_choices *);
int runs_name(const struct runs_choices *);
int runs_tag(const struct runs_choices *);

/* Finds and reads the record that a word means; what cannot be read of it is an
 * error too. Release it in either case. */
bool runs_read(const struct runs_choices *, const char *word,
               enum record_part, struct record *, struct error *);

#endif
