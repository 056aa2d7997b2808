/*
 * A session: the data of the screens. They are the settings in force and those
 * wanted, the changes that can be undone, the pinned run, the forecasts that
 * have come, and every run, which run.c makes from its events. Data only: the
 * pages draw, and app.c talks to the worker and to whatif.c.
 *
 * All data have a bound, however long a session lasts. Plans are kept for the
 * settings in force, for those wanted, and for those that these are compared
 * with; other forecasts are figures alone. Runs, attempts and changes to undo
 * are counted, and old ones make room.
 *
 * Settings that are wanted but not in force are pending. Requests to the worker
 * are in `asks`, for app.c to carry out and clear.
 */
#ifndef MEMDIAL_SESSION_H
#define MEMDIAL_SESSION_H

#include "events/ledger.h"
#include "plan/dial.h"
#include "plan/forecast.h"
#include "ui/session/attempts.h"
#include "ui/session/finding.h"
#include "ui/session/history.h"
#include "ui/session/link.h"
#include "ui/session/queue.h"
#include "ui/session/runs.h"
#include "ui/session/sweeping.h"

enum { SESSION_UNDOS = 256 };

/* Settings that were wanted before. */
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
    SESSION_ASK_RESTART = 2,         /* the run, from its last snapshot */
    SESSION_ASK_PAUSE = 4,           /* or to go on; twice is not at all */
    SESSION_ASK_APPLY = 8,           /* `wanted`, even if locked */
    SESSION_ASK_QUESTIONS = 16,      /* settings changed: ask whatif.c anew */
    SESSION_ASK_FIT = 32,            /* settings within `fit_budget` */
    SESSION_ASK_FIT_STOP = 64,
    SESSION_ASK_CONTINUE = 128,      /* the run in the folder `goes_on` */
    SESSION_ASK_PROPOSE = 256        /* a sweep of the marks */
};

enum notice { NOTICE_NONE, NOTICE_INFO, NOTICE_WARNING, NOTICE_ERROR };

struct session {
    char preset[RUN_PRESET_SIZE];    /* of the run asked for last ... */
    char begun[RUN_PRESET_SIZE];     /* ... and of that in force */
    struct machine machine;          /* the worker's, as its `start` says */
    bool remote;                     /* its files are not to be seen here */
    struct ledger ledger;            /* the timings of its machine */
    char data_path[SETTINGS_TEXT_SIZE]; /* that worked last; may be empty */
    struct settings in_force;        /* as the worker says */
    struct settings wanted;          /* as the dials say */
    struct settings coming;          /* of the run asked for, if one is */
    struct former *undo;             /* owned, [undo_count], newest last */
    int undo_count;
    int undo_before;                 /* undo_count before a new run was asked
                                        for; -1: none is asked for */
    bool locked;                     /* changes wait for Enter */
    unsigned asks;

    /* Forecasts; NULL: not here yet. Each is held. */
    struct forecast *now;            /* of in_force */
    struct forecast *planned;        /* of wanted, refused or not */
    struct forecast *baseline;       /* of wanted, nothing saved */
    struct forecast *pinned;         /* compared with, if not the baseline */
    struct forecast *least;          /* the last with checkpoint=optimal and
                                        no budget, figures */
    struct forecast **turn;          /* owned, [dial_count()][DIAL_TURNS] */

    /* Settings within a budget. */
    size_t fit_budget;               /* asked for last, bytes; 0: none yet */
    bool fitting;                    /* a search is under way */
    int fit_plans;                   /* that it has made */
    struct finding *found;           /* owned, by the last search; or NULL */

    /* The worker, as link.h says. */
    enum link_state state;
    bool silent;
    int starts;                      /* runs asked for, without an answer */
    char sentence[ERROR_TEXT_SIZE];  /* on trouble with it; may be empty */
    int64_t snapshot;                /* step of the last; -1: none */
    char folder[ERROR_TEXT_SIZE];    /* that the run is kept in; "": in none */
    enum notice notice;              /* the latest */
    unsigned notices;                /* how many there were */
    char message[ERROR_TEXT_SIZE];

    struct runs runs;                /* and which of them is pinned */
    struct attempts tried;           /* likewise */
    struct queue queue;              /* of runs after the one under way */
    struct marks marks;              /* of values, for a sweep */
    struct proposal *proposed;       /* owned; NULL: it is not planned yet */
    struct sweeping sweeping;        /* the runs after those of the queue */
    struct history history;          /* of all others that are kept */
    char root[RECORD_PATH_SIZE];     /* where they are; "": nowhere */
    char usual_root[RECORD_PATH_SIZE]; /* where commands look for them */
    char goes_on[RECORD_PATH_SIZE];  /* folder of the run asked for; "": it
                                        begins in one of its own */
    int64_t goes_on_after;           /* step of its snapshot */
    bool continues;                  /* the latest start that was sent goes on
                                        with a run */
    struct candidate *candidates;    /* owned, [candidate_count] */
    int candidate_count;
    const void *candidates_for;      /* who asked for them */
};

void session_init(struct session *, const char *preset,
                  const struct settings *);
void session_done(struct session *);

/* Wants other settings; the former ones can be brought back. */
void session_want(struct session *, const struct settings *);
void session_turn(struct session *, int dial, enum dial_turn);

/* The least budget for the settings wanted, bytes; 0: not known. */
uint64_t session_least_budget(const struct session *);

/* Predicted seconds as a factor of those of the baseline; NAN: not known, or
 * only one of the two is a guess. */
