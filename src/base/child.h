/*
 * A process that lines are written to and read from. Only child_reap() waits
 * for it, as long as its caller says. It dies with this process: its input ends
 * then, and where the system can, it is sent a signal as well.
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

/* This program, as the first of the words. */
#define CHILD_SELF "memdial"

/* Starts a program with these words, which a NULL ends: the first is a path, or
 * a name that PATH finds, or CHILD_SELF. False with an errno; then there is no
 * child. A program that cannot be run is a child that says so and ends with
 * status CHILD_CANNOT. */
enum { CHILD_CANNOT = 127 };
bool child_start(struct child *, const char *const *words);

/* Sends a line, as far as the pipe takes it. False if too much waits to be
 * sent: the child does not read. */
bool child_send(struct child *, const char *line);

/* Sends the lines that wait, as far as the pipe takes them. */
void child_flush(struct child *);

/* Closes its input and its output. */
void child_hang_up(struct child *);

/* Whether it has ended within the time given. */
bool child_reap(struct child *, double seconds);

/* Asks it to end, by SIGTERM. */
void child_ask_to_end(const struct child *);

/* Kills it and its group. Then there is no child. */
void child_kill(struct child *);

/* Whether it may have ended because memory ran out. */
bool child_starved(const struct child *);

#endif
