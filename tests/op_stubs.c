/* Cases that are not written yet. */
#include "tests/op_cases.h"

#define STUB(name) \
    const struct subject subject_##name; \
    void reference_##name(const struct call *c, struct exact *t) \
    { (void)c; (void)t; }

STUB(dynconv)
STUB(dynconv_dgrad)
STUB(dynconv_wgrad)
STUB(token_loss)
STUB(token_loss_eval)
