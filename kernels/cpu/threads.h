/*
 * Whether the system lets this process have threads. OpenMP's runtime does not
 * ask: it ends the process when it cannot start one.
 */
#ifndef MEMDIAL_CPU_THREADS_H
#define MEMDIAL_CPU_THREADS_H

/* The number of threads, of `wanted`, that can be started now beside the
 * present ones; they have ended again. */
int threads_startable(int wanted);

#endif
