/*
 * The CUDA module: devices, memory, and the queue that operations are put on.
 *
 * A program is run in one of two ways. The first time that it is run over a
 * batch, its calls are captured in a graph of CUDA's, which holds all of the
 * step, every part of it included; from then on the graph is launched as a
 * whole. It finds data that change in fixed places: samples in pinned memory of
 * the host, and `struct progress` on the device. Where samples go on from step
 * to step there are two graphs that take turns, so that the samples of one are
 * made while the device works on those of the other. Batches whose parts change
 * their sizes every time, or are very many, are not captured but put on the
 * queue call by call, and the samples of a part are made while the device works
 * on the part before.
 *
 * After the first error of the runtime nothing is done any more, and `healthy`
 * names it, and where it was seen.
 *
 * A thread of the host has a current device, to which CUDA's functions apply. A
 * process may have several open, so each function of a device makes that one
 * current before anything else (on_its_device). When the last user of a device
 * closes it, the process gives back all that CUDA holds there: a process that
 * only looked at a device leaves it to others.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "kernels/cuda/build_id.h"
#include "kernels/cuda/ceilings.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/load.h"
#include "kernels/cuda/module.h"
#include "kernels/cuda/rewire.h"
#include "kernels/cuda/table.h"

enum { TURNS = 2, CAPABILITY_MAJOR = 7, CAPABILITY_MINOR = 5,
       BLAME_SIZE = 64 };

/* The driver that can capture kernels which overlap. */
enum { DRIVER_THAT_OVERLAPS = 12030 };

static __device__ struct progress device_progress;

/* The parts of a batch. */
struct parts {
    int count;                       /* LOADS_MAX + 1: more than that */
    struct part part[LOADS_MAX];
};

/* A captured program, and the constants in it. */
struct recording {
    cudaGraphExec_t graph;           /* NULL: nothing is captured */
    struct batch batch;
    struct parts parts;
    struct load_list loads;
    struct rewiring rewiring;
    bool reports;
    bool filled;                     /* loads have the samples ... */
    int64_t step;                    /* ... of this step */
};

enum mode {
    AT_ONCE,             /* a call outside of any program */
    QUEUED,
    RECORDING,
    REPLAYING
};

enum { CEILING_BYTES = CUDA_EMULATED ? 1 << 16 : 1 << 28,
       CEILING_MATRIX = CUDA_EMULATED ? 16 : 4096 };

struct device {
    struct queue queue;
    int index;                       /* among the devices */
    bool counted;                    /* as one of its users */
    enum mode mode;
    enum op_code last;               /* that was put on the queue */
    char blame[BLAME_SIZE];          /* where the first error was seen */
    struct gathering gathered[TABLES];
    struct recording recordings[MAX_PROGRAMS][TURNS];
    int turn[MAX_PROGRAMS];
    struct load_list loads;          /* of calls that are not recorded */
    struct rewiring rewiring;        /* likewise */
    struct progress *progress;       /* on the host, pinned */
    void *progress_on_device;
    bool reported;                   /* a report is on the queue */
    cudaEvent_t before, after;       /* the last call that was run at once */
};

/* Users of each device, in this process. */
static struct {
    std::mutex lock;
    int count[BACKEND_DEVICES_MAX];
} users;

/* Makes the device current, and counts its user. */
static void enter_device(struct device *d)
{
    std::lock_guard<std::mutex> hold(users.lock);

    queue_check(&d->queue, cudaSetDevice(d->index));
    d->counted = d->queue.error == cudaSuccess;
    users.count[d->index] += d->counted;
}

/* The last user takes along what CUDA holds. */
static void leave_device(const struct device *d)
{
    std::lock_guard<std::mutex> hold(users.lock);

    if (d->counted && --users.count[d->index] == 0)
        cudaDeviceReset();
}

static void no_device(cudaError_t error, char why[WHY_SIZE])
{
    int driver = 0, runtime = 0;

    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver == 0)
        snprintf(why, WHY_SIZE, "no NVIDIA driver is installed, or its "
                 "libcuda.so.1 is not where libraries are looked for; name its "
                 "folder in LD_LIBRARY_PATH");
    else if (error == cudaErrorInsufficientDriver)
        snprintf(why, WHY_SIZE,
                 "the driver is too old: it is for CUDA %d.%d, and %d.%d is "
                 "needed", driver / 1000, driver % 1000 / 10, runtime / 1000,
                 runtime % 1000 / 10);
    else if (error == cudaSuccess || error == cudaErrorNoDevice)
        snprintf(why, WHY_SIZE, "there is no NVIDIA device");
    else
        snprintf(why, WHY_SIZE, "%s", cudaGetErrorString(error));
}

