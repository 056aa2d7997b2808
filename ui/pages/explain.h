/*
 * The reason for a figure: its formula with the numbers, and the largest
 * tensors. For the peak, also its step, the tensors alive then, and the dials
 * that can lower it.
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

/* The bytes that the worker touched, those that the system reports, and the
 * gap. */
void explain_memory(struct text_block *, const struct session *);

void explain_budget(struct text_block *, const struct session *);

/* The plans that the turns of a dial lead to. */
void explain_turns(struct text_block *, const struct session *, int dial);

/* The value of a dial; its technique, what it can be, and what it reaches. */
void explain_value(struct text_block *, const struct session *, int dial);
void explain_dial(struct text_block *, const struct session *, int dial);

#endif
