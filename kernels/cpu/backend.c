/*
 * The CPU backend: the arena is ordinary memory, and the kernels are those of
 * the best instruction set that this processor has. MEMDIAL_CPU_ISA in the
 * environment names another.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/cpu/ceilings.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/memory.h"
#include "kernels/cpu/processors.h"
#include "kernels/cpu/threads.h"

struct device {
    const struct isa *isa;
    int threads;
};

/* The instruction set that was asked for by name, or the best. */
static const struct isa *choose_isa(const char *name, char why[WHY_SIZE])
{
    const struct isa *isa = name ? isa_named(name) : isa_at(0);
    int n;

    if (isa)
        return isa;
    n = snprintf(why, WHY_SIZE,
                 "MEMDIAL_CPU_ISA: '%.32s' does not work here; these do:",
                 name);
    for (int i = 0; (isa = isa_at(i)); i++)
        n += snprintf(why + n, WHY_SIZE - (size_t)n, " %s", isa->name);
    return NULL;
}

/* The number of OpenMP's threads, this one included. OpenMP keeps them from one
 * device to the next, and ends those that a call does not need. */
static int team = 1;

static bool has_threads(int wanted, char why[WHY_SIZE])
{
    int more = wanted - team;
    int startable = more > 0 ? threads_startable(more) : more;

    if (startable >= more)
        return true;
    snprintf(why, WHY_SIZE,
             "%d threads cannot be started, but %d can: set threads=%d, or "
             "raise the limits of threads and memory (ulimit -u, ulimit -v, "
             "pids.max of the control group)", wanted, team + startable,
             team + startable);
    return false;
}

/* Has all threads do something, so that OpenMP starts them and allocates its
 * memory now and not in the middle of a run. A device that is in use keeps its
 * threads. */
static void start_threads(const struct device *d)
{
    if (d->threads < team)
        return;
#pragma omp parallel num_threads(d->threads)
    d->isa->kernels->peak(DTYPE_F32, 1, 1);
    team = d->threads;
}

static bool cpu_open(struct device **device, int number, int threads,
                     char why[WHY_SIZE])
{
    const struct isa *isa = choose_isa(getenv("MEMDIAL_CPU_ISA"), why);
    struct device *d;

    (void)number; /* there is one device */
    if (!isa || !has_threads(threads, why))
        return false;
    d = malloc(sizeof(*d));
    if (!d) {
        snprintf(why, WHY_SIZE, "%s", strerror(errno));
        return false;
    }
    *d = (struct device){ .isa = isa, .threads = threads };
    start_threads(d);
    *device = d;
    return true;
}

static void cpu_close(struct device *d)
{
    free(d);
}

static size_t cpu_scratch(enum op_code op, const struct call *c)
{
    size_t (*scratch)(const struct call *) =
        isa_generic()->kernels->scratch[op];

    return scratch ? scratch(c) : 0;
}

static int cpu_list(struct device_info info[], int max)
{
    int threads = backend_default_threads();
    struct device *d;

    (void)max;
    info[0] = (struct device_info){
        .memory = memory_find("").total
    };
    if (!cpu_open(&d, DEVICE_ANY, threads, info[0].line))
        return 1;
    info[0].usable = info[0].automatic = true;
    snprintf(info[0].line, WHY_SIZE, "CPU, %s, %d thread%s", d->isa->name,
             threads, threads == 1 ? "" : "s");
    cpu_close(d);
    return 1;
}

/* The system promises more memory than it has, and would kill the process when
 * it touches the excess. So a run that cannot fit is refused beforehand. */
static bool fits_in_memory(size_t bytes, char why[WHY_SIZE])
{
    struct memory m = memory_find("");

    if (m.available == 0 || bytes <= m.available)
        return true;
    snprintf(why, WHY_SIZE,
             "cannot allocate %.1f MiB of memory: %.1f MiB are available%s",
             mebibytes(bytes), mebibytes(m.available),
             m.limit);
    return false;
}

static void *cpu_alloc(struct device *d, size_t bytes, char why[WHY_SIZE])
{
    void *arena;

    (void)d;
    if (!fits_in_memory(bytes, why))
        return NULL;
    arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED) {
        snprintf(why, WHY_SIZE, "cannot allocate %.1f MiB: %s",
                 mebibytes(bytes), strerror(errno));
        return NULL;
    }
    /* Huge pages save misses of the TLB. A system without them refuses, which
     * does no harm. */
    madvise(arena, bytes, MADV_HUGEPAGE);
    return arena;
}

static void cpu_free(struct device *d, void *arena, size_t bytes)
{
    (void)d;
    if (arena)
        munmap(arena, bytes);
}

static void cpu_run(struct device *d, enum op_code op, const struct call *c)
{
    d->isa->kernels->run[op](c);
}

/* Every call is done when it returns, so no call can be left out. */
static bool cpu_begin(struct device *d, int program, const struct batch *batch)
{
    (void)program;
    (void)batch;
    team = d->threads;
    return true;
}

static void cpu_end(struct device *d, int program, const struct batch *batch)
{
    (void)d;
    (void)program;
    (void)batch;
}

static bool cpu_healthy(struct device *d, char why[WHY_SIZE])
{
    (void)d;
    (void)why;
    return true;
}

static void cpu_read(struct device *d, void *host, const void *from,
                     size_t bytes)
{
    (void)d;
    memcpy(host, from, bytes);
}

static void cpu_write(struct device *d, void *to, const void *host,
                      size_t bytes)
{
    (void)d;
    memcpy(to, host, bytes);
}

static void cpu_memory(struct device *d, const void *arena, size_t bytes,
                       struct device_memory *m)
{
    struct memory memory = memory_find("");

    (void)d;
    m->touched = arena ? memory_touched(arena, bytes) : 0;
    m->os = memory_resident();
    m->os_peak = size_max(memory_peak(), m->os);
    m->available = memory.available;
    m->limit = memory.limit;
}

static bool cpu_measure(struct device *d, struct ceilings *ceilings,
                        char why[WHY_SIZE])
{
    return cpu_ceilings(d->isa, d->threads, ceilings, why);
}

/* The processor and the instruction set. A processor without a name has its
 * instruction set alone. */
static void cpu_hardware(char name[WHY_SIZE])
{
    const struct isa *isa = choose_isa(getenv("MEMDIAL_CPU_ISA"), name);
    char processor[WHY_SIZE / 2] = "";

    if (!isa) {
        strcpy(name, "an unknown instruction set");
        return;
    }
    processors_name(processor, sizeof(processor));
    snprintf(name, WHY_SIZE, "%s%s%s", processor, *processor ? ", " : "",
             isa->name);
}

const struct backend cpu_backend = {
    .name = "cpu",
    .in_threads = true,
    .alignment = CPU_ALIGNMENT,
    .tile_rows = TILE_ALL_ROWS,
    .list = cpu_list,
    .open = cpu_open,
    .close = cpu_close,
    .scratch = cpu_scratch,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .run = cpu_run,
    .begin = cpu_begin,
    .end = cpu_end,
    .healthy = cpu_healthy,
    .read = cpu_read,
    .write = cpu_write,
    .memory = cpu_memory,
    .ceilings = cpu_measure,
    .hardware = cpu_hardware
};

int backend_default_threads(void)
{
    return processors_usable("");
}