/* The number of devices; if there are none, why. */
static int count_devices(char why[WHY_SIZE])
{
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);

    if (error == cudaSuccess && count > 0)
        return count;
    cudaGetLastError();
    no_device(error, why);
    return 0;
}

static bool capable(const cudaDeviceProp *p)
{
    return p->major * 10 + p->minor
           >= CAPABILITY_MAJOR * 10 + CAPABILITY_MINOR;
}

static void describe(int index, struct device_info *info)
{
    cudaDeviceProp p;
    cudaError_t error = cudaGetDeviceProperties(&p, index);

    if (error != cudaSuccess) {
        snprintf(info->line, WHY_SIZE, "device %d: %s", index,
                 cudaGetErrorString(error));
        return;
    }
    info->usable = capable(&p);
    info->automatic = info->usable && !CUDA_EMULATED;
    info->memory = p.totalGlobalMem;
    info->major = p.major;
    info->minor = p.minor;
    if (info->usable)
        snprintf(info->line, WHY_SIZE, "%.64s, capability %d.%d", p.name,
                 p.major, p.minor);
    else
        snprintf(info->line, WHY_SIZE,
                 "%.64s: capability %d.%d is too low, %d.%d is needed", p.name,
                 p.major, p.minor, CAPABILITY_MAJOR, CAPABILITY_MINOR);
}

static int module_list(struct device_info info[], int max)
{
    int count;

    memset(info, 0, (size_t)max * sizeof(*info));
    count = count_devices(info->line);
    if (count == 0)
        return 1;
    for (int i = 0; i < count && i < max; i++)
        describe(i, &info[i]);
    return count < max ? count : max;
}

/* The device of a number, or the first that can be used; -1 and why if there is
 * none. */
static int choose(int number, struct device_info *info, char why[WHY_SIZE])
{
    int count = count_devices(why);

    if (count > 0 && number >= count)
        snprintf(why, WHY_SIZE, "there are %d devices, numbered from 0",
                 count);
    for (int i = 0; i < count; i++) {
        if (number != DEVICE_ANY && number != i)
            continue;
        *info = {};
        describe(i, info);
        if (info->usable)
            return i;
        memcpy(why, info->line, WHY_SIZE);
    }
    return -1;
}

/* The device and the driver, which compiles and schedules for it. */
static void module_hardware(char name[WHY_SIZE])
{
    struct device_info info;
    int driver = 0;

    if (choose(DEVICE_ANY, &info, name) < 0)
        return;
    cudaDriverGetVersion(&driver);
    snprintf(name, WHY_SIZE, "%.128s, driver for CUDA %d.%d", info.line,
             driver / 1000, driver % 1000 / 10);
}

static __global__ void nothing()
{
    wait_for_earlier();
}

/* MEMDIAL_CUDA_OVERLAP=no compares with a device that does without. */
static bool may_overlap(struct queue *q)
{
    const char *wanted = getenv("MEMDIAL_CUDA_OVERLAP");
    cudaFuncAttributes code = {};
    int driver = 0;

    queue_check(q, cudaFuncGetAttributes(&code, nothing));
    queue_check(q, cudaDriverGetVersion(&driver));
    return code.ptxVersion >= CODE_THAT_WAITS && driver >= DRIVER_THAT_OVERLAPS
           && !(wanted && strcmp(wanted, "no") == 0);
}

static void module_close(struct device *);

static bool module_open(struct device **out, int number, int threads,
                        char why[WHY_SIZE])
{
    struct device_info info;
    int index = choose(number, &info, why);
    struct device *d;
    struct queue *q;

    if (index < 0)
        return false;
    d = static_cast<struct device *>(calloc(1, sizeof(*d)));
    if (!d) {
        snprintf(why, WHY_SIZE, "out of memory");
        return false;
    }
    q = &d->queue;
    q->capability = info.major * 10 + info.minor;
    d->index = index;
    enter_device(d);
    queue_check(q, cudaStreamCreateWithFlags(&q->stream,
                                             cudaStreamNonBlocking));
    queue_check(q, cudaHostAlloc(reinterpret_cast<void **>(&q->report),
                                 METRIC_COUNT * sizeof(*q->report),
                                 cudaHostAllocDefault));
    queue_check(q, cudaHostAlloc(reinterpret_cast<void **>(&d->progress),
                                 sizeof(*d->progress), cudaHostAllocDefault));
    queue_check(q, cudaGetSymbolAddress(&d->progress_on_device,
                                        device_progress));
    q->progress = static_cast<const struct progress *>(d->progress_on_device);
    queue_check(q, cudaEventCreate(&d->before));
    queue_check(q, cudaEventCreate(&d->after));
    q->overlaps = may_overlap(q);
    q->crew = crew_new(threads);
    q->gathered = d->gathered;
    q->loads = &d->loads;
    q->rewiring = &d->rewiring;
    if (q->error != cudaSuccess) {
        snprintf(why, WHY_SIZE, "%s", cudaGetErrorString(q->error));
        module_close(d);
        return false;
    }
    *out = d;
    return true;
}

