/*
 * Faults for the program under test, which is started with this file as
 * LD_PRELOAD and with MEMDIAL_FAULT=WHAT:N, or WHAT:N+ for the Nth and all
 * after it; with N=0 nothing fails. WHAT can be
 *
 *     memory    an allocation fails
 *     EIO, ENOSPC, EINTR    a system call fails with this error
 *     short     a system call moves half of the bytes
 *     kill      the process is killed as it makes a system call
 *
 * and each counts the calls that it can happen to. The file MEMDIAL_FAULT_LOG
 * gets a line for each failure, and one with the number of calls if the process
 * comes to exit().
 *
 * Allocations are replaced by name: the C library allocates by these names too.
 * Its input and output are not called by name. So system calls are caught where
 * they leave the process, by a filter that turns them into a signal
 * (seccomp_filter(2)). The handler decides, and makes the call itself with a
 * mark in an argument that no call uses, which lets it through. Counting begins
 * when all libraries are loaded. A program that the process executes keeps the
 * filter and loses the handler. So programs that execute others cannot be
 * tested, nor programs built with sanitizers, which have allocators of their
 * own.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define ARGUMENTS(m) { (m)->gregs[REG_RDI], (m)->gregs[REG_RSI], \
                       (m)->gregs[REG_RDX], (m)->gregs[REG_R10], \
                       (m)->gregs[REG_R8] }
#define RESULT(m) (m)->gregs[REG_RAX]
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define ARGUMENTS(m) { (long)(m)->regs[0], (long)(m)->regs[1], \
                       (long)(m)->regs[2], (long)(m)->regs[3], \
                       (long)(m)->regs[4] }
#define RESULT(m) (m)->regs[0]
#endif

/* The traits of a call. */
enum { FAILS = 1, WAITS = 2, MOVES = 4, CHANGES = 8 };

static const struct kind {
    const char *name;
    int trait;           /* of the calls that it happens to */
    int error;
} kinds[] = {
    { "memory", 0, ENOMEM },       { "EIO", FAILS, EIO },
    { "ENOSPC", CHANGES, ENOSPC }, { "EINTR", WAITS, EINTR },
    { "short", MOVES, 0 },         { "kill", CHANGES, 0 },
};

enum { MEMORY = 0, SHORT = 4, KILL = 5,
       KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static int kind = -1;    /* of `kinds` */
static long wanted;      /* call that fails, counted from 1; 0: none */
static bool after;       /* all calls after it fail too */
static atomic_long count;
static int log_file = -1;

/* Whether the present call fails. */
static bool strikes(void)
{
    long n = atomic_fetch_add(&count, 1) + 1;

    return wanted && (n == wanted || (after && n > wanted));
}

#ifdef ARCHITECTURE

static const long mark = 0x6661756c;

static const struct call {
    int number;
    const char *name;
    int traits;
} calls[] = {
    { SYS_openat, "openat", FAILS | WAITS | CHANGES },
    { SYS_close, "close", FAILS | WAITS },
    { SYS_read, "read", FAILS | WAITS | MOVES },
    { SYS_pread64, "pread", FAILS | WAITS | MOVES },
    { SYS_write, "write", FAILS | WAITS | MOVES | CHANGES },
    { SYS_pwrite64, "pwrite", FAILS | WAITS | MOVES | CHANGES },
    { SYS_readv, "readv", FAILS | WAITS },
    { SYS_writev, "writev", FAILS | WAITS | CHANGES },
    { SYS_lseek, "lseek", FAILS },
    { SYS_fsync, "fsync", FAILS | WAITS | CHANGES },
    { SYS_fdatasync, "fdatasync", FAILS | WAITS | CHANGES },
    { SYS_ftruncate, "ftruncate", FAILS | WAITS | CHANGES },
    { SYS_fstat, "fstat", FAILS },
    { SYS_newfstatat, "fstatat", FAILS },
    { SYS_faccessat, "faccessat", FAILS },
    { SYS_fchmod, "fchmod", FAILS | CHANGES },
    { SYS_fchown, "fchown", FAILS | CHANGES },
    { SYS_renameat, "renameat", FAILS | CHANGES },
    { SYS_linkat, "linkat", FAILS | CHANGES },
    { SYS_symlinkat, "symlinkat", FAILS | CHANGES },
    { SYS_unlinkat, "unlinkat", FAILS | CHANGES },
    { SYS_mkdirat, "mkdirat", FAILS | CHANGES },
    { SYS_readlinkat, "readlinkat", FAILS },
    { SYS_getdents64, "getdents64", FAILS },
    { SYS_flock, "flock", FAILS | WAITS },
    { SYS_fcntl, "fcntl", FAILS },
#ifdef SYS_open
    { SYS_open, "open", FAILS | WAITS | CHANGES },
    { SYS_stat, "stat", FAILS },
    { SYS_lstat, "lstat", FAILS },
    { SYS_access, "access", FAILS },
    { SYS_chmod, "chmod", FAILS | CHANGES },
    { SYS_rename, "rename", FAILS | CHANGES },
    { SYS_link, "link", FAILS | CHANGES },
    { SYS_symlink, "symlink", FAILS | CHANGES },
    { SYS_unlink, "unlink", FAILS | CHANGES },
    { SYS_mkdir, "mkdir", FAILS | CHANGES },
    { SYS_readlink, "readlink", FAILS },
#endif
#ifdef SYS_renameat2
    { SYS_renameat2, "renameat2", FAILS | CHANGES },
#endif
#ifdef SYS_statx
    { SYS_statx, "statx", FAILS },
#endif
#ifdef SYS_faccessat2
    { SYS_faccessat2, "faccessat2", FAILS },
#endif
};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

/* The call's result as the kernel returns it: an error is negative. */
static long pass(int number, const long a[5])
{
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], mark);

    return result == -1 ? -errno : result;
}

