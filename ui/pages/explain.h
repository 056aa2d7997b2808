/*
 * Why a figure is what it is: the formula with its numbers, the largest
 * tensors, and for the peak when it is, what is alive then, and which dials
 * can lower it.
 */
#ifndef MEMDIAL_EXPLAIN_H
#define MEMDIAL_EXPLAIN_H

#include "plan/living.h"
#include "ui/session/session.h"
#include "ui/term/text_block.h"

/* A kind of memory at the peak of a plan. */
void explain_kind(struct text_block *, const struct job *, enum kind);

/* A tensor that is alive in a step, or LIVING_SCRATCH. */
void explain_tensor(struct text_block *, const struct job *, int instance,
                    int step);

/* The peak of the settings wanted. */
void explain_peak(struct text_block *, const struct session *);

/* What the worker touched, what the system says it has, and the gap. */
void explain_memory(struct text_block *, const struct session *);

void explain_budget(struct text_block *, const struct session *);

/* Where the turns of a dial lead. */
void explain_turns(struct text_block *, const struct session *, int dial);

/* A dial: what it is, what it can be set to, and what it reaches. */
void explain_dial(struct text_block *, const struct session *, int dial);

#endif
