/*
 * What the system says of the memory that this process may have. It asks for
 * none itself, so that asking changes nothing.
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
    bool limited;        /* by a control group to less than there is */
};

/* `root` goes before the paths of the system's files: "" but in tests. */
struct memory memory_find(const char *root);

/* What this process has in memory now, and the most that it has had at once,
 * bytes. */
size_t memory_resident(void);
size_t memory_peak(void);

/* Bytes of a mapping on pages that are in memory; the last page counts only as
 * far as the mapping goes. */
size_t memory_touched(const void *mapping, size_t bytes);

#endif
