/*
 * The memory that this process may have, as the system tells it. Nothing is
 * allocated here, so that asking changes nothing.
 */
#ifndef MEMDIAL_CPU_MEMORY_H
#define MEMDIAL_CPU_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes; 0: not known. */
struct memory {
    size_t total;
    size_t available;    /* could still be had, if other memory is swapped
                            out for it */
    const char *limit;   /* " to this process's control group", or another limit
                            that allows less than there is; else "" */
};

/* `root` is a prefix for the paths of the system's files: "" but in tests. */
struct memory memory_find(const char *root);

/* Bytes of this process that are in memory now, and the most so far. */
size_t memory_resident(void);
size_t memory_peak(void);

/* Bytes of a mapping on pages that are in memory; the last page counts only as
 * far as the mapping goes. */
size_t memory_touched(const void *mapping, size_t bytes);

#endif
