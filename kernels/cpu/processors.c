/*
 * A process may be bound to some processors, and a control group that it is in
 * may have the time of fewer: threads beyond that would only wait for each
 * other (the kernel's scheduler/sched-bwc, and admin-guide/cgroup-v2).
 */
#define _GNU_SOURCE

#include "processors.h"

#include <sched.h>

#include "cgroup.h"

/* Microseconds of processors' time in each period. */
static void apply_group(void *arg, const struct cgroup *g)
{
    int *usable = arg;
    long long quota, period;
    bool limited = g->version == 2
                       ? cgroup_number(g, "cpu.max", &quota) &&
                             cgroup_second_number(g, "cpu.max", &period)
                       : cgroup_number(g, "cpu.cfs_quota_us", &quota) &&
                             cgroup_number(g, "cpu.cfs_period_us", &period);

    /* A part of a processor is one to us. */
    if (limited && quota > 0 && period > 0 &&
        (quota + period - 1) / period < *usable)
        *usable = (int)((quota + period - 1) / period);
}

int processors_usable(const char *root)
{
    cpu_set_t set;
    int usable = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        usable = CPU_COUNT(&set);
    cgroup_each(root, "cpu", apply_group, &usable);
    return usable;
}
