/*
 * A person's choices of how the screens look. They are saved only on request,
 * in $XDG_CONFIG_HOME/memdial/screens.yaml.
 */
#ifndef MEMDIAL_VIEW_H
#define MEMDIAL_VIEW_H

#include "base/error.h"
#include "ui/session/session.h"
#include "ui/term/theme.h"

/* Curves that the Run page draws. */
enum curves { CURVES_BOTH, CURVES_SCORE, CURVES_LOSS, CURVES_COUNT };

struct view {
    enum theme theme;
    enum axis axis;                  /* of the x axis */
    enum curves curves;
    bool log_loss, smooth;
    bool zoom;                       /* of bars, on the planned one */
};

/* "both", "score", "loss" */
const char *view_curves_name(enum curves);

void view_init(struct view *);

/* Reads the saved view over *view. Unknown lines are passed over, and without a
 * file nothing changes. */
void view_load(struct view *);

/* Writes the view and says where, in path[PRESET_PATH_SIZE]. */
bool view_save(const struct view *, char *path, struct error *);

#endif
