/*
 * Events: the messages of a run to any listener. One format, newline-delimited
 * JSON, serves `train --json`, the worker and the run history. Bytes are
 * integers, accuracies fractions of 1. Doubles carry 17 digits, so that they
 * come back bit for bit; one that is not finite is null.
 *
 * One table is the truth about the format: every member of every event, its
 * name, its place in struct event, and a line of help. The printed lines, the
 * reader in feed.c and the list in memdial-events(5) all follow from it. To add
 * a member, add a field here and a row there. Make it optional, for there are
 * lines without it, or change EVENT_SCHEMA.
 */
#ifndef MEMDIAL_EVENT_H
#define MEMDIAL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "settings/machine.h"
#include "settings/score.h"
#include "settings/settings.h"

enum { EVENT_SCHEMA = 1 };

enum event_type {
    EVENT_LEARNING,
    EVENT_START,
    EVENT_TIMINGS,
    EVENT_MEMORY,
    EVENT_STEP,
    EVENT_EPOCH,
    EVENT_TEST,
    EVENT_APPLIED,
    EVENT_REFUSED,
    EVENT_PAUSED,
    EVENT_RESUMED,
    EVENT_SAVED,
    EVENT_LABEL,
    EVENT_WARNING,
    EVENT_ERROR,
    EVENT_DONE,
    EVENT_COUNT
};

struct timing; /* plan/timings.h */

/* Calls as they were measured; so few that a line has room for them. */
enum { EVENT_CALLS_MAX = 48 };
struct event_calls {
    const struct timing *list;
    int count;
};

struct event {
    enum event_type type;
    union {
        struct {
            int64_t merges, wanted; /* of byte pair encoding: learned; in all */
        } learning;
        struct {
            const char *preset;
            const struct settings *settings;
            struct machine machine; /* that the run is on */
            int64_t step, steps;  /* done before; of the whole run */
            const char *unit, *score; /* names (facts.h); NULL: not known */
            int64_t left_out;     /* pairs of training longer than `longest` */
            /* Of a run that is kept in a folder; 0 or NULL elsewhere. */
            const char *folder;   /* its path; in the folder itself NULL */
            const char *host, *boot; /* of the process, as origin.h says, ... */
            int64_t pid, began;
            int64_t time;         /* Unix seconds */
            const char *version;  /* of memdial */
        } start;
        struct {                  /* ledger.h puts them together */
            char backend[MACHINE_BACKEND_SIZE];
            struct event_calls calls;
            int64_t left;         /* calls that the next events have */
            double overhead;      /* seconds of a call beside its own; NAN: not
                                     known */
            const char *message;  /* why there are none; or NULL */
        } timings;
        struct {
            uint64_t planned, arena, touched, os; /* bytes */
            uint64_t os_peak;     /* bytes; 0: not known */
        } memory;
        struct {
            int64_t step, steps;  /* done so far; of the whole run */
            int epoch;            /* counted from 1 */
            double loss, accuracy; /* of the batch */
            double samples_per_second;
            double seconds;       /* training and evaluation so far */
            int64_t turned;       /* of a run that is kept: how often its
                                     settings were turned before */
        } step;
        struct {
            int epoch;            /* counted from 1 */
            double train_loss, train_accuracy;
            double valid_loss, valid_accuracy;
            double seconds;       /* training and evaluation */
            /* Of its steps, of the validation; NAN: not known. */
            double train_score, score;
            double bleu;          /* of the validation, 0 to 100; NAN: nothing
                                     was translated */
        } epoch;
        struct {                  /* as of an epoch's validation */
            double loss, accuracy, score, bleu;
            double seconds;
        } test;
        struct {
            int64_t step;         /* done when the change took effect */
            const struct settings *before, *after;
            uint64_t planned, arena; /* bytes, of the new plan */
            int64_t sets;         /* `set` commands of this run so far */
        } applied;
        struct {
            const char *command;  /* that was refused */
            const char *message;  /* why */
            int64_t sets;         /* as in `applied` */
            enum error_reason reason;
        } refused;
        int64_t stopped_at;       /* steps done, of paused and resumed */
        struct {
            int64_t step;         /* done before the snapshot */
            const char *path;
        } saved;
        struct {                  /* NULL: not part of this event */
            const char *name;     /* of the run from now on; "": none */
            const char *tag;      /* that the run has from now on ... */
            const char *untag;    /* ... or has no more */
        } label;
        const char *message;      /* of warnings and errors */
    };
};

/* A listener. */
struct event_sink {
    void (*emit)(void *arg, const struct event *);
    void *arg;
};

/* The type of a member in struct event, then in JSON. */
enum member_type {
    MEMBER_SCHEMA,       /* nothing; EVENT_SCHEMA */
    MEMBER_INT,          /* int, from 0 up; a number */
    MEMBER_PROCESSORS,   /* int, from 1 to the most `threads`; a number */
    MEMBER_COUNT,        /* int64_t, from 0 up; a number */
    MEMBER_BYTES,        /* uint64_t; a number */
    MEMBER_REAL,         /* double; a number, or null */
    MEMBER_TEXT,         /* const char *, for people; a string */
    MEMBER_PATH,         /* const char *, the bytes as they are; a string */
    MEMBER_NAME,         /* char[size]; a string */
    MEMBER_REASON,       /* enum error_reason; its name */
    MEMBER_CALLS,        /* struct event_calls; an array of objects */
    MEMBER_SETTINGS,     /* const struct settings *; an object of all */
    MEMBER_CHANGES       /* nothing: event.applied.before and .after; an object
                            of the settings that differ */
};

struct member {
    enum event_type event;
    const char *name;
    enum member_type type;
    size_t offset, size; /* in struct event */
    bool optional;       /* left out where it is not known: 0, NAN or NULL; a
                            reason, only by versions older than it */
    const char *help;    /* one line */
};

/* In the order in which they are printed, event by event. */
extern const struct member event_members[];
extern const int event_member_count;

/* The most strings that an event points to. */
enum { EVENT_TEXTS_MAX = 7 };

/* Begins the message of the `error` of a run whose loss is not finite. */
#define EVENT_DIVERGED "training diverged"

/* The score of an epoch's validation, and that of its steps, which data are
 * judged by; NAN: the epoch has none. Older workers say only accuracies. */
double event_score(const struct event *, const struct score *);
double event_train_score(const struct event *, const struct score *);

/* A sentence, without its end, on what training leaves out of its data, as a
 * start says; "" if that is nothing. */
enum { EVENT_LEFT_OUT_SIZE = 128 };
const char *event_left_out(const struct event *,
                           char text[EVENT_LEFT_OUT_SIZE]);

/* "start", "memory", ... */
const char *event_name(enum event_type);

/* When the event is emitted, one line. */
const char *event_help(enum event_type);

/* Whether an event has no value for an optional member. */
bool event_lacks(const struct event *, const struct member *);

/* "other", "data" */
const char *event_reason_name(enum error_reason);

/* The event as a new JSON object. */
json_t *event_json(const struct event *);

/* Prints it as a line, at once; false if that cannot be written. */
bool event_print(const struct event *);

/* Has an event on standard output too when the host is out of memory. */
void event_print_last_words(void);

#endif
