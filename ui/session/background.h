/*
 * A background thread: it works for the screens, so that no key press waits.
 * One lock guards what the two threads share; the work lets go of it while it
 * computes. The screens wait for the thread's word at a descriptor.
 *
 * The thread must not end the program. If it runs out of memory it leaves that
 * to the next background_hear() of the screens, and never returns.
 */
#ifndef MEMDIAL_BACKGROUND_H
#define MEMDIAL_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>

struct background {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, left;
    int ready;           /* eventfd */
    bool quit;
    bool ended, exhausted; /* how the thread left its work */
    /* Does some work. It is called with the lock held and returns so; false:
     * there is none to do. */
    bool (*work)(void *arg);
    void *arg;
};

/* Begins a thread, which calls `work`; ends the program if there can be none.
 */
void background_start(struct background *, bool (*work)(void *arg),
                      void *arg);

/* Ends the thread, once its work returns. False if it stays, out of memory:
 * then what it works with must stay too. */
bool background_stop(struct background *);

/* The lock, and the work that waits for something to do. */
void background_lock(struct background *);
void background_unlock(struct background *);
void background_wake(struct background *);

/* Makes background_fd() readable; with the lock held. */
void background_tell(struct background *);
int background_fd(const struct background *);

/* Makes it not readable, with the lock held. */
void background_clear(struct background *);

/* Ends the program if the thread ran out of memory; without the lock. */
void background_hear(struct background *);

/* For the end of the program when the host is out of memory: in a background
 * thread it never returns. */
void background_give_up(void);

#endif
