/*
 * The average of a run's weights over its last epochs (average=N). It lives in
 * snapshots alone, in fp32, beside the weights: no byte of it is in the arena.
 * A snapshot that is written at the end of an epoch that counts adds the
 * weights to the average that the run's snapshot before it has:
 *
 *     mean_k = mean_(k-1) + (weights - mean_(k-1)) / k
 *
 * Of a pool, places that have a weight now are averaged; in an epoch in which a
 * place had none, its weight counts as 0.
 */
#ifndef MEMDIAL_AVERAGE_H
#define MEMDIAL_AVERAGE_H

#include "train/safetensors.h"
#include "train/trainer.h"

/* The average that the next snapshot has: how many epochs are in it, 0 for
 * none, and the step at the end of the last of them. They follow each other,
 * and are among the last N of the run as it is set now: otherwise it begins
 * anew. It has no file yet. */
struct average_state average_next(const struct trainer *);

/* Whether the epoch that has just ended is among the last that count, and no
 * snapshot has added it yet. */
bool average_is_due(const struct trainer *);

/* Holds the file of a snapshot with this average open; false if that cannot be.
 */
bool average_hold(struct average_state *, int fd, struct error *);

/* Notes that the run's last snapshot has this average, whose file is held. */
void average_keep(struct trainer *, struct average_state);

/* Whether an instance has an average: weights do. */
bool average_is_of(const struct plan *, int instance);

/* The name and the value of an average, as a file has them. */
void average_name(const struct graph *, int value, char name[GRAPH_NAME_SIZE]);
struct value average_value(const struct plan *, int instance);
size_t average_bytes(const struct plan *, int instance);

/* The snapshot before, to read averages from. */
struct average_source {
    struct safetensors file;
    int fd;              /* borrowed; -1: there is none */
    int epochs;          /* in its averages */
    bool counts;         /* the weights of now are added */
    void *index;         /* owned: the pool's, in the snapshot; NULL: no pool */
};

/* Opens the snapshot that the run's average is in, if it has any. False, and
 * nothing to close, if that cannot be read, or is of other settings. */
bool average_open(struct average_source *, const struct trainer *,
                  struct error *);
void average_close(struct average_source *);

/* Gives `floats`, the weights of an instance now, the value of the next
 * average. */
bool average_fold(struct average_source *, const struct trainer *,
                  int instance, float *floats, struct error *);

#endif
