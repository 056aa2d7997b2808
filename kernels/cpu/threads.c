#define _GNU_SOURCE

#include "kernels/cpu/threads.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/cpu/figures.h"

/* A thread that was joined may count against the limits a moment longer. So
 * the limits are looked at this often, a millisecond apart. */
enum { LOOKS = 1000 };

/* "64", "64k", "1 M": without a unit, KiB. 0: it is not a size. */
static size_t parse_size(const char *text)
{
    static const char units[] = "bkmg";
    char *end;
    unsigned long long size = strtoull(text, &end, 10);
    const char *unit;

    end += strspn(end, " ");
    unit = *end ? strchr(units, tolower((unsigned char)*end)) : units + 1;
    if (end == text || !unit)
        return 0;
    return (size_t)(size << 10 * (unit - units));
}

/* OpenMP's threads have stacks of the size that the environment gives. */
static void set_stack_size(pthread_attr_t *attributes)
{
    static const char *const names[] = { "OMP_STACKSIZE", "GOMP_STACKSIZE" };

    for (int i = 0; i < 2; i++) {
        const char *text = getenv(names[i]);
        size_t size = text ? parse_size(text) : 0;

        if (size && pthread_attr_setstacksize(attributes, size) == 0)
            return;
    }
}

/* All threads stay until the last has begun. */
static void *stay(void *arg)
{
    pthread_mutex_t *gate = arg;

    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

static size_t count_threads(void)
{
    return figures_find("/proc/self", "status", "Threads:");
}

static void wait_for_count(size_t count)
{
    for (int i = 0; i < LOOKS && count_threads() > count; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

int threads_startable(int wanted)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *threads = calloc(wanted > 0 ? (size_t)wanted : 1,
                                sizeof(*threads));
    size_t before = count_threads();
    pthread_attr_t attributes;
    int started = 0;

    if (!threads || pthread_attr_init(&attributes) != 0) {
        free(threads);
        return 0;
    }
    set_stack_size(&attributes);
    pthread_mutex_lock(&gate);
    while (started < wanted && pthread_create(&threads[started], &attributes,
                                              stay, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    free(threads);
    wait_for_count(before);
    return started;
}
