#include "tests/target.h"

#include <stdlib.h>

bool target_choose(const struct target *target)
{
    const char *module;

    if (target->backend == &cpu_backend) {
        setenv("MEMDIAL_CPU_ISA", target->name, 1);
        return true;
    }
    module = getenv(target->module);
    if (!module || !*module)
        return false;
    setenv("MEMDIAL_CUDA_MODULE", module, 1);
    return true;
}

/* The device of a module: to open one takes a second, and there are thousands
 * of problems. */
static struct device *kept;

static void close_kept(void)
{
    cuda_backend.close(kept);
}

static struct device *open_anew(const struct target *target, int threads)
{
    char why[WHY_SIZE];
    struct device *device;

    return target_choose(target)
           && target->backend->open(&device, DEVICE_ANY, threads, why)
           ? device : NULL;
}

struct device *target_open(const struct target *target, int threads)
{
    if (!target->module)
        return open_anew(target, threads);
    if (!kept && (kept = open_anew(target, threads)))
        atexit(close_kept);
    return kept;
}

void target_close(const struct target *target, struct device *device)
{
    if (!target->module)
        target->backend->close(device);
}
