/*
 * A whole run in this process: the steps of a trainer, with snapshots.
 */
#ifndef MEMDIAL_TRAINING_H
#define MEMDIAL_TRAINING_H

#include <signal.h>

#include "events/recorder.h"
#include "train/trainer.h"

/*
 * Runs from trainer_begin() to `done`, or to `error`; stops early, between two
 * steps, when *stop is set. With `save` not NULL it writes a snapshot there
 * after every epoch and on stopping. A recorder, which may be NULL, keeps the
 * run and passes its events on; otherwise they go to the sink.
 */
bool training_run(struct trainer *, const char *preset, struct event_sink,
                  const volatile sig_atomic_t *stop, const char *save,
                  struct recorder *, struct error *);

#endif
