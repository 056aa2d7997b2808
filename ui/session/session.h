/*
 * A session: all that the screens know. The settings in force and those
 * wanted, what was changed and can be undone, the forecasts that have come,
 * and the history of every run as its events told it. Data only: what draws
 * is in the pages, what talks to the worker and to whatif.c is in app.c.
 *
 * What is kept has a bound, however long a session lasts: plans of the
 * settings in force, of those wanted, and of what these are compared with; of
 * all others the figures alone. The counts below bound the rest, in which what
 * is old makes room.
 *
 * Settings that are wanted but not in force are pending. What the session
 * would have the worker do is in `asks`, for app.c to carry out and clear.
 */
#ifndef MEMDIAL_SESSION_H
#define MEMDIAL_SESSION_H

#include "events/event.h"
#include "plan/dial.h"
#include "plan/forecast.h"
#include "ui/session/link.h"
#include "ui/session/whatif.h"

enum { PRESET_LABEL_SIZE = 64 };

enum {
    SESSION_UNDOS = 256,
    SESSION_RUNS = 32,
    SESSION_TRIALS = 512,
    SESSION_MARKS = 256,             /* of a run */
    SESSION_POINTS = 1 << 15,        /* of a curve; then every other one is
                                        dropped */
    SESSION_EARLIER_POINTS = 1 << 11 /* of a curve of an earlier run */
};

/* What was wanted before. */
struct former {
    char preset[PRESET_LABEL_SIZE];
    struct settings settings;
};

/* What a curve can be drawn against. */
enum unit { UNIT_EPOCHS, UNIT_SECONDS, UNIT_SAMPLES, UNIT_COUNT };

const char *unit_name(enum unit);

struct point {
    double at[UNIT_COUNT];
    double value;
};

struct series {
    struct point *points;            /* owned, [count] */
    int count, capacity;
};

/* Curves of a run: one point per step, or per epoch. */
enum curve { CURVE_LOSS, CURVE_TRAIN_ACCURACY, CURVE_VALID_LOSS,
             CURVE_VALID_ACCURACY, CURVE_COUNT };

/* A moment at which something changed in a run. */
struct mark {
    double at[UNIT_COUNT];
    char text[64];                   /* "precision=fp16" */
};

/* How a run ended, if it has. */
enum run_end { RUN_OPEN, RUN_DONE, RUN_DIVERGED, RUN_FAILED, RUN_STOPPED };

/* From a start to the next. */
struct history {
    enum run_end end;
    int number;                      /* the first is 0 */
    char preset[PRESET_LABEL_SIZE];
    struct series curve[CURVE_COUNT];
    struct mark *marks;              /* owned, [mark_count] */
    int mark_count;
    double at[UNIT_COUNT];           /* how far it is */
    double steps_per_epoch;          /* 0: not known yet */
};

/* Settings that some part of a run was trained with. */
struct trial {
    int number;                      /* the first is 0 */
    struct settings settings;
    char preset[PRESET_LABEL_SIZE];
    int run;                         /* its number; -1: before the first */
    double begin[UNIT_COUNT], end[UNIT_COUNT]; /* of its part of the run */
    struct forecast *plan, *baseline; /* held, figures; NULL: not here yet */
    uint64_t peak_bytes, arena_bytes;
    double flops;                    /* of a step; 0: not known yet */
    double seconds_per_step;         /* mean; 0: not known yet */
    int epochs;                      /* ended in it */
    double valid_accuracy;           /* of the last of them */
    double best_accuracy;
};

/* Settings that are neither in force nor wanted, but looked at. */
struct candidate {
    struct settings settings;
    struct forecast *forecast;       /* held; NULL: not here yet */
};

enum {
    SESSION_ASK_BEGIN = 1,           /* a run of `wanted`, preset `preset` */
    SESSION_ASK_RESTART = 2,
    SESSION_ASK_PAUSE = 4,           /* or to go on */
    SESSION_ASK_APPLY = 8,           /* `wanted`, even if locked */
    SESSION_ASK_QUESTIONS = 16       /* settings changed: ask whatif.c anew */
};

enum notice { NOTICE_NONE, NOTICE_INFO, NOTICE_WARNING, NOTICE_ERROR };

struct session {
    char preset[PRESET_LABEL_SIZE];
    struct machine machine;          /* the worker's, as its `start` says */
    bool remote;                     /* its files are not to be seen here */
    char data_path[SETTINGS_TEXT_SIZE]; /* that worked last; may be empty */
    struct settings in_force;        /* as the worker says */
    struct settings wanted;          /* as the dials say */
    struct former *undo;             /* owned, [undo_count], newest last */
    int undo_count;
    int undo_before;                 /* that were there before a new run was
                                        asked for; -1: none is */
    bool locked;                     /* changes wait for Enter */
    unsigned asks;

