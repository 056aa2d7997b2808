/*
 * Where a worker's snapshots are: a file of the worker's machine, which goes
 * with the link. Of another machine no folder is known but /tmp, where a name
 * that can be guessed could be taken by somebody else.
 */
#ifndef MEMDIAL_SNAPSHOT_PATH_H
#define MEMDIAL_SNAPSHOT_PATH_H

#include "base/scratch.h"
#include "events/feed.h"

struct snapshot_path {
    char text[FEED_TEXT_SIZE];
    struct scratch own;          /* that it is in, on this machine */
};

/* `here`: the worker is certain to be of this machine. */
void snapshot_path_init(struct snapshot_path *, bool here);

/* Removes the file, as far as it is of this machine. */
void snapshot_path_done(struct snapshot_path *);

#endif
