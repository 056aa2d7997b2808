/*
 * Writes bytes to the terminal without curses, and restores it when the program
 * ends. In a crash nothing can be worked out any more, so the bytes for that
 * are put together beforehand.
 */
#ifndef MEMDIAL_TTY_H
#define MEMDIAL_TTY_H

#include <stddef.h>

void tty_send(const char *bytes, size_t size);

/* Keeps a byte to be sent with others. */
void tty_keep(char byte);
void tty_send_kept(void);

/* Remembers the modes that the terminal has now. */
void tty_remember(void);

/* Adds a capability to the bytes that restore the terminal, without its
 * padding. NULL and -1 add nothing. */
void tty_add_restore(const char *capability);

/* Restores the terminal. May be called by a signal handler. */
void tty_restore(void);

#endif
