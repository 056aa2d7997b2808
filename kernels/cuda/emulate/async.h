/*
 * The copies of kernels/cuda/async.h, on the CPU.
 */
#ifndef MEMDIAL_EMULATE_ASYNC_H
#define MEMDIAL_EMULATE_ASYNC_H

template <int BYTES>
static inline void copy_async(void *to, const void *from, bool there)
{
    emulate::copy_later(to, there ? from : NULL, BYTES);
}

static inline void async_commit()
{
    emulate::commit_copies();
}

template <int LEFT> static inline void async_wait()
{
    emulate::wait_for_copies(LEFT);
}

#endif
