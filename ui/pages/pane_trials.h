/*
 * The table of the page Runs: a trial a row, and the chosen trial, which is the
 * latest until a person chooses.
 */
#ifndef MEMDIAL_PANE_TRIALS_H
#define MEMDIAL_PANE_TRIALS_H

#include "ui/pages/table.h"

struct pane_trials {
    struct table_view view;
    bool stays;          /* on the trial of this number, not on the latest */
    int trial;
    int column_count;    /* as last drawn */
};

void pane_trials_init(struct pane_trials *);

/* The index of the chosen trial; -1: there is none. */
int pane_trials_chosen(const struct session *, const struct pane_trials *);
void pane_trials_choose(const struct session *, struct pane_trials *,
                        int trial);

/* The trials in the order of the rows; the caller frees. Puts the view on the
 * chosen trial, wherever that is now. */
int *pane_trials_order(const struct session *, struct pane_trials *);

void pane_trials_draw(struct screen *, struct pane_trials *, struct area,
                      bool keys);

/* True: the click was on the trial that was chosen already. */
bool pane_trials_act(const struct session *, struct pane_trials *,
                     enum action, int argument);

#endif
