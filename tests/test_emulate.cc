/*
 * The emulated device shows the mistakes that it was made to show. Mistakes
 * that end the program are tried in a child process. Prints TAP.
 */
#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 64 };

static int tests, failures;

static void check(bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, what);
    failures += !good;
}

/* A stream and some memory of the device for THREADS numbers. */
struct bench {
    cudaStream_t stream;
    int *numbers;

    bench()
    {
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
        cudaMalloc((void **)&numbers, THREADS * sizeof(int));
    }

    ~bench()
    {
        cudaFree(numbers);
        cudaStreamDestroy(stream);
    }

    void launch(void (*kernel)(int *), bool overlaps)
    {
        cudaLaunchConfig_t config = {};
        cudaLaunchAttribute overlap = {
            cudaLaunchAttributeProgrammaticStreamSerialization, { 1 }
        };

        config.blockDim = dim3(THREADS);
        config.dynamicSmemBytes = THREADS * sizeof(int);
        config.stream = stream;
        config.attrs = &overlap;
        config.numAttrs = overlaps;
        cudaLaunchKernelEx(&config, kernel, numbers);
    }

    void run(void (*kernel)(int *))
    {
        launch(kernel, false);
        cudaStreamSynchronize(stream);
    }

    /* Twice, the second time so that it overlaps with itself, unless it is
     * behind a copy. */
    void run_overlapping(void (*kernel)(int *), bool copy)
    {
        launch(kernel, false);
        if (copy)
            cudaMemcpyAsync(numbers + 1, numbers, sizeof(int),
                            cudaMemcpyDeviceToDevice, stream);
        launch(kernel, true);
        cudaStreamSynchronize(stream);
    }
};

template <bool BARRIER> static void pass_on(int *to)
{
    int *shared = (int *)emulate::shared_memory(THREADS * sizeof(int));

    shared[threadIdx.x] = (int)threadIdx.x;
    if (BARRIER)
        __syncthreads();
    to[threadIdx.x] = shared[(threadIdx.x + 1) % THREADS];
}

/* Whether every thread got its neighbour's number, in each of some launches. */
static bool passed_on(void (*kernel)(int *))
{
    bench b;
    bool good = true;

    for (int k = 0; k < 8; k++) {
        b.run(kernel);
        for (int i = 0; i < THREADS; i++)
            good &= b.numbers[i] == (i + 1) % THREADS;
    }
    return good;
}

/* Every thread copies a number, zero for half of the threads, and hands it
 * on. */
template <bool WAIT> static void copy_and_pass_on(int *to)
{
    static const int numbers[THREADS] = { 5, 6, 7 };
    int *shared = (int *)emulate::shared_memory(THREADS * sizeof(int));
    int i = (int)threadIdx.x;

    shared[i] = -1;
    emulate::copy_later(&shared[i], i % 2 ? NULL : &numbers[i], sizeof(int));
    emulate::commit_copies();
    emulate::wait_for_copies(WAIT ? 0 : 1);
    __syncthreads();
    to[i] = shared[i ^ 1];
    emulate::wait_for_copies(0);
}

static bool copied(void (*kernel)(int *))
{
    bench b;
    bool good = true;

    for (int k = 0; k < 8; k++) {
        b.run(kernel);
        for (int i = 0; i < THREADS; i++)
            good &= b.numbers[i ^ 1] == (i % 2 || i > 2 ? 0 : 5 + i);
    }
    return good;
}

/* Copies to memory that another thread may still read. */
static void copy_too_early(int *to)
{
    static const int zero = 0;
    int *shared = (int *)emulate::shared_memory(THREADS * sizeof(int));
    int i = (int)threadIdx.x;

    shared[i] = i;
    __syncthreads();
    emulate::copy_later(&shared[i], &zero, sizeof(int));
    emulate::commit_copies();
    to[i] = shared[(i + 1) % THREADS];
    emulate::wait_for_copies(0);
}

static void copy_without_waiting(int *to)
{
    int *shared = (int *)emulate::shared_memory(THREADS * sizeof(int));

    emulate::copy_later(&shared[threadIdx.x], &to[threadIdx.x], sizeof(int));
    emulate::commit_copies();
}

static void copy_across(int *to)
{
    char *shared = (char *)emulate::shared_memory(THREADS * sizeof(int));

    emulate::copy_later(shared + 2, to, sizeof(int));
    emulate::wait_for_copies(0);
}

static void exchange(int *to)
{
    to[threadIdx.x] = __shfl_xor_sync(0xFFFFFFFF, (int)threadIdx.x, 1);
}

static bool exchanged()
{
    bench b;
    bool good = true;

    b.run(exchange);
    for (int i = 0; i < THREADS; i++)
        good &= b.numbers[i] == (i ^ 1);
    return good;
}

static void leave_early(int *)
{
    if (threadIdx.x < THREADS / 2)
        __syncthreads();
}

static void part(int *)
{
    if (threadIdx.x % 2)
        __syncwarp();
}

