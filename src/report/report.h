/*
 * A report: the facts that are told of several runs. It is made from their
 * records, and knows nothing of how it is written: listing.h has its tables,
 * figure.h its pictures.
 *
 * Every trial of the runs has an entry, with letters for a name. Entries whose
 * data and score are the same are a group; those of two groups are never
 * compared. Within a group entries compete as contest.h says, after the epochs
 * that most of them have had; so neither a run that ended early nor one that
 * went on for longer sets the terms.
 */
#ifndef MEMDIAL_REPORT_H
#define MEMDIAL_REPORT_H

#include "base/buffer.h"
#include "base/kind.h"
#include "base/text.h"
#include "events/contest.h"
#include "events/record.h"

enum { REPORT_TITLE_SIZE = 256 };

struct entry {
    const struct record *record; /* borrowed from the report */
    const struct trial *trial;
    char label[TEXT_LETTERS_SIZE];
    char *what;                  /* owned: the settings that set it apart in its
                                    group, as --set takes them; "": none do */
    int origin;                  /* the entry that its run began with */
    bool knows_kinds;
    size_t bytes[KIND_COUNT];    /* at the peak, as planned for the run */
    bool competes;
    double score;                /* that it competes with; NAN */
    int beaten_by;               /* the first entry that is better in no more
                                    memory; -1: on the front, or no
                                    competitor */
};

struct group {
    int first, count;            /* of entries */
    struct contest contest;
    char *common;                /* owned: settings that all have, and that
                                    differ from the preset's */
    bool mixed;                  /* entries are of several presets */
};

struct report {
    char title[REPORT_TITLE_SIZE];
    struct record *records;      /* owned, [record_count] */
    int record_count;
    struct entry *entries;       /* owned, [entry_count], in order of groups */
    int entry_count;
    struct group *groups;        /* owned, [group_count] */
    int group_count;
};

/* Makes a report of records. It takes over the array, which malloc() has given,
 * and the records in it. Title NULL: the names of the presets are the title. */
void report_init(struct report *, const char *title, struct record *,
                 int count);
void report_done(struct report *);

/* "12 runs of quick: 10 done, 1 aborted, 1 failed" */
void report_summary(const struct report *, struct buffer *);

/* "images of shapes, by accuracy" */
void group_title(const struct report *, const struct group *,
                 struct buffer *);

/* The settings that set it apart, in words where none do. */
const char *entry_words(const struct entry *);

/* The bytes planned at the peak; 0: not known. */
uint64_t entry_peak(const struct entry *);

bool entry_is_on_front(const struct entry *);

/* How an entry compares: "on the front", "C is better", or why it does not
 * compete: "had 3 epochs, fewer than 5". */
void entry_standing(const struct report *, const struct group *,
                    const struct entry *, struct buffer *);

/* The command that makes it, for a shell. */
void entry_command(const struct report *, const struct entry *,
                   struct buffer *);

/* Whether a record has entries. */
bool report_has(const struct record *);

#endif
