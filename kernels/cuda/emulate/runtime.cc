/*
 * Streams. Work waits in a list until somebody waits for it, or goes into the
 * graph that is being captured. MEMDIAL_EMULATE_MEMORY is the number of bytes
 * that the device has, MEMDIAL_EMULATE_LARGEST of those that it gives in one
 * piece, MEMDIAL_EMULATE_FAULT the number of launches that it
 * survives, MEMDIAL_EMULATE_GRAPHS the number of graphs that it has room for,
 * MEMDIAL_EMULATE_NODES the number of nodes that a graph may have,
 * MEMDIAL_EMULATE_SERIAL the number of its kernels that come right behind
 * another and may not overlap with it, MEMDIAL_EMULATE_DEVICES the number of
 * devices, each with half the memory of the one before. A process that sets a
 * device takes MEMDIAL_EMULATE_CONTEXT bytes of it, and for itself alone if
 * MEMDIAL_EMULATE_EXCLUSIVE names a file to lock. Kernels are compiled
 * for capability MEMDIAL_EMULATE_CODE, 90 for 9.0. With MEMDIAL_EMULATE_IDLE=1
 * they do nothing, so that the host's own work is left.
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "kernels/cuda/emulate/emulate.h"

namespace emulate {

typedef std::vector<std::function<void()>> work;

struct event {
    stream *of;                  /* NULL while it is on none */
    std::chrono::steady_clock::time_point at;
};

struct graph {
    work nodes;
    size_t serial;               /* kernels behind kernels, not overlapping */
};

struct stream {
    std::deque<std::function<void()>> waiting;
    graph *captured;             /* NULL while nothing is captured */
    bool after_kernel;           /* was put on it last */
    int device;
};

enum { DEVICES_MAX = 16 };

/* What this process has of a device. */
struct share {
    size_t bytes;                /* that are allocated */
    size_t context_bytes;        /* besides */
    int streams;
    int lock;                    /* held while it is positive */
};

static share shares[DEVICES_MAX];
static thread_local int current; /* device */

static cudaError_t fault = cudaSuccess; /* once it is set, it stays */

static size_t environment(const char *name, size_t otherwise)
{
    const char *text = getenv(name);

    return text ? (size_t)strtoull(text, NULL, 10) : otherwise;
}

static void count_launch()
{
    static size_t launches;

    if (++launches > environment("MEMDIAL_EMULATE_FAULT", SIZE_MAX))
        fault = cudaErrorIllegalAddress;
}

static void put(stream *s, std::function<void()> what)
{
    s->after_kernel = false;
    if (s->captured)
        s->captured->nodes.push_back(std::move(what));
    else
        s->waiting.push_back(std::move(what));
}

/* Does the work that has waited longest. */
static void work_on(stream *s)
{
    std::function<void()> what = std::move(s->waiting.front());

    s->waiting.pop_front();
    what();
}

/* The capability that kernels are compiled for. */
static int code()
{
    return (int)environment("MEMDIAL_EMULATE_CODE", 90);
}

void launch(stream *s, dim3 grid, dim3 block, size_t shared_bytes,
            bool overlaps, std::function<void()> thread)
{
    if (s->device != current)
        fail("a kernel is for a stream of another device");
    if (overlaps && !s->after_kernel)
        fail("a kernel overlaps with something that is no kernel");
    if (overlaps && code() < 90)
        fail("a kernel overlaps whose code cannot wait");
    if (s->captured)
        s->captured->serial += s->after_kernel && !overlaps;
    put(s, [=] {
        count_launch();
        if (fault == cudaSuccess && !environment("MEMDIAL_EMULATE_IDLE", 0))
            run_grid(grid, block, shared_bytes, overlaps, thread);
    });
    s->after_kernel = true;
}

static size_t total_bytes(int device = current)
{
    return environment("MEMDIAL_EMULATE_MEMORY", (size_t)1 << 30) >> device;
}

static size_t free_bytes()
{
    return total_bytes() - shares[current].bytes
           - shares[current].context_bytes;
}

