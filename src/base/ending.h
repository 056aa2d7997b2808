/*
 * The signals by which people, terminals and batch systems ask a program to
 * end. A run that catches them ends in order, when it looks next. A reader of
 * the output that goes away is no signal then: print_flush() tells of it.
 */
#ifndef MEMDIAL_ENDING_H
#define MEMDIAL_ENDING_H

#include <signal.h>

/* From now on they are caught. One that comes a second time ends the program at
 * once. */
void ending_catch(void);

/* The same, but they are blocked, in threads that begin later too, and come in
 * only where ppoll() waits. One that comes a second time does nothing. */
void ending_hold(void);

/* The mask for ppoll() to let them in; NULL if they are not blocked. */
const sigset_t *ending_let_in(void);

/* The signal that came; 0: none yet. */
int ending_signal(void);

/* Where that stands, for what runs until it is set. */
const volatile sig_atomic_t *ending_flag(void);

/* As if the signal had come. */
void ending_ask(int number);

/* sigaction(), but a signal that the process was begun with as ignored stays
 * so: nohup does that, and shells do it to what they run in the background. */
void ending_install(int number, const struct sigaction *action,
                    struct sigaction *before);

#endif
