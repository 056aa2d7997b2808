/* Kernels that are not written yet. */
#include <stdlib.h>

#include "kernels/cuda/cuda.h"

#define STUB(name) \
    void cuda_##name(struct queue *, const struct call *) { abort(); }

STUB(dynconv)
STUB(dynconv_dgrad)
STUB(dynconv_wgrad)
