/*
 * A process that lines are written to and read from: a command of the shell, or
 * this program's own worker. Only child_reap() waits for it, as long as its
 * caller says. It dies with this process: its input ends then, and where the
 * system can, it is sent a signal as well.
 */
#ifndef MEMDIAL_CHILD_H
#define MEMDIAL_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;                   /* its process group too; 0: none */
    int to, from;                /* pipes; -1: closed */
    char *unsent;                /* owned, [unsent_room] */
    size_t unsent_bytes, unsent_room;
    bool ended;                  /* it was waited for: by this signal, ... */
    int signal;                  /* ... 0: none, or with this status */
    int status;
    uint64_t oom_kills;          /* of the system, when it began */
};

void child_init(struct child *);

/* Also kills the child. */
void child_done(struct child *);

/* `command` is for the shell; NULL: this program's worker. False with an errno;
 * then there is no child. */
bool child_start(struct child *, const char *command);

/* Sends a line, as far as the pipe takes it. False if too much waits to be
 * sent: the child does not read. */
bool child_send(struct child *, const char *line);

/* Sends the lines that wait, as far as the pipe takes them. */
void child_flush(struct child *);

/* Closes its input and its output. */
void child_hang_up(struct child *);

/* Whether it has ended within the time given. */
bool child_reap(struct child *, double seconds);

/* Kills it and its group. Then there is no child. */
void child_kill(struct child *);

/* Whether it may have ended because memory ran out. */
bool child_starved(const struct child *);

#endif
