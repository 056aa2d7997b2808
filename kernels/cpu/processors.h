/*
 * The number of processors that this process may keep busy.
 */
#ifndef MEMDIAL_CPU_PROCESSORS_H
#define MEMDIAL_CPU_PROCESSORS_H

/* At least 1. `root` is a prefix for the paths of the system's files: "" but in
 * tests. */
int processors_usable(const char *root);

#endif
