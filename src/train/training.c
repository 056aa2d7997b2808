#include "train/training.h"

#include "train/saver.h"

/* A run under way, and its listeners. */
struct course_of_run {
    struct trainer *trainer;
    struct event_sink sink;
    struct saver save;           /* as the caller asks for */
    struct saver guard;          /* of the record */
    struct recorder *recorder;   /* or NULL */
};

/* Saves for the record. A full disk is no reason to end the run. */
static void guard(struct course_of_run *r)
{
    struct error e;

    if (!saver_save(&r->guard, r->trainer, r->sink, &e))
        recorder_warn(r->recorder, &e);
}

static bool run_to_end(struct course_of_run *r,
                       const volatile sig_atomic_t *stop, struct error *e)
{
    struct trainer *t = r->trainer;

    while (t->step < trainer_steps(t) && !*stop) {
        if (!trainer_advance(t, r->sink, e) ||
            (trainer_ends_epoch(t) && !saver_save(&r->save, t, r->sink, e)))
            return false;
        if (saver_is_due(&r->guard, t))
            guard(r);
    }
    guard(r);
    return saver_save(&r->save, t, r->sink, e);
}

static void warn_of_average(const struct course_of_run *r)
{
    static const char text[] = "average has no effect: the mean of weights is "
                               "in snapshots alone; give --save FILE";

    if (r->trainer->job->settings.average > 0 && !r->save.path &&
        !r->guard.path)
        r->sink.emit(r->sink.arg, &(struct event){ .type = EVENT_WARNING,
                                                   .message = text });
}

bool training_run(struct trainer *t, const char *preset, struct event_sink sink,
                  const volatile sig_atomic_t *stop, const char *save,
                  struct recorder *recorder, struct error *e)
{
    struct course_of_run r = { .trainer = t, .recorder = recorder,
                               .sink = recorder ? recorder_sink(recorder)
                                                : sink };
    bool ok;

    saver_init(&r.save, save);
    saver_init(&r.guard, recorder ? recorder_snapshot(recorder) : NULL);
    trainer_begin(t, preset, r.sink);
    warn_of_average(&r);
    ok = run_to_end(&r, stop, e);
    r.sink.emit(r.sink.arg, ok ? &(struct event){ .type = EVENT_DONE } :
                                 &(struct event){ .type = EVENT_ERROR,
                                                  .message = e->text });
    return ok;
}