double session_times(const struct session *, const struct forecast *);

/* Takes over timings of this machine, of whose worker nothing was heard yet;
 * NULL: there are none, and why. */
void session_put_timings(struct session *, struct timings *, const char *why);

/* The settings that a turn would make from those wanted; false if there is no
 * further step that way. */
bool session_next(const struct session *, int dial, enum dial_turn,
                  struct settings *);

/* The settings that session_undo() would bring back, or NULL; in a new run if
 * they cannot follow in this one. */
const struct settings *session_former(const struct session *);
const char *session_former_preset(const struct session *);
void session_undo(struct session *);

/* Sets data_path, where it is needed and empty, to the one that worked. */
void session_fill(const struct session *, struct settings *);

/* Wants the run from its beginning, with the dials as they are: another run, in
 * a folder of its own. */
void session_begin_again(struct session *);

/* Wants a run of other settings, which may differ in those that cannot change
 * in a run; can be undone too. */
void session_begin(struct session *, const char *preset,
                   const struct settings *);

/* Wants a past run, whose whole is here, to go on in place of the present one.
 */
void session_continue(struct session *, struct past *);

/* Queues an attempt's settings, or takes them out of the queue. */
void session_queue(struct session *, const struct attempt *);

bool session_has_queued(const struct session *, const struct attempt *);

/* Begins the first run of the queue or else the next of the sweep, if the run
 * before it is over. */
void session_next_run(struct session *);

/* Seconds until the run under way, the queue and the sweep are done; 0: not
 * known. */
double session_seconds_left(const struct session *);

/* Wants a plan of the sweep that the marks ask for; takes over the plan. */
void session_propose(struct session *);
void session_proposed(struct session *, struct proposal *);

/* Begins the sweep that was planned: in place of the run under way, or after it
 * and the queue. */
void session_sweep(struct session *, bool at_once);

/* Begins no more runs of the sweep. */
void session_end_sweep(struct session *);

/* Takes notice that a run could not begin; false if it is none of a sweep. */
bool session_refuse_swept(struct session *, const char *why);

/* The run asked for last cannot begin, and the run before it goes on, or had
 * failed. Where there was none the dials stay as they are. */
void session_stay(struct session *);
void session_lock(struct session *, bool locked);

/* Compares with the settings in force and this run; if they are pinned already,
 * with the baseline again. */
void session_pin(struct session *);

/* Compares with the settings and the run of an attempt. */
void session_pin_attempt(struct session *, const struct attempt *);

/* The attempt of that number, of the session or of history; NULL: there is none
 * any more. */
struct attempt *session_attempt(const struct session *, int number);

/* Whether an attempt has a row: the filter lets it pass, and no other shows it.
 */
bool session_shows(const struct session *, const struct attempt *);

/* Searches for settings within a budget; ends the search with what it has. */
void session_fit(struct session *, size_t budget);
void session_fit_stop(struct session *);

/* Takes over the end of a search. */
void session_fitted(struct session *, struct finding *);

/* Whether what was found holds for the settings wanted. */
bool session_fit_holds(const struct session *);

/* The settings wanted with the dials as in a row that was found. */
struct settings session_fit_settings(const struct session *, int row);

/* Wants a row that was found; compares with it. */
void session_take_fit(struct session *, int row);
void session_pin_fit(struct session *, int row);

/* Replaces the candidates, whose forecasts come after all others. Candidates
 * that stay keep their forecasts. `asker` tells that they are its own. */
void session_consider(struct session *, const void *asker,
                      const struct settings *, int count);

/* Drops the settings wanted because they are impossible. */
void session_drop_pending(struct session *);

/* Drops them because a person does not want them; can be undone. */
void session_discard(struct session *);

/* The settings in force, or those of the run that is asked for. */
const struct settings *session_settled(const struct session *);

/* Whether any setting is pending; whether a dial's is. The settings that a run
 * is asked for with are not: they come with it. */
bool session_pending(const struct session *);

/* Whether the settings wanted are not those in force, for whatever reason. */
bool session_differs(const struct session *);

bool session_dial_pending(const struct session *, int dial);

/* Whether session->planned is the answer for the settings wanted. */
bool session_planned(const struct session *);

/* The forecast that the bars are compared with: the pinned one or the baseline;
 * NULL if it is not here yet. */
const struct forecast *session_reference(const struct session *);

/* Bytes of the process beside the arena. */
uint64_t session_gap(const struct session *);

/* Whether leaving loses a run that has made steps and is not at its end. */
bool session_has_work(const struct session *);

/* Takes an event of the worker. */
void session_event(struct session *, const struct event *);

/* Says something to the person at the screens. */
void session_say(struct session *, enum notice, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The effect of a restart after a run failed or the worker ended: "goes on from
 * step 40", "begins again". */
void session_remedy(const struct session *, char *text, size_t size);

/* The forecast of a turn of a dial, or NULL. */
const struct forecast *session_turned(const struct session *, int dial,
                                      enum dial_turn);

/* The run under way; before the first, a run that has not begun. */
const struct run *session_run(const struct session *);

/* The pinned run, or NULL if it is the one under way or is forgotten. */
const struct run *session_pinned_run(const struct session *);

/* The state of an attempt: "running", "paused", "done", "diverged", "failed",
 * "stopped", or "changed" where others followed it in its run; that of a past
 * run as record.h has it. */
const char *session_attempt_state(const struct session *,
                                  const struct attempt *);

#endif
