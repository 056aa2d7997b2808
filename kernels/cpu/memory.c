/*
 * A process may have less than the system: it and every group that it is in
 * may have a limit (control groups, both versions: cgroups(7) and the kernel's
 * admin-guide/cgroup-v2). Whoever goes beyond is killed. Of what a group uses
 * the pages of files are given up first, so these count as available.
 */
#define _GNU_SOURCE

#include "memory.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TEXT_SIZE = 8192, KIB = 1024 };

/* How a version names things. */
struct hierarchy {
    const char *membership;      /* what comes before the group's path */
    const char *mount;
    const char *limit, *usage, *swap_limit, *swap_usage; /* files */
    const char *files[2];        /* lines of memory.stat */
};

static const struct hierarchy hierarchies[] = {
    { "\n0::", "/sys/fs/cgroup", "memory.max", "memory.current",
      "memory.swap.max", "memory.swap.current",
      { "\ninactive_file ", "\nactive_file " } },
    { ":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
      "memory.usage_in_bytes", NULL, NULL,
      { "\ntotal_inactive_file ", "\ntotal_active_file " } }
};

/* What is in a file, after an empty line; nothing if it cannot be read. */
static void read_text(const char *path, char text[TEXT_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    text[0] = '\n';
    if (fd >= 0) {
        n = read(fd, text + 1, TEXT_SIZE - 2);
        close(fd);
    }
    text[n > 0 ? n + 1 : 1] = '\0';
}

/* The number after a word; 0 if there is none. */
static size_t number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);

    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

static size_t proc_bytes(const char *root, const char *path, const char *key)
{
    char text[TEXT_SIZE], full[PATH_MAX];

    snprintf(full, sizeof(full), "%s%s", root, path);
    read_text(full, text);
    return number_after(text, key) * KIB;
}

/* The number in a file of a group. False if there is none: no file, or no
 * limit. */
static bool group_figure(const char *group, const char *file, size_t *figure)
{
    char text[TEXT_SIZE], path[PATH_MAX + 64], *end;

    if (!file)
        return false;
    snprintf(path, sizeof(path), "%s/%s", group, file);
    read_text(path, text);
    *figure = strtoull(text, &end, 10);
    return end != text;
}

static size_t left(size_t limit, size_t used)
{
    return used < limit ? limit - used : 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t file_pages(const struct hierarchy *h, const char *group)
{
    char text[TEXT_SIZE], path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/memory.stat", group);
    read_text(path, text);
    return number_after(text, h->files[0]) + number_after(text, h->files[1]);
}

/* Lowers m to what a group allows, of a system with so much swap left. */
static void apply_group(struct memory *m, const struct hierarchy *h,
                        const char *group, size_t swap)
{
    size_t limit, used, swap_limit, swap_used, available;

    if (!group_figure(group, h->limit, &limit) ||
        !group_figure(group, h->usage, &used))
        return;
    if (group_figure(group, h->swap_limit, &swap_limit) &&
        group_figure(group, h->swap_usage, &swap_used))
        swap = least(swap, left(swap_limit, swap_used));
    available = left(limit, left(used, file_pages(h, group))) + swap;
    m->total = least(m->total, limit);
    if (available < m->available) {
        m->available = available ? available : 1; /* it is known */
        m->limited = true;
    }
}

/* This process's group and all that it is in, up to the one that can be seen
 * from where this runs. */
static void apply_groups(struct memory *m, const struct hierarchy *h,
                         const char *root, size_t swap)
{
    char text[TEXT_SIZE], group[PATH_MAX], *path, *end;
    size_t mount;

    snprintf(group, sizeof(group), "%s/proc/self/cgroup", root);
    read_text(group, text);
    path = strstr(text, h->membership);
    if (!path)
        return;
    path += strlen(h->membership);
    path[strcspn(path, "\n")] = '\0';
    mount = (size_t)snprintf(group, sizeof(group), "%s%s", root, h->mount);
    snprintf(group + mount, sizeof(group) - mount, "%s",
             strcmp(path, "/") == 0 ? "" : path);
    apply_group(m, h, group, swap);
    while ((end = strrchr(group + mount, '/'))) {
        *end = '\0';
        apply_group(m, h, group, swap);
    }
}

struct memory memory_find(const char *root)
{
    size_t swap = proc_bytes(root, "/proc/meminfo", "\nSwapFree:");
    struct memory m = {
        .total = proc_bytes(root, "/proc/meminfo", "\nMemTotal:"),
        .available = proc_bytes(root, "/proc/meminfo", "\nMemAvailable:")
    };

    if (m.available == 0)
        return m;
    m.available += swap;
    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(*hierarchies); i++)
        apply_groups(&m, &hierarchies[i], root, swap);
    return m;
}

size_t memory_peak(void)
{
    return proc_bytes("", "/proc/self/status", "\nVmHWM:");
}

size_t memory_touched(const void *mapping, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), touched = 0;
    unsigned char present[4096];

    for (size_t at = 0; at < bytes; at += page * sizeof(present)) {
        size_t rest = bytes - at, part = page * sizeof(present);
        const char *from = (const char *)mapping + at;

        part = least(part, rest);
        if (mincore((void *)(uintptr_t)from, part, present))
            return 0;
        for (size_t i = 0; i * page < part; i++)
            if (present[i] & 1)
                touched += least(part - i * page, page);
    }
    return touched;
}
