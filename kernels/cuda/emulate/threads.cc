#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <ucontext.h>
#include <vector>

#include "kernels/cuda/emulate/emulate.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emulate {

enum { MAX_THREADS = 1024, STACK_BYTES = 256 * 1024 };

[[noreturn]] void fail(const char *what)
{
    fprintf(stderr,
            "emulated device: %s; block (%u, %u, %u), thread (%u, %u, %u)\n",
            what, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x,
            threadIdx.y, threadIdx.z);
    abort();
}

/* Fibers. Each keeps its stack for good, and runs one thread after another. */

enum state { READY, IN_WARP, IN_BARRIER, DONE };

/* A copy to shared memory that has not happened yet. */
struct late_copy {
    void *to;
    const void *from;            /* NULL: zeros */
    size_t bytes;
    unsigned group;
};

struct fiber {
    void *registers[5];
    bool started;
    char *stack;
    enum state state;
    const char *operation;       /* that it waits in for its warp */
    unsigned meetings;           /* warp operations so far */
    unsigned groups;             /* of copies, that have ended */
    bool waited;                 /* for earlier kernels */
    std::vector<late_copy> copies;
    uint3 index;
};

static fiber fibers[MAX_THREADS], scheduler;
static unsigned current;         /* fiber that runs */
static const std::function<void()> *thread_body;
static bool must_wait, hidden;   /* threads of this kernel; memory */

/* A warp's exchanges alternate between two sets of slots: no lane can be two
 * operations ahead of another. */
static exchange_slot slots[MAX_THREADS / WARP][2][WARP];

#ifdef __SANITIZE_ADDRESS__
#define UNCHECKED __attribute__((noinline, no_sanitize_address))

/* The stack that the scheduler runs on. */
static const void *home;
static size_t home_bytes;

static void leaving(void **fake, const fiber *to)
{
    if (to == &scheduler)
        __sanitizer_start_switch_fiber(fake, home, home_bytes);
    else
        __sanitizer_start_switch_fiber(fake, to->stack, STACK_BYTES);
}

static void arrived(void *fake, const fiber *at)
{
    if (at == &scheduler)
        __sanitizer_finish_switch_fiber(fake, NULL, NULL);
    else
        __sanitizer_finish_switch_fiber(fake, &home, &home_bytes);
}
#else
#define UNCHECKED __attribute__((noinline))

static void leaving(void **, const fiber *)
{
}

static void arrived(void *, const fiber *)
{
}
#endif

static void leave(enum state);

/* The main function of a fiber. */
static void run_threads()
{
    arrived(NULL, &fibers[current]);
    for (;;) {
        (*thread_body)();
        if (!fibers[current].copies.empty())
            fail("a thread does not wait for what it copies");
        if (must_wait && !fibers[current].waited)
            fail("a thread does not wait for earlier kernels");
        leave(DONE);
    }
}

UNCHECKED static void jump(fiber *to)
{
    ucontext_t context;

    if (to->started)
        __builtin_longjmp(to->registers, 1);
    to->started = true;
    getcontext(&context);
    context.uc_stack.ss_sp = to->stack;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = NULL;
    makecontext(&context, run_threads, 0);
    setcontext(&context);
}

/* Leaves one fiber for another; returns when somebody comes back. */
UNCHECKED static void switch_fiber(fiber *from, fiber *to)
{
    void *fake = NULL;

    leaving(&fake, to);
    if (!__builtin_setjmp(from->registers))
        jump(to);
    arrived(fake, from);
}

static void leave(enum state state)
{
    fibers[current].state = state;
    switch_fiber(&fibers[current], &scheduler);
}

/* A random number in 0..below-1. */
static unsigned draw(unsigned below)
{
    static uint32_t random = 1;

    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
}

/* Makes a random order of 0..count-1. */
static void shuffle_order(unsigned order[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned j = draw(i + 1);

        order[i] = order[j];
        order[j] = i;
    }
}

static void run_thread(unsigned thread)
{
    current = thread;
    threadIdx = fibers[thread].index;
    switch_fiber(&scheduler, &fibers[thread]);
}

static bool all_lanes(unsigned warp, enum state state)
{
    for (unsigned i = 0; i < WARP; i++)
        if (fibers[warp * WARP + i].state != state)
            return false;
    return true;
}