    /* Forecasts; NULL: not here yet. Each is held. */
    struct forecast *now;            /* of in_force */
    struct forecast *planned;        /* of wanted, refused or not */
    struct forecast *baseline;       /* of wanted, nothing saved */
    struct forecast *pinned;         /* what to compare with, if not that */
    struct forecast *least;          /* the last with checkpoint=optimal and
                                        no budget, figures */
    struct forecast **turn;          /* owned, [dial_count()][DIAL_TURNS] */

    /* The worker, as link.h says. */
    enum link_state state;
    bool silent;
    char sentence[ERROR_TEXT_SIZE];  /* what is wrong with it; may be empty */
    int64_t snapshot;                /* step of the last; -1: none */
    enum notice notice;              /* the latest that was said */
    unsigned notices;                /* how many were */
    char message[ERROR_TEXT_SIZE];

    bool has_memory;
    bool has_run;                    /* a step of the plan that is in force */
    uint64_t planned_bytes, arena_bytes, touched_bytes;
    uint64_t os_bytes, os_peak_bytes; /* now; at most, 0: not known */
    int64_t step, steps;             /* done; of the whole run */
    int epoch;                       /* counted from 1; 0: none yet */
    double loss, samples_per_second;

    struct history *runs;                /* owned, [run_count]; last: this one */
    int run_count;
    int pinned_run, pinned_trial;    /* numbers; -1: none */
    struct trial *trials;            /* owned, [trial_count]; last: now */
    int trial_count;
    struct candidate *candidates;    /* owned, [candidate_count] */
    int candidate_count;
};

void session_init(struct session *, const char *preset,
                  const struct settings *);
void session_done(struct session *);

/* Other settings are wanted; what was before can be undone. */
void session_want(struct session *, const struct settings *);
void session_turn(struct session *, int dial, enum dial_turn);

/* The settings that a turn would make of those wanted; false if there is no
 * further step that way. */
bool session_next(const struct session *, int dial, enum dial_turn,
                  struct settings *);

/* What session_undo() would bring back, or NULL; in a new run if it cannot
 * follow in this one. */
const struct settings *session_former(const struct session *);
const char *session_former_preset(const struct session *);
void session_undo(struct session *);

/* Sets data_path, where it is needed and not set, to the one that worked. */
void session_fill(const struct session *, struct settings *);

/* A run of other settings, which may differ in what cannot change in a run;
 * can be undone too. */
void session_begin(struct session *, const char *preset,
                   const struct settings *);

/* That run cannot begin, and the one that was goes on. */
void session_stay(struct session *);
void session_lock(struct session *, bool locked);

/* Compares with the settings in force and this run, or, if they are what is
 * compared with already, with the baseline again. */
void session_pin(struct session *);

/* The same with the settings and the run of a trial, by its index. */
void session_pin_trial(struct session *, int trial);

/* Replaces the candidates; their forecasts come after all others, and those of
 * candidates that stay are kept. */
void session_consider(struct session *, const struct settings *, int count);

/* What was wanted is not, because it cannot be. */
void session_drop_pending(struct session *);

/* The same because a person does not want it; can be undone. */
void session_discard(struct session *);

/* Whether anything wanted is not in force; whether this dial's value is. */
bool session_pending(const struct session *);
bool session_dial_pending(const struct session *, int dial);

/* Whether session->planned is the answer for the settings wanted. */
bool session_planned(const struct session *);

/* What the bars are compared with: the pinned forecast or the baseline; NULL
 * if it is not here yet. */
const struct forecast *session_reference(const struct session *);

/* What of the process is not the arena, bytes. */
uint64_t session_gap(const struct session *);

/* Whether a run would be lost that has got somewhere and is not at its end. */
bool session_has_work(const struct session *);

/* An event of the worker. */
void session_event(struct session *, const struct event *);

/* Says something to the person at the screens. */
void session_say(struct session *, enum notice, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a restart does after a run failed or the worker ended: "goes on from
 * step 40", "begins again". */
void session_remedy(const struct session *, char *text, size_t size);

/* The questions that are open, most urgent first, and of them those about
 * `dial` first; returns how many. [session_most_questions()] */
int session_most_questions(void);
int session_questions(const struct session *, int dial, struct question *);

/* The answer to one of them, which the session takes over. */
void session_answer(struct session *, int tag, struct forecast *);

/* The forecast of a turn of a dial, or NULL. */
const struct forecast *session_turned(const struct session *, int dial,
                                      enum dial_turn);

/* The run that goes on, or NULL before the first. */
const struct history *session_run(const struct session *);

/* The pinned run, or NULL if that goes on or is forgotten. */
const struct history *session_pinned_run(const struct session *);

/* Whether it has an accuracy and its memory is known. */
bool trial_has_point(const struct trial *);

/* The index of the first trial with as much accuracy in less memory, or more
 * in as much, or -1. */
int session_beaten_by(const struct session *, const struct trial *);

/* What becomes of a trial: "running", "paused", "done", "diverged", "failed",
 * "stopped", or "changed" where others followed it in its run. */
const char *session_trial_state(const struct session *, const struct trial *);

/* The latest value of a curve of the run; NAN if there is none. */
double session_latest(const struct session *, enum curve);

#endif
