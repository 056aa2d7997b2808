#include "train/training.h"

#include "train/snapshot.h"

/* Saves, unless the snapshot there is of this step already. */
static bool save_once(struct trainer *t, const char *path,
                      int64_t *saved_step, struct event_sink sink,
                      struct error *e)
{
    if (!path || *saved_step == t->step)
        return true;
    if (!snapshot_save(t, path, e))
        return false;
    *saved_step = t->step;
    sink.emit(sink.arg, &(struct event){ .type = EVENT_SAVED,
                                         .saved = { t->step, path } });
    return true;
}

static bool run_to_end(struct trainer *t, struct event_sink sink,
                       const volatile sig_atomic_t *stop, const char *save,
                       struct error *e)
{
    int64_t saved_step = -1; /* none; another run's snapshot does not count */

    while (t->step < trainer_steps(t) && !*stop)
        if (!trainer_advance(t, sink, e) ||
            (trainer_ends_epoch(t) &&
             !save_once(t, save, &saved_step, sink, e)))
            return false;
    return save_once(t, save, &saved_step, sink, e);
}

bool training_run(struct trainer *t, const char *preset, struct event_sink sink,
                  const volatile sig_atomic_t *stop, const char *save,
                  struct error *e)
{
    bool ok;

    trainer_begin(t, preset, sink);
    if (t->job->settings.average > 0 && !save)
        sink.emit(sink.arg, &(struct event){
                                .type = EVENT_WARNING,
                                .message = "average has no effect: the mean of "
                                           "weights is in snapshots alone; "
                                           "give --save FILE" });
    ok = run_to_end(t, sink, stop, save, e);
    sink.emit(sink.arg, ok ? &(struct event){ .type = EVENT_DONE } :
                             &(struct event){ .type = EVENT_ERROR,
                                              .message = e->text });
    return ok;
}
