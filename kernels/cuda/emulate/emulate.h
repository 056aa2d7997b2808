/*
 * The interface between the parts of the emulated device: the threads that run
 * blocks of a kernel, and the runtime that puts kernels on streams.
 */
#ifndef MEMDIAL_EMULATE_H
#define MEMDIAL_EMULATE_H

#include <cuda_runtime.h>

namespace emulate {

/* Ends the program, and says where on the device it failed. */
[[noreturn]] void fail(const char *what);

/* Memory between guards, filled with NaN patterns; NULL if there is none. The
 * address sanitizer sees every access to a guard; without it, writes are found
 * when the memory is freed. Freeing returns the number of bytes. */
unsigned char *guarded_new(size_t bytes);
size_t guarded_free(void *memory);

/* The same, of whole pages, which can be put out of reach all at once: then an
 * access to them ends the program. */
unsigned char *pages_new(size_t bytes);
size_t pages_free(void *memory);
void pages_hide(bool hide);

/* Runs all blocks of a kernel, one after the other, in a random order; one that
 * overlaps has to wait for earlier kernels. */
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, bool overlaps,
              const std::function<void()> &thread);

} // namespace emulate

#endif
