/*
 * A whole run in this process: the steps of a trainer, and a snapshot after
 * every epoch.
 */
#ifndef MEMDIAL_TRAINING_H
#define MEMDIAL_TRAINING_H

#include <signal.h>

#include "train/trainer.h"

/*
 * Runs from trainer_begin() to `done`, or to `error`; stops early, between two
 * steps, when *stop is set. With `save` not NULL it writes a snapshot there
 * after every epoch and on stopping.
 */
bool training_run(struct trainer *, const char *preset, struct event_sink,
                  const volatile sig_atomic_t *stop, const char *save,
                  struct error *);

#endif
