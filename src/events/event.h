/*
 * Events: what a run says while it runs, to whoever listens. One format, as
 * newline-delimited JSON, for `train --json`, the worker and the run history;
 * memdial-events(5) documents it. Bytes are integers, accuracies fractions of
 * 1, and doubles carry 17 digits so that they come back bit for bit; one that
 * is not finite is null.
 */
#ifndef MEMDIAL_EVENT_H
#define MEMDIAL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "settings/machine.h"
#include "settings/settings.h"

enum { EVENT_SCHEMA = 1 };

enum event_type {
    EVENT_START,
    EVENT_MEMORY,
    EVENT_STEP,
    EVENT_EPOCH,
    EVENT_APPLIED,
    EVENT_REFUSED,
    EVENT_PAUSED,
    EVENT_RESUMED,
    EVENT_SAVED,
    EVENT_WARNING,
    EVENT_ERROR,
    EVENT_DONE,
    EVENT_COUNT
};

struct event {
    enum event_type type;
    union {
        struct {
            const char *preset;
            const struct settings *settings;
            struct machine machine; /* where, and on what, the run is */
            int64_t step, steps;  /* done before; of the whole run */
        } start;
        struct {
            uint64_t planned, arena, touched, os; /* bytes */
            uint64_t os_peak;     /* the same; 0: not known */
        } memory;
        struct {
            int64_t step, steps;  /* done so far; of the whole run */
            int epoch;            /* counted from 1 */
            double loss, accuracy; /* of the batch */
            double samples_per_second;
            double seconds;       /* training and evaluation so far */
        } step;
        struct {
            int epoch;            /* counted from 1 */
            double train_loss, train_accuracy;
            double valid_loss, valid_accuracy;
            double seconds;       /* training and evaluation */
        } epoch;
        struct {
            int64_t step;         /* done when the change took effect */
            const struct settings *before, *after;
            uint64_t planned, arena; /* bytes, of the new plan */
            int64_t sets;         /* `set` commands of this run so far */
        } applied;
        struct {
            const char *command;  /* that was not carried out */
            const char *message;  /* why */
            int64_t sets;         /* as above */
        } refused;
        int64_t stopped_at;       /* steps done, of paused and resumed */
        struct {
            int64_t step;         /* done before the snapshot */
            const char *path;
        } saved;
        const char *message;      /* of warnings and errors */
    };
};

/* A listener. */
struct event_sink {
    void (*emit)(void *arg, const struct event *);
    void *arg;
};

/* "start", "memory", ... */
const char *event_name(enum event_type);

/* The event as a new JSON object. */
json_t *event_json(const struct event *);

/* Prints it as a line, at once; false if that cannot be written. */
bool event_print(const struct event *);

/* That the host is out of memory will be an event on standard output too. */
void event_print_last_words(void);

#endif
