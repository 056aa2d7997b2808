/*
 * A disk with room for MEMDIAL_DISK_BYTES more bytes, for the program under
 * test, which is started with this file as LD_PRELOAD: what it writes to files
 * takes of the room, the last of it is written in part, and after that there is
 * no space left on the device. Pipes and terminals take what they take.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long room;

__attribute__((constructor)) static void begin(void)
{
    const char *bytes = getenv("MEMDIAL_DISK_BYTES");

    atomic_store(&room, bytes ? atol(bytes) : 0);
}

static bool is_on_disk(int fd)
{
    struct stat status;
    int before = errno;
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);

    errno = before;
    return regular;
}

/* The bytes of these that there is room for; -1: none. */
static ssize_t take_room(size_t bytes)
{
    long left = atomic_load(&room), taken;

    do
        taken = left < (long)bytes ? left : (long)bytes;
    while (!atomic_compare_exchange_weak(&room, &left, left - taken));
    if (taken > 0 || bytes == 0)
        return taken;
    errno = ENOSPC;
    return -1;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    ssize_t n = is_on_disk(fd) ? take_room(bytes) : (ssize_t)bytes;

    return n < 0 ? n : syscall(SYS_write, fd, data, (size_t)n);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    ssize_t n = take_room(bytes);

    return n < 0 ? n : syscall(SYS_pwrite64, fd, data, (size_t)n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at)
{
    return pwrite(fd, data, bytes, at);
}