static void note(const char *what, long n)
{
    char line[64];
    long a[5] = { log_file, (long)line };

    a[2] = snprintf(line, sizeof(line), "%s %ld\n", what, n);
    pass(SYS_write, a);
}

/* Opening changes nothing unless it may make a file. */
static int traits_of(const struct call *c, const long a[5])
{
    bool opens = strncmp(c->name, "open", 4) == 0;
    long flags = strcmp(c->name, "openat") == 0 ? a[2] : a[1];

    return opens && !(flags & O_CREAT) ? c->traits & ~CHANGES : c->traits;
}

/* A call for no bytes cannot move half of them. */
static bool can_strike(const struct call *c, const long a[5])
{
    return traits_of(c, a) & kinds[kind].trait &&
           (kind != SHORT || a[2] > 1);
}

static long make(const struct call *c, long a[5])
{
    if (!can_strike(c, a) || !strikes())
        return pass(c->number, a);
    note(c->name, wanted);
    if (kind == KILL)
        kill(getpid(), SIGKILL);
    if (kind == SHORT) {
        a[2] = (a[2] + 1) / 2;
        return pass(c->number, a);
    }
    if (c->number == SYS_close) /* it closes, whatever it returns */
        pass(c->number, a);
    return -kinds[kind].error;
}

static void on_call(int number, siginfo_t *info, void *context)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    long a[5] = ARGUMENTS(machine);
    int before = errno;

    (void)number;
    for (int i = 0; i < CALLS; i++)
        if (calls[i].number == info->si_syscall)
            RESULT(machine) = make(&calls[i], a);
    errno = before;
}

/* Turns each of the calls without the mark into a signal. */
static bool filter_calls(void)
{
    struct sock_filter filter[CALLS + 8] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, CALLS + 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[5])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, CALLS + 1, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = { .filter = filter };
    struct sigaction action = { .sa_sigaction = on_call,
                                .sa_flags = SA_SIGINFO | SA_NODEFER };
    unsigned short n = 5;

    for (int i = 0; i < CALLS; i++, n++)
        filter[n] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number,
            (unsigned char)(CALLS - i), 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                               SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                               SECCOMP_RET_TRAP);
    program.len = n;
    return sigaction(SIGSYS, &action, NULL) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else

static void note(const char *what, long n)
{
    dprintf(log_file, "%s %ld\n", what, n);
}

static bool filter_calls(void)
{
    return false;
}

#endif

static bool read_wish(const char *wish)
{
    for (int i = 0; wish && i < KINDS; i++) {
        size_t length = strlen(kinds[i].name);
        char *end;

        if (strncmp(wish, kinds[i].name, length) != 0 || wish[length] != ':')
            continue;
        wanted = strtol(wish + length + 1, &end, 10);
        after = *end == '+';
        kind = i;
    }
    return kind >= 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MEMDIAL_FAULT_LOG");

    if (!path || !read_wish(getenv("MEMDIAL_FAULT")))
        return;
    log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (kind != MEMORY && !filter_calls())
        note("cannot", 0);
    atomic_store(&count, 0);
}

__attribute__((destructor)) static void end(void)
{
    if (log_file >= 0)
        note("calls", atomic_load(&count));
}

/* The allocators: they call those of the C library by other names. */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

/* Whether this allocation fails; none does before begin(). */
static bool is_refused(const char *name)
{
    if (kind != MEMORY || !strikes())
        return false;
    if (atomic_load(&count) == wanted)
        note(name, wanted);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return is_refused("malloc") ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    return is_refused("calloc") ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return is_refused("realloc") ? NULL : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return is_refused("aligned_alloc") ? NULL
                                       : __libc_memalign(alignment, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    return aligned_alloc(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    *memory = aligned_alloc(alignment, bytes);
    return *memory ? 0 : ENOMEM;
}

void *mmap(void *at, size_t bytes, int access, int flags, int file,
           off_t offset)
{
    return is_refused("mmap") ? (void *)-1
                              : (void *)syscall(SYS_mmap, at, bytes, access,
                                                flags, file, offset);
}