/* Whether no other process has the device for itself alone. */
static bool lock_device(share *mine)
{
    const char *path = getenv("MEMDIAL_EMULATE_EXCLUSIVE");

    if (!path || mine->lock > 0)
        return true;
    mine->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (flock(mine->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    close(mine->lock);
    mine->lock = 0;
    return false;
}

static size_t graphs;

} // namespace emulate

using namespace emulate;

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorIllegalAddress:
        return "an illegal memory access was encountered";
    case cudaErrorDevicesUnavailable:
        return "CUDA-capable device(s) is/are busy or unavailable";
    default:
        return "invalid argument";
    }
}

cudaError_t cudaGetLastError()
{
    return fault;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = (int)environment("MEMDIAL_EMULATE_DEVICES", 1);
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    memset(p, 0, sizeof(*p));
    snprintf(p->name, sizeof(p->name), device ? "emulated device %d"
                                              : "emulated device", device);
    p->totalGlobalMem = total_bytes(device);
    p->major = 9;
    p->multiProcessorCount = 2;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    int count;

    cudaGetDeviceCount(&count);
    if (device >= count)
        return cudaErrorInvalidValue;
    current = device;
    if (!lock_device(&shares[device]))
        return cudaErrorDevicesUnavailable;
    shares[device].context_bytes = environment("MEMDIAL_EMULATE_CONTEXT", 0);
    return fault;
}

/* CUDA frees all that is left; here nothing may be. */
cudaError_t cudaDeviceReset()
{
    share *mine = &shares[current];

    if (mine->bytes > 0 || mine->streams > 0)
        fail("a device is reset that is in use");
    if (mine->lock > 0)
        close(mine->lock);
    *mine = {};
    return fault;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    *total = total_bytes();
    *available = free_bytes();
    return fault;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    *memory = NULL;
    if (fault != cudaSuccess)
        return fault;
    if (bytes > free_bytes()
        || bytes > environment("MEMDIAL_EMULATE_LARGEST", SIZE_MAX))
        return cudaErrorMemoryAllocation;
    *memory = pages_new(bytes);
    shares[current].bytes += bytes;
    return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void *memory)
{
    if (memory)
        shares[current].bytes -= pages_free(memory);
    return fault;
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned)
{
    *memory = pages_new(bytes);
    return *memory ? fault : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *memory)
{
    if (memory)
        pages_free(memory);
    return fault;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned)
{
    *s = new stream();
    (*s)->device = current;
    shares[current].streams++;
    return fault;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    shares[s->device].streams--;
    delete s;
    return fault;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    if (s->captured)
        return cudaErrorStreamCaptureUnsupported;
    while (!s->waiting.empty())
        work_on(s);
    return fault;
}

cudaError_t cudaEventCreate(cudaEvent_t *e)
{
    *e = new event();
    return fault;
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    delete e;
    return fault;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    e->of = s;
    put(s, [=] {
        e->of = NULL;
        e->at = std::chrono::steady_clock::now();
    });
    return fault;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    while (e->of)
        work_on(e->of);
    return fault;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from,
                                 cudaEvent_t to)
{
    *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at)
                        .count();
    return fault;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind, cudaStream_t s)
{
    put(s, [=] {
        if (fault == cudaSuccess)
            memcpy(to, from, bytes);
    });
    return fault;
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t s)
{
    put(s, [=] {
        if (fault == cudaSuccess)
            memset(to, byte, bytes);
    });
    return fault;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode)
{
    s->captured = new graph();
    s->after_kernel = false;
    return fault;
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g)
{
    *g = s->captured;
    s->captured = NULL;
    s->after_kernel = false;
    return fault;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t g,
                                 unsigned long long)
{
    *exec = NULL;
    if (graphs == environment("MEMDIAL_EMULATE_GRAPHS", SIZE_MAX)
        || g->nodes.size() > environment("MEMDIAL_EMULATE_NODES", SIZE_MAX)
        || g->serial > environment("MEMDIAL_EMULATE_SERIAL", SIZE_MAX))
        return cudaErrorMemoryAllocation;
    graphs++;
    *exec = new graph(*g);
    return fault;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t s)
{
    s->waiting.insert(s->waiting.end(), exec->nodes.begin(),
                      exec->nodes.end());
    s->after_kernel = false;
    return fault;
}

cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
    delete g;
    return fault;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    graphs -= exec != NULL;
    delete exec;
    return fault;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *a, void (*)())
{
    a->ptxVersion = code();
    return fault;
}
