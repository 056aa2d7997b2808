/*
 * The y axis of charts of a score.
 */
#ifndef MEMDIAL_SCORE_AXIS_H
#define MEMDIAL_SCORE_AXIS_H

#include "settings/facts.h"
#include "ui/term/chart.h"

/* Sets the range and the labels of the y axis. A score in percent stays within
 * 0 and 1. */
void score_axis(struct chart *, struct score, double low, double high);

#endif
