/*
 * The origin of a file: the process that writes it, on which host. Numbers of
 * processes are used again, so the moment at which a process began tells two of
 * one number apart, and the boot of a host does so for two of its lives.
 */
#ifndef MEMDIAL_ORIGIN_H
#define MEMDIAL_ORIGIN_H

#include <stdint.h>

enum { ORIGIN_HOST_SIZE = 256, ORIGIN_BOOT_SIZE = 64 };

struct origin {
    char host[ORIGIN_HOST_SIZE]; /* its name; "": not known */
    char boot[ORIGIN_BOOT_SIZE]; /* its boot's identity; "": not known */
    int64_t pid;                 /* 0: not known */
    int64_t began;               /* clock ticks after the boot; 0: not known */
};

/* This process. */
void origin_of_this(struct origin *);

enum origin_life { ORIGIN_LIVES, ORIGIN_ENDED, ORIGIN_ELSEWHERE };

/* Whether a process lives, as far as `here` can tell: it can look at processes
 * of its own host. */
enum origin_life origin_life(const struct origin *,
                             const struct origin *here);

#endif
