/*
 * The signals by which people, terminals and batch systems ask a program to
 * end. A run that catches them ends in order, when it looks next. A reader that
 * closes the output raises no signal then: print_flush() reports it.
 */
#ifndef MEMDIAL_ENDING_H
#define MEMDIAL_ENDING_H

#include <signal.h>

/* Catches the signals from now on. SIGINT after another signal ends the program
 * at once. */
void ending_catch(void);

/* Blocks the signals, in threads that begin later too: they come in only where
 * ppoll() waits. A second signal does nothing. */
void ending_hold(void);

/* The mask with which ppoll() lets the signals in; NULL if none is blocked. */
const sigset_t *ending_let_in(void);

/* The signal that came; 0: none yet. */
int ending_signal(void);

/* The variable that holds the signal, for a loop that runs until it is set. */
const volatile sig_atomic_t *ending_flag(void);

/* Acts as if the signal had come. */
void ending_ask(int number);

/* sigaction(), but a signal that was ignored when the process began stays
 * ignored: nohup asks for that, and so do shells for jobs in the background. */
void ending_install(int number, const struct sigaction *action,
                    struct sigaction *before);

#endif
