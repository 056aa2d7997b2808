/*
 * The functions that a family of data, such as images or sentences, gives to
 * the rest of the program. A plan needs settings alone.
 */
#ifndef MEMDIAL_FAMILY_H
#define MEMDIAL_FAMILY_H

#include "base/error.h"
#include "data/cut.h"
#include "settings/settings.h"

/* A batch to be loaded: one of training, or all samples that an evaluation
 * uses. */
struct reading {
    const void *state;       /* of the open set */
    const struct settings *settings;
    enum split split;
    int64_t step;            /* optimizer steps before it, in training */
    struct extents whole;
    /* For the family itself: places in its order, and what a part has room
     * for. */
    int begin, end, room;
};

struct data_family {
    enum extent terms;       /* the loss is the mean over these */
    struct cut (*cut)(const struct settings *);
    /* `source` says which set of the family; `state` is the open set's. A set
     * that `check` accepts may still fail to open. */
    bool (*check)(const void *source, const struct settings *, struct error *);
    bool (*open)(void **state, const void *source, const struct settings *,
                 struct error *);
    void (*close)(void *state);
    /* Whether no sample has changed; NULL: they are all in memory. */
    bool (*intact)(const void *state, struct error *);
    /* Names, in words and by checksums, what a trained network has learned the
     * numbers of; NULL: the same in all sets of the family. */
    void (*identity)(const void *state, char *text, size_t size);
    /* Units of an epoch by settings alone, which a batch must not have more of;
     * 0 where the files say; NULL: a batch may have more. */
    int64_t (*planned_units)(const void *source, const struct settings *);
    /* Units of an epoch, and how many whole batches they make. */
    int64_t (*epoch_units)(const void *state, const struct settings *);
    int64_t (*epoch_batches)(const void *state, const struct settings *);
    /* Sets `whole` of a reading. */
    void (*begin)(struct reading *);
    /* The functions of its loader (kernels.h), whose arg is the reading; */
    bool (*next)(void *reading, struct part *);
    void (*fill)(void *reading, const struct part *, int begin, int end,
                 const struct stream stream[]);
    bool repeats;            /* whether parts have the same sizes in every
                                batch of training */
};

#endif
