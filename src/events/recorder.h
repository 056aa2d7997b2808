/*
 * A recorder writes the record of a run under way: record.h. It stands before
 * the other listeners to a run's events and passes each event on to them. If it
 * cannot write it tells them so, once, and the run goes on.
 *
 * Nothing is forced to the disk in the loop of steps: lines outlive the
 * process, though not the machine.
 */
#ifndef MEMDIAL_RECORDER_H
#define MEMDIAL_RECORDER_H

#include "events/record.h"

struct recorder;

/* Opens the record in a folder, new or not, for a run that is to say `start`.
 */
bool recorder_open(struct recorder **, const char *folder,
                   struct event_sink next, struct error *);

/* NULL is closed already. */
void recorder_close(struct recorder *);

/* The listener to the events of the run. */
struct event_sink recorder_sink(struct recorder *);

/* A listener that passes nothing on: for a run that nobody follows any more. */
struct event_sink recorder_alone(struct recorder *);

/* The path of the snapshot. */
const char *recorder_snapshot(const struct recorder *);

/* Tells that something was not written, unless that was told before. */
void recorder_warn(struct recorder *, const struct error *);

#endif
