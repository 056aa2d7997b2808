/*
 * The processors of this machine: how many this process may keep busy, and
 * their name.
 */
#ifndef MEMDIAL_CPU_PROCESSORS_H
#define MEMDIAL_CPU_PROCESSORS_H

#include <stddef.h>

/* At least 1. `root` is a prefix for the paths of the system's files: "" but in
 * tests. */
int processors_usable(const char *root);

/* The name of the processor, as the system has it, cut to fit; "" if it has
 * none. */
void processors_name(char *name, size_t size);

#endif
