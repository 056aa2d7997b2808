#define _GNU_SOURCE

#include "base/origin.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { STAT_SIZE = 2048, BEGAN_FIELD = 22 /* of /proc/PID/stat, from 1 */ };

/* Reads the state of a process, a letter, and when it began. False where the
 * system does not tell. */
static bool look_at(int64_t pid, char *state, int64_t *began)
{
    char path[64], *text, *at;
    size_t bytes;
    int field = 3;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    text = file_read(path, STAT_SIZE, &bytes, NULL);
    if (!text)
        return false;
    at = strrchr(text, ')'); /* the name before it can have anything */
    at = at ? strchr(at, ' ') : NULL;
    *state = at ? at[1] : '?';
    while (at && field < BEGAN_FIELD && (at = strchr(at + 1, ' ')))
        field++;
    *began = at ? strtoll(at, NULL, 10) : 0;
    free(text);
    return true;
}

static void read_boot(char boot[ORIGIN_BOOT_SIZE])
{
    size_t bytes;
    char *text = file_read("/proc/sys/kernel/random/boot_id",
                           ORIGIN_BOOT_SIZE - 1, &bytes, NULL);

    boot[0] = '\0';
    if (text)
        snprintf(boot, ORIGIN_BOOT_SIZE, "%.*s", (int)strcspn(text, "\n"),
                 text);
    free(text);
}

void origin_of_this(struct origin *o)
{
    char state;

    *o = (struct origin){ .pid = getpid() };
    if (gethostname(o->host, sizeof(o->host) - 1) != 0)
        o->host[0] = '\0';
    read_boot(o->boot);
    look_at(o->pid, &state, &o->began);
}

/* Whether both are known and differ. */
static bool names_differ(const char *a, const char *b)
{
    return *a && *b && strcmp(a, b) != 0;
}

/* Whether the process of that number is this one, and no other since. */
static bool is_same_process(const struct origin *o)
{
    int64_t began = 0;
    char state = '?';

    if (kill((pid_t)o->pid, 0) != 0 && errno == ESRCH)
        return false;
    if (!look_at(o->pid, &state, &began))
        return true;
    return state != 'Z' && state != 'X' &&
           (!o->began || !began || o->began == began);
}

enum origin_life origin_life(const struct origin *o,
                             const struct origin *here)
{
    if (!*o->host || strcmp(o->host, here->host) != 0)
        return ORIGIN_ELSEWHERE;
    if (o->pid <= 0 || names_differ(o->boot, here->boot))
        return ORIGIN_ENDED;
    return is_same_process(o) ? ORIGIN_LIVES : ORIGIN_ENDED;
}
