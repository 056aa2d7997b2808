/*
 * A past run: the record of a run that is not this session's, as a table shows
 * it. It has what the first and the last lines of its events tell. Its curves,
 * its best score and the way to go on with it are in its whole, which is read
 * when somebody wants it and may be let go again.
 *
 * It is an attempt too, so that it can be compared with those of the session,
 * queued and run afresh; but it does not compete with them.
 */
#ifndef MEMDIAL_PAST_H
#define MEMDIAL_PAST_H

#include "events/record.h"
#include "ui/session/attempts.h"

/* Numbers of attempts that are past runs are above, others below. */
enum { PAST_FIRST = 1 << 20 };

/* All that the record of a run tells. */
struct whole {
    struct record record;            /* its curves as a chart shows them */
    bool goes_on;                    /* the run can go on here, with these: */
    struct settings settings;
    char preset[RUN_PRESET_SIZE];
    int64_t step;                    /* after which it goes on */
    struct error why_not;            /* it cannot */
};

struct past {
    struct attempt attempt;          /* its last setting */
    char *name;                      /* owned, as all texts here: of the folder
                                        */
    char *label, *tags;              /* that people gave it; "#a #b"; or "" */
    char *savings;                   /* diff_savings(); "" without settings */
    char *trouble;                   /* why it failed or cannot be read; or ""
                                        */
    enum record_state state;
    bool guessed;
    int64_t began;                   /* Unix seconds; 0: not known */
    int64_t turned;                  /* times, as record.h has it */
    double seconds, score;           /* spent; the last; NAN: not known */
    int epochs;                      /* that have ended */
    bool has_settings;               /* the attempt has its settings */
    bool own;                        /* it is this session's after all */
    bool passes;                     /* the filter of the page */
    char letter;                     /* that its curves are drawn with; 0: they
                                        are not */
    bool wanted, asked;              /* its whole is, and is not here yet */
    bool stale;                      /* its whole lacks the last lines */
    unsigned used;                   /* greater for a whole used later */
    struct whole *whole;             /* owned; NULL: not here */
};

struct past *past_new(const struct record *, int number);
void past_free(struct past *);

/* The past run that an attempt is; NULL: it is the session's own. */
struct past *past_of(const struct attempt *);

/* Takes over a whole. */
void past_put_whole(struct past *, struct whole *);

/* Hands on to a later reading what people have done to the row, and the whole,
 * which then lacks the last lines. */
void past_renew(struct past *, struct past *later);

/* Reads it; NULL: it is not there any more. */
struct whole *whole_read(const char *folder);
void whole_free(struct whole *);

#endif
