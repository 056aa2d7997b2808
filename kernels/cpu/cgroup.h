/*
 * The control groups that this process is in, of both versions (cgroups(7)).
 * Each may have less than the system has. Nothing is allocated, so that asking
 * changes nothing.
 */
#ifndef MEMDIAL_CPU_CGROUP_H
#define MEMDIAL_CPU_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* A group. The files of the two versions have different names. */
struct cgroup {
    int version;             /* 1 or 2 */
    const char *folder;
};

/* Calls f with this process's groups of a controller, "memory" or "cpu", and
 * with all groups around them that can be seen from here. `root` is a prefix
 * for the paths of the system's files: "" but in tests. */
void cgroup_each(const char *root, const char *controller,
                 void (*f)(void *arg, const struct cgroup *), void *arg);

/* Reads the first `count` numbers in a file of a group. False if it begins with
 * fewer: there is no such file, or no limit. */
bool cgroup_numbers(const struct cgroup *, const char *file, int count,
                    long long numbers[]);

#endif
