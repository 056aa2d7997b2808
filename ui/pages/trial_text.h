/*
 * A trial in words: its letters, its ways of saving memory, and the text of a
 * popup about it.
 */
#ifndef MEMDIAL_TRIAL_TEXT_H
#define MEMDIAL_TRIAL_TEXT_H

#include "ui/session/session.h"
#include "ui/term/text_block.h"

enum { TRIAL_LABEL_SIZE = 12, TRIAL_SECONDS_CELLS = 7 };

/* A to Z, AA, AB, ... of the session's; 1, 2, ... of past runs. */
const char *trial_label(const struct attempt *, char text[TRIAL_LABEL_SIZE]);

/* The style of the label: a trial on the front stands out. */
unsigned trial_label_style(const struct session *, const struct attempt *);

/* Whether the trial has a point in the plot of those that compete, and its
 * score there. */
bool trial_has_point(const struct session *, const struct attempt *);
double trial_score(const struct session *, const struct attempt *);

/* Whether the trial is on the Pareto front: it competes, and none that does has
 * as good a score in less memory, or a better one in no more. */
bool trial_on_front(const struct session *, const struct attempt *);

/* "5" epochs of a trial, "15→20 of A" of a continuation. */
enum { TRIAL_EPOCHS_SIZE = 64 };
const char *trial_epochs(const struct session *, const struct attempt *,
                         char text[TRIAL_EPOCHS_SIZE]);

/* The factor by which it computes more than its baseline, and the factor by
 * which it takes less memory; 0: not known yet. */
double trial_flops_ratio(const struct attempt *);
double trial_reduction(const struct attempt *);

double trial_seconds(const struct attempt *);

/* How the trial saves memory, then its other changes since its run began. */
void trial_describe(const struct session *, const struct attempt *,
                    char *text, size_t size);

/* Adds the changes of going back to it, and its settings. */
void trial_tell_changes(struct text_block *, const struct session *,
                        const struct attempt *);
void trial_tell_settings(struct text_block *, const struct attempt *);

/* Adds its results, these changes and settings. */
void trial_explain(struct text_block *, const struct session *,
                   const struct attempt *);

#endif
