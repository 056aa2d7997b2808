/*
 * Lessons: byte pair encoding takes seconds to learn, before anything else is
 * said, so the merges learned so far are told.
 */
#ifndef MEMDIAL_LESSON_H
#define MEMDIAL_LESSON_H

/* Tells of them from now on, in this process, as a line on standard error if
 * that is a terminal. */
void lesson_show(void);

/* The same as events on standard output. */
void lesson_print(void);

#endif
