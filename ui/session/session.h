/*
 * A session: all that the screens know. The settings in force and those
 * wanted, what was changed and can be undone, what is pinned, the forecasts
 * that have come, and every run, which run.c makes of its events. Data only:
 * what draws is in the pages, what talks to the worker and to whatif.c is in
 * app.c.
 *
 * What is kept has a bound, however long a session lasts: plans of the
 * settings in force, of those wanted, and of what these are compared with; of
 * all others the figures alone. Runs, attempts and what can be undone are
 * counted, and what is old makes room.
 *
 * Settings that are wanted but not in force are pending. What the session
 * would have the worker do is in `asks`, for app.c to carry out and clear.
 */
#ifndef MEMDIAL_SESSION_H
#define MEMDIAL_SESSION_H

#include "plan/dial.h"
#include "plan/forecast.h"
#include "ui/session/attempts.h"
#include "ui/session/link.h"
#include "ui/session/runs.h"

enum { SESSION_UNDOS = 256 };

/* What was wanted before. */
struct former {
    char preset[RUN_PRESET_SIZE];
    struct settings settings;
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
    char preset[RUN_PRESET_SIZE];
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

    struct runs runs;                /* and which of them is pinned */
    struct attempts tried;           /* likewise */
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

/* The same with the settings and the run of an attempt, by its index. */
void session_pin_attempt(struct session *, int attempt);

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

/* The forecast of a turn of a dial, or NULL. */
const struct forecast *session_turned(const struct session *, int dial,
                                      enum dial_turn);

/* The run that goes on; before the first, one that has not begun. */
const struct run *session_run(const struct session *);

/* The pinned run, or NULL if that goes on or is forgotten. */
const struct run *session_pinned_run(const struct session *);

/* What becomes of an attempt: "running", "paused", "done", "diverged",
 * "failed", "stopped", or "changed" where others followed it in its run. */
const char *session_attempt_state(const struct session *,
                                  const struct attempt *);

#endif
