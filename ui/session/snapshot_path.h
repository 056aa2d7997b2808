/*
 * The path of a worker's snapshots: a file of the worker's machine, removed
 * with the link. On another machine the only known folder is /tmp, where
 * somebody else could take a name that can be guessed.
 */
#ifndef MEMDIAL_SNAPSHOT_PATH_H
#define MEMDIAL_SNAPSHOT_PATH_H

#include "base/scratch.h"
#include "events/feed.h"

struct snapshot_path {
    char text[FEED_TEXT_SIZE];
    struct scratch own;          /* that it is in, on this machine */
};

/* `here`: the worker is certain to be on this machine. */
void snapshot_path_init(struct snapshot_path *, bool here);

/* Removes the file, if it is on this machine. */
void snapshot_path_done(struct snapshot_path *);

#endif