static struct recording *recording_of(struct device *d, int program)
{
    return &d->recordings[program][d->turn[program]];
}

static void forget(struct device *d, struct recording *r)
{
    if (r->graph)
        queue_check(&d->queue, cudaGraphExecDestroy(r->graph));
    r->graph = NULL;
    r->filled = false;
    load_list_free(&d->queue, &r->loads);
    rewiring_free(&r->rewiring);
}

static void forget_all(struct device *d)
{
    for (int i = 0; i < MAX_PROGRAMS; i++)
        for (int k = 0; k < TURNS; k++)
            forget(d, &d->recordings[i][k]);
}

static void module_close(struct device *d)
{
    forget_all(d);
    load_list_free(&d->queue, &d->loads);
    rewiring_free(&d->rewiring);
    if (d->before)
        cudaEventDestroy(d->before);
    if (d->after)
        cudaEventDestroy(d->after);
    cudaFreeHost(d->progress);
    cudaFreeHost(d->queue.report);
    if (d->queue.stream)
        cudaStreamDestroy(d->queue.stream);
    crew_free(d->queue.crew);
    leave_device(d);
    free(d);
}

static void *module_alloc(struct device *d, size_t bytes, char why[WHY_SIZE])
{
    size_t available = 0, total = 0;
    void *arena = NULL;
    cudaError_t error = cudaMalloc(&arena, bytes);

    if (error == cudaSuccess)
        return arena;
    cudaGetLastError();
    queue_check(&d->queue, cudaMemGetInfo(&available, &total));
    if (error == cudaErrorMemoryAllocation && bytes > available)
        snprintf(why, WHY_SIZE,
                 "cannot allocate %.1f MiB of the device's memory: of its "
                 "%.1f MiB %.1f are free, and %.1f are missing",
                 mebibytes(bytes), mebibytes(total), mebibytes(available),
                 mebibytes(bytes - available));
    else
        snprintf(why, WHY_SIZE, "cannot allocate %.1f MiB: %s",
                 mebibytes(bytes), cudaGetErrorString(error));
    return NULL;
}

/* Remembers where the first error was seen. */
static void blame(struct device *d, const char *where, const char *operation)
{
    if (d->queue.error != cudaSuccess && !*d->blame)
        snprintf(d->blame, BLAME_SIZE, "%s%s", where, operation);
}

static const char *last_name(const struct device *d)
{
    static const char *const names[] = {
#define OP(name, cpu, cuda, access, ...) #name,
#include "kernels/op_list.h"
#undef OP
    };

    return names[d->last];
}

/* Waits for all that is on the queue. */
static void finish(struct device *d)
{
    queue_check(&d->queue, cudaStreamSynchronize(d->queue.stream));
}

/* Recordings name addresses in the arena, and go with it. */
static void module_free(struct device *d, void *arena, size_t)
{
    finish(d);
    forget_all(d);
    queue_check(&d->queue, cudaFree(arena));
}

static void send_progress(struct device *d, const struct batch *batch)
{
    d->progress->step = batch->step;
    d->progress->learning_rate = batch->learning_rate;
    queue_put(&d->queue,
              cudaMemcpyAsync(d->progress_on_device, d->progress,
                              sizeof(*d->progress), cudaMemcpyHostToDevice,
                              d->queue.stream));
}

/* Waits, and hands over the metrics if there is a report. */
static void deliver(struct device *d, const struct batch *batch)
{
    finish(d);
    if (d->reported && d->queue.error == cudaSuccess)
        memcpy(batch->report, d->queue.report,
               METRIC_COUNT * sizeof(*batch->report));
    d->reported = false;
}

