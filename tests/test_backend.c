/* The CPU backend: choice of instruction set, its arena, and its messages. */
#define _GNU_SOURCE

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/kernels.h"

enum { THREADS = 2 };

static struct device *open_device(void)
{
    struct device *device = NULL;
    char why[WHY_SIZE] = "";

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, THREADS, why), "%s", why);
    return device;
}

Test(backend, cpu_is_listed)
{
    int i = 0;

    while (backends[i] && backends[i] != &cpu_backend)
        i++;
    cr_assert_eq(backends[i], &cpu_backend);
}

Test(backend, describes_itself)
{
    struct device_info info;

    setenv("MEMDIAL_CPU_ISA", "generic", 1);
    cr_assert_eq(cpu_backend.list(&info, 1), 1);
    cr_expect(info.usable);
    cr_expect(info.automatic);
    cr_expect_eq(strncmp(info.line, "CPU, generic, ", 14), 0, "%s",
                 info.line);
    cr_expect_gt(info.memory, 0);
}

Test(backend, refuses_unknown_instruction_set)
{
    struct device *device = NULL;
    char why[WHY_SIZE] = "";

    setenv("MEMDIAL_CPU_ISA", "mmx", 1);
    cr_assert_not(cpu_backend.open(&device, DEVICE_ANY, THREADS, why));
    cr_expect(strstr(why, "MEMDIAL_CPU_ISA"), "%s", why);
    cr_expect(strstr(why, "'mmx'"), "%s", why);
    cr_expect(strstr(why, "generic"), "%s", why);
    cr_expect_null(strchr(why, '\n'), "%s", why);
}

Test(backend, counts_touched_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = 5000 * page + 100; /* its last page is not full */
    struct device *device = open_device();
    char why[WHY_SIZE];
    char *arena = cpu_backend.alloc(device, bytes, why);
    struct device_memory m, after;

    cr_assert_not_null(arena);
    madvise(arena, bytes, MADV_NOHUGEPAGE); /* so that pages are `page` */
    cpu_backend.memory(device, arena, bytes, &m);
    cr_expect_eq(m.touched, 0);
    cr_expect_gt(m.os, 0);

    arena[0] = 1;
    arena[4999 * page] = 1;
    arena[bytes - 1] = 1;
    cpu_backend.memory(device, arena, bytes, &after);
    cr_expect_eq(after.touched, 2 * page + 100);

    memset(arena, 1, bytes);
    cpu_backend.memory(device, arena, bytes, &after);
    cr_expect_eq(after.touched, bytes);
    cr_expect_geq(after.os, bytes);
    cr_expect_lt(after.os, m.os + 2 * bytes);
    cpu_backend.free(device, arena, bytes);

    /* Memory that was freed counts no more, but did at the peak. */
    cpu_backend.memory(device, NULL, 0, &m);
    cr_expect_lt(m.os, after.os - bytes / 2);
    cr_expect_geq(m.os_peak, bytes);
    cpu_backend.close(device);
}

Test(backend, says_why_it_cannot_allocate)
{
    struct device *device = open_device();
    size_t bytes = (size_t)1 << 60;
    char why[WHY_SIZE] = "";

    cr_assert_null(cpu_backend.alloc(device, bytes, why));
    cr_expect(strstr(why, "1099511627776.0 MiB"), "%s", why);
    cr_expect(strstr(why, "memory"), "%s", why);
    cpu_backend.close(device);
}

Test(backend, copies_to_the_arena_and_back)
{
    struct device *device = open_device();
    const char there[] = "there and back";
    char back[sizeof(there)] = "", why[WHY_SIZE];
    char *arena = cpu_backend.alloc(device, 4096, why);

    cr_assert_not_null(arena);
    cpu_backend.write(device, arena + 64, there, sizeof(there));
    cpu_backend.read(device, back, arena + 64, sizeof(there));
    cr_expect_str_eq(back, there);
    cpu_backend.free(device, arena, 4096);
    cpu_backend.close(device);
}
