#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>

#include "kernels/cuda/emulate/emulate.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

namespace emulate {

enum { GUARD = 256, PAGE = 4096 };

/* The guard in front begins with the number of bytes. `unit` is the alignment
 * of all of it. */
static unsigned char *in_units(size_t bytes, size_t unit)
{
    size_t all = (bytes + 2 * GUARD + unit - 1) / unit * unit;
    unsigned char *p = (unsigned char *)aligned_alloc(unit, all);

    if (!p)
        return NULL;
    memset(p, 0xFF, all);
    memcpy(p, &bytes, sizeof(bytes));
    ASAN_POISON_MEMORY_REGION(p, GUARD);
    ASAN_POISON_MEMORY_REGION(p + GUARD + bytes, all - GUARD - bytes);
    return p + GUARD;
}

unsigned char *guarded_new(size_t bytes)
{
    return in_units(bytes, GUARD);
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

/* Allocations of pages, without their guards. */
struct pages {
    unsigned char *memory;
    size_t bytes;
};

static std::vector<pages> all_pages;

unsigned char *pages_new(size_t bytes)
{
    unsigned char *memory = in_units(bytes, PAGE);

    if (memory)
        all_pages.push_back({ memory, bytes });
    return memory;
}

size_t pages_free(void *memory)
{
    all_pages.erase(std::find_if(all_pages.begin(), all_pages.end(),
                                 [=](const pages &p) {
                                     return p.memory == memory;
                                 }));
    return guarded_free(memory);
}

static void touched(int)
{
    fail("a thread uses memory before it waits for earlier kernels");
}

void pages_hide(bool hide)
{
    static struct sigaction before;
    struct sigaction ours = {};

    ours.sa_handler = touched;
    if (hide)
        sigaction(SIGSEGV, &ours, &before);
    else
        sigaction(SIGSEGV, &before, NULL);
    for (const pages &p : all_pages)
        mprotect(p.memory - GUARD,
                 (p.bytes + 2 * GUARD + PAGE - 1) / PAGE * PAGE,
                 hide ? PROT_NONE : PROT_READ | PROT_WRITE);
}

} // namespace emulate