static struct parts list_parts(const struct loader *loader)
{
    struct parts list = {};
    struct part part = {};

    while (list.count <= LOADS_MAX && loader->next(loader->arg, &part)) {
        if (list.count < LOADS_MAX)
            list.part[list.count] = part;
        list.count++;
    }
    return list;
}

static bool same_parts(const struct parts *a, const struct parts *b)
{
    if (a->count != b->count)
        return false;
    for (int i = 0; i < a->count && i < LOADS_MAX; i++)
        if (!extents_equal(&a->part[i].first, &b->part[i].first)
            || !extents_equal(&a->part[i].count, &b->part[i].count))
            return false;
    return true;
}

/* Whether a batch with these parts can use a recording. */
static bool same_constants(const struct recording *r,
                           const struct batch *batch,
                           const struct parts *parts)
{
    return r->graph && r->batch.seed == batch->seed
           && r->batch.terms == batch->terms
           && extents_equal(&r->batch.whole, &batch->whole)
           && same_parts(&r->parts, parts);
}

static bool module_begin(struct device *d, int program,
                         const struct batch *batch)
{
    struct recording *r = recording_of(d, program);
    struct queue *q = &d->queue;
    struct parts parts;

    if (q->error != cudaSuccess)
        return false;
    send_progress(d, batch);
    d->mode = QUEUED;
    if (!batch->loader->repeats)
        return true;
    parts = list_parts(batch->loader);
    if (same_constants(r, batch, &parts)) {
        d->mode = REPLAYING;
        return false;
    }
    if (parts.count > LOADS_MAX)
        return true;
    forget(d, r);
    r->batch = *batch;
    r->parts = parts;
    d->mode = RECORDING;
    q->loads = &r->loads;
    q->rewiring = &r->rewiring;
    q->recording = true;
    queue_put(q, cudaStreamBeginCapture(q->stream,
                                        cudaStreamCaptureModeRelaxed));
    return true;
}

static void end_recording(struct device *d, struct recording *r)
{
    struct queue *q = &d->queue;
    cudaGraph_t graph = NULL;

    q->loads = &d->loads;
    q->rewiring = &d->rewiring;
    q->recording = false;
    r->reports = d->reported;
    queue_put(q, cudaStreamEndCapture(q->stream, &graph));
    if (q->error == cudaSuccess)
        queue_check(q, cudaGraphInstantiate(&r->graph, graph, 0));
    if (graph)
        queue_check(q, cudaGraphDestroy(graph));
}

/* Makes the samples of the next step, for the recording whose turn it then is,
 * if there is one. */
static void prepare_next(struct device *d, int program,
                         const struct batch *batch)
{
    const struct parts *parts = &recording_of(d, program)->parts;
    struct recording *next;

    if (!batch->loader->goes_on)
        return;
    d->turn[program] = 1 - d->turn[program];
    next = recording_of(d, program);
    if (!same_constants(next, batch, parts))
        return;
    load_list_fill(d->queue.crew, &next->loads, batch->loader, &batch->whole);
    next->filled = true;
    next->step = batch->step + 1;
}

static void launch_recording(struct device *d, int program,
                             const struct batch *batch)
{
    struct recording *r = recording_of(d, program);
    static const struct extents none = {};

    if (!r->filled || r->step != batch->step)
        load_list_fill(d->queue.crew, &r->loads, batch->loader, &none);
    r->filled = false;
    queue_put(&d->queue, cudaGraphLaunch(r->graph, d->queue.stream));
    d->reported = r->reports;
    prepare_next(d, program, batch);
    rewiring_run(&d->queue, &r->rewiring, batch);
}

static void module_end(struct device *d, int program, const struct batch *batch)
{
    table_flush(&d->queue);
    if (d->mode == RECORDING)
        end_recording(d, recording_of(d, program));
    if (d->mode != QUEUED && d->queue.error == cudaSuccess)
        launch_recording(d, program, batch);
    deliver(d, batch);
    if (d->mode == QUEUED)
        blame(d, " at or before ", last_name(d));
    else
        blame(d, " in a recorded program", "");
    d->mode = AT_ONCE;
}

static void put(struct device *d, enum op_code op, const struct call *c)
{
    static void (*const operations[])(struct queue *, const struct call *) = {
#define OP(name, cpu, cuda, access, ...) cuda_##name,
#include "kernels/op_list.h"
#undef OP
    };

    if (op != d->last)
        table_flush(&d->queue);
    blame(d, " at ", last_name(d));
    d->last = op;
    operations[op](&d->queue, c);
    blame(d, " at ", last_name(d));
    d->reported |= op == OP_report
                   && operand_given(&c->operand[REPORT_METRICS]);
}

