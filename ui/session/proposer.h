/*
 * A proposer plans sweeps for the screens, in a thread of its own: the runs
 * that the marks ask for, as `memdial sweep` would have them. Nothing is
 * written.
 */
#ifndef MEMDIAL_PROPOSER_H
#define MEMDIAL_PROPOSER_H

#include "events/run.h"
#include "settings/preset.h"
#include "sweep/sweep.h"
#include "ui/session/marks.h"

/* A sweep that can begin, and who asked for it. */
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

/* Plans it; false if `goes_on`, unless that is NULL, said so before the end. */
bool proposal_plan(struct proposal *, bool (*goes_on)(void *arg), void *arg);

/* NULL is free already. */
void proposal_free(struct proposal *);

struct proposer;

struct proposer *proposer_new(void);
void proposer_free(struct proposer *);

/* Plans a proposal, which it takes over, in place of the one before. */
void proposer_ask(struct proposer *, struct proposal *);

/* Readable when one is planned. */
int proposer_fd(const struct proposer *);

/* The proposal, planned or refused, for the caller to free; NULL: not yet. */
struct proposal *proposer_take(struct proposer *);

#endif
