/*
 * Threads of the host that make samples. The caller is one of them; the others
 * sleep between its calls.
 */
#ifndef MEMDIAL_CUDA_CREW_H
#define MEMDIAL_CUDA_CREW_H

#include <functional>

struct crew;

/* As many threads as the system gives, at most `threads`. */
struct crew *crew_new(int threads);
void crew_free(struct crew *);

/* Calls work(t) for t in 0..shares-1, each in a thread of its own if there are
 * enough, and waits for all. */
void crew_run(struct crew *, int shares, const std::function<void(int)> &work);

#endif
