/*
 * Whether the system lets this process have threads. OpenMP's runtime does not
 * ask: it ends the process when it cannot start one.
 */
#ifndef MEMDIAL_CPU_THREADS_H
#define MEMDIAL_CPU_THREADS_H

/* How many of `wanted` threads can be started now beside those there are; they
 * have ended again. */
int threads_startable(int wanted);

#endif
