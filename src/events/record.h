/*
 * A record: the folder that a run is kept in, ROOT/NAME.
 *
 *     settings.yaml         the settings that it began with, as a preset
 *     events.jsonl          its events, as event.h has them; lines are added
 *     snapshot.safetensors  its state, from time to time
 *
 * recorder.h writes it, archive.h finds it, and here it is read. There is no
 * lock and no list of runs anywhere else: whatever is in the folder is the
 * record. A process that is killed may leave half a line, which is passed over,
 * as is every line that is no event.
 *
 * Only the process itself knows whether it still works on the run. Where it
 * cannot be asked, on another host, the age of its last line must do.
 */
#ifndef MEMDIAL_RECORD_H
#define MEMDIAL_RECORD_H

#include <limits.h>

#include "base/origin.h"
#include "events/labels.h"
#include "events/run.h"

enum { RECORD_NAME_SIZE = NAME_MAX + 1, RECORD_PATH_SIZE = 2048,
       RECORD_ROOT_SIZE = RECORD_PATH_SIZE - 2 * RECORD_NAME_SIZE,
       RECORD_VERSION_SIZE = 32, RECORD_UNKNOWN_SIZE = 256,
       RECORD_TEXT_SIZE = 512,
       RECORD_SILENCE = 300 /* seconds, after which a run on another host
                               counts as ended */ };

#define RECORD_SETTINGS "settings.yaml"
#define RECORD_EVENTS "events.jsonl"
#define RECORD_SNAPSHOT "snapshot.safetensors"

enum record_state {
    RECORD_EMPTY,        /* the run has not said `start`, nor an `error` */
    RECORD_RUNNING,
    RECORD_PAUSED,
    RECORD_DONE,
    RECORD_STOPPED,      /* it was asked to end before its last step */
    RECORD_DIVERGED,
    RECORD_FAILED,
    RECORD_ABORTED,      /* its process ended without a word */
    RECORD_UNREADABLE,   /* record->error says why */
    RECORD_STATES
};

/* "running", "done", ... */
const char *record_state_name(enum record_state);

/* How much of the events is read. */
enum record_part {
    RECORD_ENDS,         /* the first and the last: how the run is, but without
                            curves, best scores and changes in its middle */
    RECORD_EPOCHS,       /* all but most steps: everything but their curves */
    RECORD_CURVES,       /* everything, with the steps that a chart can show */
    RECORD_WHOLE
};

struct record {
    char folder[RECORD_PATH_SIZE];   /* its path */
    char name[RECORD_NAME_SIZE];     /* the last part of it */
    struct run run;                  /* put together from the events */
    struct labels labels;
    enum record_state state;
    bool guessed;                    /* from the age of the last line */
    struct origin origin;            /* of the process that wrote last */
    char version[RECORD_VERSION_SIZE]; /* of memdial that wrote last */
    int64_t time;                    /* it began, Unix seconds; 0: not known */
    int64_t written;                 /* its last line was, Unix seconds */
    uint64_t bytes;                  /* of its files */
    bool has_snapshot;
    uint64_t snapshot_bytes;
    bool has_settings;               /* that it began with, or is to: */
    struct settings began_with;

    /* The last figures; NAN: none. */
    double seconds;                  /* spent on the run; of RECORD_ENDS without
                                        the last validation */
    double loss;                     /* of the last step */
    double train_loss, train_accuracy; /* of the last epoch ... */
    double valid_loss, valid_accuracy, valid_score, bleu;
    double test_loss, test_accuracy, test_score, test_bleu;

    /* The run's latest snapshot that the events tell of, in the folder. */
    int64_t saved_step;              /* -1: none */
    double saved_seconds;            /* spent on the run until then ... */
    double saved_epoch_began;        /* ... and until its epoch began */
    double epoch_began;              /* likewise, of the last epoch */
    struct settings saved_settings;  /* in force then */

    int64_t turned;                  /* how often its settings were, in its
                                        middle: then a score is not that of the
                                        last settings alone */
    int warnings;                    /* events of the kind ... */
    char warning[RECORD_TEXT_SIZE];   /* ... and the last of them */
    char trouble[RECORD_TEXT_SIZE];   /* the message of an `error`; "" */
    int bad;                         /* lines that are no events */
    char lost_settings[RECORD_TEXT_SIZE]; /* why the latest line that changes
                                        settings was refused; "": none was */
    char unknown[RECORD_UNKNOWN_SIZE]; /* members, settings and events of a
                                        newer version, by name; not told of
                                        RECORD_ENDS */
    struct error error;              /* EXIT_OK: it could be read */
};

/* The path of a file in a folder; or that of a folder, in a root of at most
 * RECORD_ROOT_SIZE bytes. */
const char *record_path(const char *folder, const char *file,
                        char path[RECORD_PATH_SIZE]);

/* Whether a folder is one of a run: it has events, or at least settings. */
bool record_is(const char *folder);

/* Reads the record in a folder. A fault of it is in record->error, and is no
 * fault of the call: false only if the folder is not one of a run, or is not
 * there any more. Release it in either case. */
bool record_read(struct record *, const char *folder, enum record_part,
                 struct error *);
void record_done(struct record *);

/* Calls `take` with each whole line of the events, in their order, as long as
 * it returns true. */
bool record_lines(const char *folder,
                  bool (*take)(void *arg, const char *line, size_t length),
                  void *arg, struct error *);

/* A mark of the events in a folder: another one says that they are others, or
 * that there are more. It costs a look at the file, not at its lines. */
struct record_stamp {
    bool is_record;                  /* as record_is() tells it */
    uint64_t bytes;                  /* of the events ... */
    int64_t seconds, nanoseconds;    /* ... and when they were written */
};

struct record_stamp record_stamp(const char *folder);
bool record_stamp_same(const struct record_stamp *,
                       const struct record_stamp *);

/* The score that a run is judged by: on the test split, or else the validation
 * split, if it has any. NAN: none yet. */
double record_score(const struct record *);

/* Refuses a run that is under way. `what` is what would be done to it. */
bool record_check_ended(const struct record *, const char *what,
                        struct error *);

/* Adds an event to a run whose process has ended: the `error` that it was not
 * able to say. */
bool record_add_error(const struct record *, const char *message,
                      struct error *);

/* Adds a label to a run, which another host must not be writing to. */
bool record_label(const struct record *, const struct event *,
                  struct error *);

/* Refuses a link: what it leads to is not removed by its name. */
bool record_check_no_link(const char *folder, struct error *);

/* Refuses a link, and a folder with files of others, as record_remove() does.
 */
bool record_check_removable(const struct record *, struct error *);

/* Removes the snapshot alone; removes all files and the folder. A folder with
 * files of others is refused, and left as it is. */
bool record_remove_snapshot(const struct record *, struct error *);
bool record_remove(const struct record *, struct error *);

#endif
