/*
 * The cursor of the page Step, which its panes share: the subject of a plan, a
 * step of that plan, and a tensor alive in the step. Plans are replaced under
 * it, so each function fits it to the plan it is given.
 */
#ifndef MEMDIAL_STEP_CURSOR_H
#define MEMDIAL_STEP_CURSOR_H

#include "plan/living.h"
#include "ui/pages/subject.h"
#include "ui/session/timeline.h"

struct step_cursor {
    enum subject subject;
    bool moved;          /* until then it is at the peak */
    int step;
    bool picked;         /* until then it is at the largest tensor */
    int tensor;          /* instance or LIVING_SCRATCH */
    int zoom;
    struct timeline timeline; /* owned, as last drawn */
};

void step_cursor_done(struct step_cursor *);

/* The step of the cursor. */
int step_cursor_at(const struct step_cursor *, const struct job *);

/* The tensors alive at the cursor, the largest first, and the place of the
 * chosen tensor among them, -1 if none is alive; the caller frees. */
struct living *step_cursor_living(const struct step_cursor *,
                                  const struct job *, int *count,
                                  int *chosen);

void step_cursor_go(struct step_cursor *, const struct job *, int step);
void step_cursor_pick(struct step_cursor *, int tensor);

/* Goes back to the largest tensor at the peak. */
void step_cursor_reset(struct step_cursor *);

/* Shows half or twice the number of steps, with the cursor in the middle. */
void step_cursor_zoom(struct step_cursor *, const struct job *, int by);

/* Lays out the timeline over `cols` columns. */
void step_cursor_show(struct step_cursor *, const struct job *, int cols);

/* The column in the middle of a step; -1 if it is not shown. */
int step_cursor_column(const struct step_cursor *, int step);

/* Marks the columns of the cursor. */
void step_cursor_mark(const struct step_cursor *, const struct job *,
                      struct area);

/* "conv of g1.b1.conv1"; "g1.b1.conv1.y" or "scratch of conv" */
void step_cursor_name_op(const struct job *, int step, char *text,
                         size_t size);
void step_cursor_name_tensor(const struct job *, int tensor, int step,
                             char *text, size_t size);

#endif
