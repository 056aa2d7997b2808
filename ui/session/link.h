/*
 * The front end's end of a worker: starts it, sends it commands, reads its
 * events, and says in a sentence how it is. No call waits for a worker but to
 * end it: a tenth of a second at most, in link_free() half a second.
 *
 * A link outlives its workers. When one dies, hangs or prints garbage, the
 * link says so in its sentence. Then link_restart() goes on from the last
 * snapshot, if there is one, and link_begin() begins a run, both with a new
 * worker. child.h has the process, which dies with this one.
 */
#ifndef MEMDIAL_LINK_H
#define MEMDIAL_LINK_H

#include "events/event.h"

struct link;

enum link_state {
    LINK_STARTING,     /* the worker has not said `start` yet */
    LINK_RUNNING,
    LINK_PAUSED,
    LINK_DONE,         /* the run came to its end; the worker waits */
    LINK_FAILED,       /* the run could not begin or go on; the worker waits */
    LINK_DEAD          /* no worker: it ended, was killed or refused */
};

/* "running", "paused", ... */
const char *link_state_name(enum link_state);

/* `worker` is a command for the shell, or NULL for this program's own
 * `worker`. No process is started yet: the state is LINK_DEAD, without a
 * sentence. */
struct link *link_new(const char *worker);

/* Ends the worker and removes its snapshot. */
void link_free(struct link *);

/* Asks the worker to end. Its last events may follow. */
void link_stop(struct link *);

/* Begins a run, in place of any that is under way, in the worker, or in a new
 * one if there is none or if it is silent.
 * `name` is the preset's name in its `start` event. A worker that cannot begin
 * it says so in a `refused` event; then the run that was under way goes on. */
void link_begin(struct link *, const char *name, const struct settings *);

/* Goes on with the run that a folder of the worker's machine keeps, likewise;
 * its settings and the step of its snapshot are expected to be these. */
void link_continue(struct link *, const char *name, const struct settings *,
                   const char *folder, int64_t step);

/* Goes on with the last run from its snapshot, likewise, with the settings that
 * were in force there: a later change may have ended the worker. */
void link_restart(struct link *);

/* Whether there is a snapshot to restart from, and if so its step. A run that
 * failed has none: it would fail again. Of a run that was to begin from one but
 * has not begun that one counts. */
bool link_has_snapshot(const struct link *, int64_t *step);

/* Asks for other settings in the run. While an earlier change is not applied,
 * further changes are merged with it. The answer is an `applied` or a `refused`
 * event, after which link_settings() and link_wanted() are equal again. */
void link_set(struct link *, const struct settings *);

/* Pauses the run, or lets it go on. */
void link_pause(struct link *, bool pause);

/* Whether the run is paused, as was asked for last. */
bool link_pauses(const struct link *);

/* Writes a snapshot to a file of the worker's machine; a `saved` or `refused`
 * event answers. */
void link_save(struct link *, const char *path);

/* Sets how long a silence is remarkable: 30 seconds by default. */
void link_patience(struct link *, double seconds);

/* Reads the worker's output, at most 64 KiB a call, sends lines that could not
 * be sent before, and looks whether the worker lives. Call it when link_fd() is
 * readable, and at least once a second. */
void link_update(struct link *);

/* The descriptor to poll for input; -1 if there is no worker. */
int link_fd(const struct link *);

/* The next event that link_update() has read, valid until the next call; or
 * NULL. Faults of the stream itself come as EVENT_WARNING. */
const struct event *link_next(struct link *);

enum link_state link_state(const struct link *);

/* The number of runs asked for that the worker has not answered. */
int link_starts(const struct link *);

/* Whether the run goes on but no event has come for long; an event ends it. */
bool link_silent(const struct link *);

/* The state of the worker for people, one sentence without a full stop: how it
 * ended, or that it is silent; empty if all is well. */
const char *link_sentence(const struct link *);

/* The name that the run was begun with. */
const char *link_name(const struct link *);

/* The settings in force in the run, and those asked for last. */
const struct settings *link_settings(const struct link *);
const struct settings *link_wanted(const struct link *);

#endif
