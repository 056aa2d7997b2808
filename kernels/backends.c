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
    size_t length = strcspn(name, ":");
    int i = 0;

    while (backends[i] && (strlen(backends[i]->name) != length ||
                           memcmp(backends[i]->name, name, length) != 0))
        i++;
    return backends[i];
}
