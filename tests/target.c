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

struct device *target_open(const struct target *target, int threads)
{
    char why[WHY_SIZE];
    struct device *device;

    return target_choose(target)
           && target->backend->open(&device, threads, why) ? device : NULL;
}
