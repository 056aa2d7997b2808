/*
 * The backends of this build.
 */
#include "kernels/kernels.h"

#include <string.h>

const struct backend *const backends[] = {
    &cuda_backend, &cpu_backend, NULL
};

const struct backend *backend_named(const char *name)
{
    int i = 0;

    while (backends[i] && strcmp(backends[i]->name, name) != 0)
        i++;
    return backends[i];
}
