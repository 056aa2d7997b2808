/* Kernels that are not written yet. */
#include <stdlib.h>

#include "kernels/cpu/cpu.h"

#define STUB(name) \
    void KERNEL(name)(const struct call *c) { (void)c; abort(); }
#define STUB_SCRATCH(name) \
    size_t KERNEL(name##_scratch)(const struct call *c) \
    { (void)c; return 0; } \
    STUB(name)

STUB_SCRATCH(dynconv)
STUB_SCRATCH(dynconv_dgrad)
STUB_SCRATCH(dynconv_wgrad)
STUB_SCRATCH(token_loss)
STUB_SCRATCH(token_loss_eval)
