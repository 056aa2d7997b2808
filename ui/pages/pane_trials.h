/*
 * The table of the page Runs: an attempt a row, those of the session before
 * past runs, as far as the filter lets them pass. The chosen row is that of the
 * latest attempt until a person chooses.
 */
#ifndef MEMDIAL_PANE_TRIALS_H
#define MEMDIAL_PANE_TRIALS_H

#include "ui/pages/table.h"

struct pane_trials {
    struct table_view view;
    bool stays;          /* on the attempt of this number, not on the latest */
    int trial;
    int column_count;    /* as last drawn */
};

/* The rows as they are shown. */
struct trial_rows {
    struct attempt **list;       /* owned, [count] */
    int count;
    struct attempt *chosen;      /* NULL: there are no rows */
};

void pane_trials_init(struct pane_trials *);

/* Makes the rows. Puts the view on the chosen one, wherever that is now. */
void pane_trials_rows(const struct session *, struct pane_trials *,
                      struct trial_rows *);
void trial_rows_done(struct trial_rows *);

/* The chosen attempt; NULL: there is none. */
struct attempt *pane_trials_chosen(const struct session *,
                                   struct pane_trials *);
void pane_trials_choose(const struct session *, struct pane_trials *,
                        const struct attempt *);

void pane_trials_draw(struct screen *, struct pane_trials *, struct area,
                      bool keys);

/* True: the click was on the row that was chosen already. */
bool pane_trials_act(const struct session *, struct pane_trials *,
                     enum action, int argument);

#endif
