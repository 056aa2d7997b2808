/*
 * A proposal: a sweep that can begin from the screens, of the runs that the
 * marks ask for, as `memdial sweep` would have them. Its plans are an errand.
 * Nothing is written.
 */
#ifndef MEMDIAL_PROPOSAL_H
#define MEMDIAL_PROPOSAL_H

#include "events/run.h"
#include "settings/preset.h"
#include "sweep/sweep.h"
#include "ui/session/errand.h"
#include "ui/session/marks.h"

struct proposal {
    struct sweep_request request;    /* its texts are below */
    char preset[RUN_PRESET_SIZE];
    char root[RECORD_PATH_SIZE];
    char name[ARCHIVE_NAME_MAX + 1]; /* of the folder, if not the usual one */
    struct machine machine;
    struct assignment *assignments;  /* owned, [request.assignment_count], each
                                        text owned */
    char **over;                     /* owned, [request.over_count], each owned
                                        */
    bool planned;
    struct sweep sweep;              /* if so */
    size_t available;                /* bytes for its arenas; 0: not known */
    struct error error;              /* why it is not; EXIT_OK: not yet */
};

/* What marks ask for beside the settings wanted, in a root. `machine` tells
 * what these leave to it. */
struct proposal *proposal_new(const char *preset, const struct settings *wanted,
                              const struct marks *, const char *root,
                              const struct machine *machine);

/* NULL is free already. */
void proposal_free(struct proposal *);

/* Plans it. */
extern const struct errand proposal_errand;

#endif