/* Waits for the call, and has the device time it. */
static void run_at_once(struct device *d, enum op_code op,
                        const struct call *c)
{
    struct queue *q = &d->queue;

    send_progress(d, c->batch);
    queue_put(q, cudaEventRecord(d->before, q->stream));
    put(d, op, c);
    table_flush(q);
    queue_put(q, cudaEventRecord(d->after, q->stream));
    deliver(d, c->batch);
    blame(d, " at ", last_name(d));
}

static void module_run(struct device *d, enum op_code op,
                       const struct call *c)
{
    if (d->queue.error != cudaSuccess)
        return;
    if (d->mode == AT_ONCE)
        run_at_once(d, op, c);
    else
        put(d, op, c);
}

static double module_seconds(struct device *d)
{
    float milliseconds = 0;

    if (d->queue.error == cudaSuccess)
        queue_check(&d->queue, cudaEventElapsedTime(&milliseconds, d->before,
                                                    d->after));
    return 1e-3 * milliseconds;
}

static bool measure(struct device *, size_t bytes, int n,
                    struct ceilings *ceilings, char why[WHY_SIZE])
{
    return cuda_ceilings(bytes, n, ceilings, why);
}

/* The copy is large enough that no cache holds it. */
static bool module_ceilings(struct device *d, struct ceilings *ceilings,
                            char why[WHY_SIZE])
{
    return measure(d, CEILING_BYTES, CEILING_MATRIX, ceilings, why);
}

static void copy(struct device *d, void *to, const void *from, size_t bytes,
                 enum cudaMemcpyKind kind)
{
    table_flush(&d->queue);
    if (d->queue.error == cudaSuccess)
        queue_put(&d->queue,
                  cudaMemcpyAsync(to, from, bytes, kind, d->queue.stream));
    finish(d);
}

static void module_read(struct device *d, void *host, const void *from,
                        size_t bytes)
{
    copy(d, host, from, bytes, cudaMemcpyDeviceToHost);
}

static void module_write(struct device *d, void *to, const void *host,
                         size_t bytes)
{
    copy(d, to, host, bytes, cudaMemcpyHostToDevice);
}

/* All of an allocation is backed. The driver's figure includes its own needs
 * and what other processes hold. */
static void module_memory(struct device *d, const void *, size_t bytes,
                          struct device_memory *m)
{
    size_t available = 0, total = 0;

    queue_check(&d->queue, cudaMemGetInfo(&available, &total));
    m->touched = bytes;
    m->os = total - available;
    m->available = available;
}

static bool module_healthy(struct device *d, char why[WHY_SIZE])
{
    if (d->queue.error == cudaSuccess)
        return true;
    snprintf(why, WHY_SIZE, "the device failed%s: %s", d->blame,
             cudaGetErrorString(d->queue.error));
    return false;
}

/* A function of a device, which is the current one for it. */
template <auto f> struct on_its_device;

template <typename R, typename... P, R (*f)(struct device *, P...)>
struct on_its_device<f> {
    static R call(struct device *d, P... rest)
    {
        queue_check(&d->queue, cudaSetDevice(d->index));
        return f(d, rest...);
    }
};

static struct backend backend_of_module()
{
    struct backend b = {};

    b.list = module_list;
    b.open = module_open;
    b.close = on_its_device<module_close>::call;
    b.alloc = on_its_device<module_alloc>::call;
    b.free = on_its_device<module_free>::call;
    b.run = on_its_device<module_run>::call;
    b.begin = on_its_device<module_begin>::call;
    b.end = on_its_device<module_end>::call;
    b.healthy = on_its_device<module_healthy>::call;
    b.read = on_its_device<module_read>::call;
    b.write = on_its_device<module_write>::call;
    b.memory = on_its_device<module_memory>::call;
    b.seconds = on_its_device<module_seconds>::call;
    b.ceilings = on_its_device<module_ceilings>::call;
    b.hardware = module_hardware;
    return b;
}

static const struct backend backend = backend_of_module();

extern "C" {
extern __attribute__((visibility("default")))
const struct cuda_module memdial_cuda_module;

const struct cuda_module memdial_cuda_module = {
    BUILD_ID, &backend, on_its_device<measure>::call
};
}