static void meet_differently(int *to)
{
    if (threadIdx.x % 2)
        __syncwarp();
    else
        to[threadIdx.x] = __shfl_xor_sync(0xFFFFFFFF, 1, 1);
}

static void write_outside(int *to)
{
    to[threadIdx.x + 1] = 0;
}

#ifdef __SANITIZE_ADDRESS__
static void read_outside(int *to)
{
    to[threadIdx.x] += to[threadIdx.x + 1];
}

static void read_outside_shared_memory(int *to)
{
    int *shared = (int *)emulate::shared_memory(THREADS * sizeof(int));

    to[threadIdx.x] = shared[(int)threadIdx.x - 1];
}
#endif

static void ask_for_other_shared_memory(int *)
{
    emulate::shared_memory(4);
}

static void wait_first(int *to)
{
    emulate::wait_for_earlier();
    to[threadIdx.x] = 1;
}

static void read_first(int *to)
{
    int mine = to[threadIdx.x];

    emulate::wait_for_earlier();
    to[threadIdx.x] = mine;
}

static void write_first(int *to)
{
    to[threadIdx.x] = 1;
    emulate::wait_for_earlier();
}

static void wait_in_part(int *)
{
    if (threadIdx.x < THREADS - 1)
        emulate::wait_for_earlier();
}

/* How a kernel is tried. */
enum way {
    ALONE,
    OVERLAPPING,
    BEHIND_A_COPY,
    OLD_CODE                     /* overlapping, but compiled for 8.0 */
};

/* Whether a kernel, with the freeing of its memory, ends the program. */
static bool ends(void (*kernel)(int *), enum way way = ALONE)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        {
            bench b;

            if (way == OLD_CODE)
                setenv("MEMDIAL_EMULATE_CODE", "80", 1);
            if (way == ALONE)
                b.run(kernel);
            else
                b.run_overlapping(kernel, way == BEHIND_A_COPY);
        }
        _exit(0);
    }
    waitpid(child, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void do_nothing(int *)
{
}

/* A copy takes the contents at the time when the stream is waited for. */
static bool copies_late()
{
    bench b;
    int from = 1;

    cudaMemcpyAsync(b.numbers, &from, sizeof(from), cudaMemcpyHostToDevice,
                    b.stream);
    from = 2;
    cudaStreamSynchronize(b.stream);
    return b.numbers[0] == 2;
}

/* Captured work runs each time that the graph is launched. */
static bool replays()
{
    bench b;
    int from = 1;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    bool good;

    b.numbers[0] = 0;
    cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeRelaxed);
    cudaMemcpyAsync(b.numbers, &from, sizeof(from), cudaMemcpyHostToDevice,
                    b.stream);
    cudaStreamEndCapture(b.stream, &graph);
    cudaGraphInstantiate(&exec, graph, 0);
    cudaGraphDestroy(graph);
    cudaStreamSynchronize(b.stream);
    good = b.numbers[0] == 0;
    for (int i = 5; i < 7; i++) {
        from = i;
        cudaGraphLaunch(exec, b.stream);
        cudaStreamSynchronize(b.stream);
        good &= b.numbers[0] == i;
    }
    cudaGraphExecDestroy(exec);
    return good;
}

int main()
{
    check(passed_on(pass_on<true>), "a barrier orders shared memory");
    check(!passed_on(pass_on<false>), "a missing barrier shows");
    check(copied(copy_and_pass_on<true>), "copies are there after a wait");
    check(!copied(copy_and_pass_on<false>), "a missing wait shows");
    check(!passed_on(copy_too_early), "a copy to what is still read shows");
    check(exchanged(), "lanes exchange numbers");
    check(!ends(do_nothing), "what is right goes on");
    check(ends(leave_early), "a barrier that some threads do not reach");
    check(ends(part), "a warp operation that some lanes do not reach");
    check(ends(meet_differently), "lanes that meet in different operations");
    check(ends(copy_without_waiting), "a copy that nobody waits for");
    check(ends(copy_across), "a copy that is not aligned");
    check(ends(write_outside), "a write outside an allocation");
    check(ends(ask_for_other_shared_memory), "shared memory of another size");
#ifdef __SANITIZE_ADDRESS__
    check(ends(read_outside), "a read outside an allocation");
    check(ends(read_outside_shared_memory), "a read outside shared memory");
#endif
    check(!ends(wait_first, OVERLAPPING), "a kernel that waits first overlaps");
    check(!ends(read_first), "one that does not overlap need not wait");
    check(ends(read_first, OVERLAPPING), "a read before the wait");
    check(ends(write_first, OVERLAPPING), "a write before the wait");
    check(ends(wait_in_part, OVERLAPPING), "a thread that does not wait");
    check(ends(wait_first, BEHIND_A_COPY), "a kernel overlaps with a copy");
    check(ends(wait_first, OLD_CODE), "code overlaps that cannot wait");
    check(copies_late(), "copies happen no sooner than they must");
    check(replays(), "a graph is replayed");
    printf("1..%d\n", tests);
    return failures > 0;
}