/* Runs a warp until all its lanes are at a barrier, or done. */
static void run_warp(unsigned warp)
{
    const fiber *first = &fibers[warp * WARP];
    unsigned order[WARP];

    for (;;) {
        shuffle_order(order, WARP);
        for (unsigned i = 0; i < WARP; i++)
            run_thread(warp * WARP + order[i]);
        if (all_lanes(warp, DONE) || all_lanes(warp, IN_BARRIER))
            return;
        if (!all_lanes(warp, IN_WARP))
            fail("some lanes of a warp are in a warp operation or at a "
                 "barrier, and some are not");
        for (unsigned i = 0; i < WARP; i++)
            if (strcmp(first[i].operation, first->operation))
                fail("lanes of a warp meet in different operations");
    }
}

static void run_block(unsigned threads)
{
    unsigned warps = threads / WARP, order[MAX_THREADS / WARP], waiting;

    do {
        waiting = 0;
        shuffle_order(order, warps);
        for (unsigned i = 0; i < warps; i++)
            run_warp(order[i]);
        for (unsigned i = 0; i < threads; i++)
            waiting += fibers[i].state == IN_BARRIER;
        if (waiting > 0 && waiting < threads)
            fail("a barrier that some threads do not reach");
    } while (waiting > 0);
}

/* Sets the variables that every thread finds when it starts. */
static void prepare_threads(unsigned threads)
{
    if (threads == 0 || threads % WARP || threads > MAX_THREADS)
        fail("a block that is not of whole warps, or too large");
    scheduler.started = true;
    for (unsigned i = 0; i < threads; i++) {
        fiber *f = &fibers[i];

        if (!f->stack)
            f->stack = (char *)malloc(STACK_BYTES);
        f->meetings = f->groups = 0;
        f->waited = false;
        f->index = { i % blockDim.x, i / blockDim.x % blockDim.y,
                     i / blockDim.x / blockDim.y };
    }
}

void wait_for_earlier()
{
    fibers[current].waited = true;
    if (hidden)
        pages_hide(false);
    hidden = false;
}

void barrier()
{
    leave(IN_BARRIER);
}

unsigned lane()
{
    return current % WARP;
}

const exchange_slot *exchange(const char *operation, const void *mine,
                              size_t bytes)
{
    fiber *f = &fibers[current];
    exchange_slot *slot = slots[current / WARP][f->meetings++ % 2];

    if (bytes > 0)
        memcpy(slot[current % WARP], mine, bytes);
    f->operation = operation;
    leave(IN_WARP);
    return slot;
}

static unsigned char *block_memory;
static size_t block_bytes;

static void copy_now(const late_copy &c)
{
    if (c.from)
        memcpy(c.to, c.from, c.bytes);
    else
        memset(c.to, 0, c.bytes);
}

void copy_later(void *to, const void *from, size_t bytes)
{
    fiber *f = &fibers[current];
    late_copy c = { to, from, bytes, f->groups };
    size_t at = (size_t)((unsigned char *)to - block_memory);

    if (at > block_bytes || bytes > block_bytes - at)
        fail("a copy to what is not shared memory");
    if ((uintptr_t)to % bytes || (uintptr_t)from % bytes)
        fail("a copy that is not aligned");
    if (draw(2)) {
        copy_now(c);
    } else {
        memset(to, 0xFF, bytes);
        f->copies.push_back(c);
    }
}

void commit_copies()
{
    fibers[current].groups++;
}

void wait_for_copies(unsigned groups_left)
{
    fiber *f = &fibers[current];
    size_t done = 0;

    while (done < f->copies.size()
           && f->copies[done].group + groups_left < f->groups)
        copy_now(f->copies[done++]);
    f->copies.erase(f->copies.begin(), f->copies.begin() + (ptrdiff_t)done);
}

void *shared_memory(size_t bytes)
{
    if (bytes != block_bytes)
        fail("shared memory of another size than the launch gave");
    return block_memory;
}

/* A random step that leads through all of 0..count-1. */
static unsigned step_through(unsigned count)
{
    unsigned step = draw(count) + 1;

    while (std::gcd(step, count) != 1)
        step++;
    return step;
}

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, bool overlaps,
              const std::function<void()> &thread)
{
    unsigned blocks = grid.x * grid.y * grid.z, first = draw(blocks);
    unsigned step = step_through(blocks);

    gridDim = grid;
    blockDim = block;
    thread_body = &thread;
    block_bytes = shared_bytes;
    must_wait = hidden = overlaps;
    if (hidden)
        pages_hide(true);
    prepare_threads(block.x * block.y * block.z);
    for (unsigned i = 0; i < blocks; i++) {
        unsigned at = (unsigned)(((uint64_t)i * step + first) % blocks);

        blockIdx = { at % grid.x, at / grid.x % grid.y,
                     at / grid.x / grid.y };
        block_memory = guarded_new(shared_bytes);
        run_block(block.x * block.y * block.z);
        guarded_free(block_memory);
    }
}

} // namespace emulate
