/*
 * A line on a terminal's standard error while byte pair encoding is learned,
 * which may take seconds before anything else is said.
 */
#ifndef MEMDIAL_LESSON_H
#define MEMDIAL_LESSON_H

/* From now on, in this process. */
void lesson_show(void);

#endif
