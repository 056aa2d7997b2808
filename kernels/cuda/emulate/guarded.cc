#include <cstdlib>

#include "kernels/cuda/emulate/emulate.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

namespace emulate {

enum { GUARD = 256 };

/* The guard in front begins with the number of bytes. */
unsigned char *guarded_new(size_t bytes)
{
    size_t all = (bytes + 3 * GUARD - 1) / GUARD * GUARD;
    unsigned char *p = (unsigned char *)aligned_alloc(GUARD, all);

    if (!p)
        return NULL;
    memset(p, 0xFF, all);
    memcpy(p, &bytes, sizeof(bytes));
    ASAN_POISON_MEMORY_REGION(p, GUARD);
    ASAN_POISON_MEMORY_REGION(p + GUARD + bytes, all - GUARD - bytes);
    return p + GUARD;
}

size_t guarded_free(void *memory)
{
    unsigned char *p = (unsigned char *)memory - GUARD;
    size_t bytes;

    ASAN_UNPOISON_MEMORY_REGION(p, GUARD);
    memcpy(&bytes, p, sizeof(bytes));
    ASAN_UNPOISON_MEMORY_REGION(p + GUARD + bytes, GUARD);
    for (size_t i = 0; i < GUARD; i++)
        if ((i >= sizeof(bytes) && p[i] != 0xFF)
            || p[GUARD + bytes + i] != 0xFF)
            fail("memory was written outside an allocation");
    free(p);
    return bytes;
}

} // namespace emulate
