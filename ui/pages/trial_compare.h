/*
 * Two attempts side by side: the settings in which they differ, bytes per kind,
 * seconds, and their scores epoch by epoch.
 */
#ifndef MEMDIAL_TRIAL_COMPARE_H
#define MEMDIAL_TRIAL_COMPARE_H

#include "ui/session/session.h"
#include "ui/term/text_block.h"

void trial_compare(struct text_block *, const struct session *,
                   const struct attempt *, const struct attempt *);

#endif
