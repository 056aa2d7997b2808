/* The memory and processors that a process may have, where control groups have
 * less than the system: in a made-up system. */
#define _GNU_SOURCE

#include <criterion/criterion.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/cpu/memory.h"
#include "kernels/cpu/processors.h"

#define MIB ((size_t)1 << 20)

static char root[] = "/tmp/memdial-cgroup-XXXXXX";

/* Writes a file of the made-up system, and makes the folders it is in. */
static void write_file(const char *path, const char *text)
{
    char full[PATH_MAX];
    FILE *f;

    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(full, 0700);
        *at = '/';
    }
    f = fopen(full, "w");
    cr_assert_not_null(f, "%s", full);
    fputs(text, f);
    fclose(f);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(root));
    write_file("/proc/meminfo",
               "MemTotal:        8388608 kB\nMemFree:            1000 kB\n"
               "MemAvailable:    4194304 kB\nSwapFree:        1048576 kB\n");
}

static void end(void)
{
    char command[PATH_MAX];

    snprintf(command, sizeof(command), "rm -r '%s'", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(memory, .init = begin, .fini = end);
TestSuite(processors, .init = begin, .fini = end);

static void expect(size_t total, size_t available, bool limited)
{
    struct memory m = memory_find(root);

    cr_expect_eq(m.total, total * MIB, "%zu", m.total);
    cr_expect_eq(m.available, available * MIB, "%zu", m.available);
    cr_expect_eq(*m.limit != '\0', limited);
}

Test(memory, is_what_the_system_has)
{
    expect(8192, 5120, false);
    write_file("/proc/self/cgroup", "0::/a/b\n");
    expect(8192, 5120, false);
    write_file("/sys/fs/cgroup/a/b/memory.max", "max\n");
    write_file("/sys/fs/cgroup/a/b/memory.current", "1048576\n");
    expect(8192, 5120, false);
}

/* Swap of the group's own, pages of files, and a group above that allows
 * less. */
Test(memory, is_what_every_group_allows)
{
    write_file("/proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n");
    write_file("/sys/fs/cgroup/a/b/memory.max", "1073741824\n");
    write_file("/sys/fs/cgroup/a/b/memory.current", "536870912\n");
    expect(1024, 512 + 1024, true);
    write_file("/sys/fs/cgroup/a/b/memory.swap.max", "0\n");
    write_file("/sys/fs/cgroup/a/b/memory.swap.current", "0\n");
    expect(1024, 512, true);
    write_file("/sys/fs/cgroup/a/b/memory.stat",
               "anon 1\ninactive_file 268435456\nactive_file 134217728\n");
    expect(1024, 896, true);
    write_file("/sys/fs/cgroup/a/memory.max", "209715200\n");
    write_file("/sys/fs/cgroup/a/memory.current", "104857600\n");
    write_file("/sys/fs/cgroup/a/memory.swap.max", "52428800\n");
    write_file("/sys/fs/cgroup/a/memory.swap.current", "0\n");
    expect(200, 150, true);
}

/* In a container the path may name a group that is not visible there. */
Test(memory, is_what_the_first_version_allows)
{
    write_file("/proc/self/cgroup", "4:memory:/docker/1\n0::/\n");
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes",
               "9223372036854771712\n");
    write_file("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1048576\n");
    expect(8192, 5120, false);
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n");
    write_file("/sys/fs/cgroup/memory/memory.stat",
               "cache 5\ntotal_inactive_file 524288\n"
               "total_active_file 524288\n");
    expect(100, 1024 + 100, true);
}

Test(memory, is_known_to_be_none)
{
    write_file("/proc/meminfo",
               "MemTotal:        8388608 kB\nMemAvailable:    4194304 kB\n");
    write_file("/proc/self/cgroup", "0::/\n");
    write_file("/sys/fs/cgroup/memory.max", "1048576\n");
    write_file("/sys/fs/cgroup/memory.current", "2097152\n");
    cr_expect_eq(memory_find(root).available, 1);
}

Test(memory, is_not_known)
{
    write_file("/proc/meminfo", "nothing\n");
    cr_expect_eq(memory_find(root).available, 0);
}

static int bound_to(void)
{
    cpu_set_t set;

    cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    return CPU_COUNT(&set);
}

Test(processors, are_those_it_is_bound_to)
{
    cpu_set_t one;

    cr_expect_eq(processors_usable(root), bound_to());
    CPU_ZERO(&one);
    for (int i = 0; CPU_COUNT(&one) == 0; i++) {
        CPU_SET(i, &one);
        if (sched_setaffinity(0, sizeof(one), &one))
            CPU_ZERO(&one);
    }
    cr_expect_eq(processors_usable(root), 1);
}

Test(processors, are_what_every_group_has_time_of)
{
    write_file("/proc/self/cgroup", "0::/a/b\n");
    write_file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    write_file("/sys/fs/cgroup/a/cpu.max", "1000000000 100000\n");
    cr_expect_eq(processors_usable(root), bound_to());
    write_file("/sys/fs/cgroup/a/cpu.max", "20000 100000\n");
    cr_expect_eq(processors_usable(root), 1);
}

Test(processors, are_what_the_first_version_has_time_of)
{
    write_file("/proc/self/cgroup", "3:cpuset:/c\n2:cpu,cpuacct:/c\n");
    write_file("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "-1\n");
    write_file("/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
    cr_expect_eq(processors_usable(root), bound_to());
    write_file("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "100000\n");
    cr_expect_eq(processors_usable(root), 1);
}
