/*
 * A process may have less memory than the system: its address space may have a
 * limit, and so may every control group that it is in (the kernel's
 * admin-guide, cgroup-v1/memory and cgroup-v2). A process beyond the limit of a
 * group is killed. Of a group's pages those of files are given up first, so
 * these count as available.
 */
#define _GNU_SOURCE

#include "kernels/cpu/memory.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernels/cpu/cgroup.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/figures.h"

enum { KIB = 1024 };

/* The names that a version of control groups uses. */
static const struct names {
    const char *limit, *usage, *files[2];
} names[] = {
    { "memory.limit_in_bytes", "memory.usage_in_bytes",
      { "total_inactive_file ", "total_active_file " } },
    { "memory.max", "memory.current", { "inactive_file ", "active_file " } }
};

static size_t left(size_t limit, size_t used)
{
    return used < limit ? limit - used : 0;
}

struct search {
    struct memory memory;
    size_t swap;         /* the system has left */
};

/* Lowers the figures to those that a group allows. */
static void limit_memory(void *arg, const struct cgroup *g)
{
    struct search *s = arg;
    struct memory *m = &s->memory;
    const struct names *n = &names[g->version - 1];
    long long limit, used, swap_limit, swap_used;
    size_t swap = s->swap, files, available;

    if (!cgroup_numbers(g, n->limit, 1, &limit) ||
        !cgroup_numbers(g, n->usage, 1, &used))
        return;
    if (cgroup_numbers(g, "memory.swap.max", 1, &swap_limit) &&
        cgroup_numbers(g, "memory.swap.current", 1, &swap_used))
        swap = size_min(swap, left((size_t)swap_limit, (size_t)swap_used));
    files = figures_find(g->folder, "memory.stat", n->files[0]) +
            figures_find(g->folder, "memory.stat", n->files[1]);
    available = left((size_t)limit, left((size_t)used, files)) + swap;
    m->total = size_min(m->total, (size_t)limit);
    if (available < m->available) {
        m->available = available ? available : 1; /* it is known */
        m->limit = " to this process's control group";
    }
}

/* The address space of this process may have a limit of its own. */
static void limit_addresses(struct memory *m)
{
    struct rlimit limit;
    size_t available;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    available = left((size_t)limit.rlim_cur,
                     figures_find("/proc/self", "status", "VmSize:") * KIB);
    if (available < m->available) {
        m->available = available ? available : 1; /* it is known */
        m->limit = " to this process (ulimit -v)";
    }
}

struct memory memory_find(const char *root)
{
    struct search s = { .memory.limit = "" };
    char proc[PATH_MAX];

    snprintf(proc, sizeof(proc), "%s/proc", root);
    s.swap = figures_find(proc, "meminfo", "SwapFree:") * KIB;
    s.memory.total = figures_find(proc, "meminfo", "MemTotal:") * KIB;
    s.memory.available = figures_find(proc, "meminfo", "MemAvailable:") * KIB;
    if (s.memory.available == 0)
        return s.memory;
    s.memory.available += s.swap;
    cgroup_each(root, "memory", limit_memory, &s);
    limit_addresses(&s.memory);
    return s.memory;
}

size_t memory_resident(void)
{
    return figures_find("/proc/self", "status", "VmRSS:") * KIB;
}

size_t memory_peak(void)
{
    return figures_find("/proc/self", "status", "VmHWM:") * KIB;
}

size_t memory_touched(const void *mapping, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), touched = 0;
    unsigned char present[4096];

    for (size_t at = 0; at < bytes; at += page * sizeof(present)) {
        size_t part = size_min(bytes - at, page * sizeof(present));
        const char *from = (const char *)mapping + at;

        if (mincore((void *)(uintptr_t)from, part, present))
            return 0;
        for (size_t i = 0; i * page < part; i++)
            if (present[i] & 1)
                touched += size_min(part - i * page, page);
    }
    return touched;
}
