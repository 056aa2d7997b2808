/*
 * A file system that machines share, for the program under test, which is
 * started with this file as LD_PRELOAD: there are no locks, and a file gets its
 * new name later than rename() says, if the process lives that long. Names that
 * were to come are given at exit.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LATE_MAX = 64, LATE_MICROSECONDS = 200000 };

/* A rename that is to come. */
static struct late {
    int from, to;                /* folders */
    char old[256], new[256];
    unsigned flags;
} late[LATE_MAX];

static int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int flock(int fd, int operation)
{
    (void)fd;
    (void)operation;
    errno = ENOLCK;
    return -1;
}

static void rename_all(void)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < count; i++) {
        syscall(SYS_renameat2, late[i].from, late[i].old, late[i].to,
                late[i].new, late[i].flags);
        close(late[i].from);
    }
    count = 0;
    pthread_mutex_unlock(&lock);
}

static void *rename_later(void *unused)
{
    for (;;) {
        usleep(LATE_MICROSECONDS);
        rename_all();
    }
    return unused;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, rename_later, NULL) == 0)
        pthread_detach(thread);
}

__attribute__((destructor)) static void end(void)
{
    rename_all();
}

int renameat2(int from, const char *old, int to, const char *new,
              unsigned flags)
{
    struct late *l;
    bool full;

    pthread_mutex_lock(&lock);
    full = count == LATE_MAX;
    if (!full) {
        l = &late[count++];
        l->from = l->to = dup(from);
        l->flags = flags;
        snprintf(l->old, sizeof(l->old), "%s", old);
        snprintf(l->new, sizeof(l->new), "%s", new);
    }
    pthread_mutex_unlock(&lock);
    return full ? (int)syscall(SYS_renameat2, from, old, to, new, flags) : 0;
}
