/*
 * A process may be bound to some processors, and a control group that it is in
 * may have the time of fewer. More threads would only wait for each other (the
 * kernel's scheduler/sched-bwc, and admin-guide/cgroup-v2).
 */
#define _GNU_SOURCE

#include "kernels/cpu/processors.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "kernels/cpu/cgroup.h"
#include "kernels/cpu/figures.h"

/* Lowers the number to a group's limit: microseconds of processor time in each
 * period. */
static void limit_processors(void *arg, const struct cgroup *g)
{
    int *usable = arg;
    long long time[2], count; /* quota and period */
    bool limited =
        g->version == 2
            ? cgroup_numbers(g, "cpu.max", 2, time)
            : cgroup_numbers(g, "cpu.cfs_quota_us", 1, &time[0]) &&
                  cgroup_numbers(g, "cpu.cfs_period_us", 1, &time[1]);

    if (!limited || time[0] <= 0 || time[1] <= 0)
        return;
    count = (time[0] + time[1] - 1) / time[1]; /* a part counts as a whole */
    if (count < *usable)
        *usable = (int)count;
}

int processors_usable(const char *root)
{
    cpu_set_t set;
    int usable = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        usable = CPU_COUNT(&set);
    cgroup_each(root, "cpu", limit_processors, &usable);
    return usable;
}

/* In "model name\t: Intel(R) Xeon(R) Processor @ 2.80GHz". */
void processors_name(char *name, size_t size)
{
    char text[FIGURES_TEXT_SIZE];
    const char *line, *value;

    *name = '\0';
    figures_read("/proc", "cpuinfo", text);
    line = strstr(text, "\nmodel name");
    value = line ? strchr(line, ':') : NULL;
    if (value)
        snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
}
