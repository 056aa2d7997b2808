/*
 * A trial in words: its letters, what it saves memory by, and all that a popup
 * says of it.
 */
#ifndef MEMDIAL_TRIAL_TEXT_H
#define MEMDIAL_TRIAL_TEXT_H

#include "ui/session/session.h"
#include "ui/term/text_block.h"

enum { TRIAL_LABEL_SIZE = 8, TRIAL_SECONDS_CELLS = 7 };

/* A to Z, AA, AB, ... */
const char *trial_label(const struct attempt *, char text[TRIAL_LABEL_SIZE]);

/* How the label is shown: a trial on the front stands out. */
unsigned trial_label_style(const struct session *, const struct attempt *);

/* Whether no other trial has as good a score in less memory, or more in as
 * much. */
bool trial_on_front(const struct session *, const struct attempt *);

/* By how much more it computes than its baseline, and how much less memory it
 * takes; 0: not known yet. */
double trial_flops_ratio(const struct attempt *);
double trial_reduction(const struct attempt *);

double trial_seconds(const struct attempt *);

/* How the trial saves memory, then in what else it is not as its run began. */
void trial_describe(const struct session *, const struct attempt *,
                    char *text, size_t size);

/* Adds its results, what going back to it would change, and its settings. */
void trial_explain(struct text_block *, const struct session *,
                   const struct attempt *);

#endif
