/* Cases that are not written yet. */
#include "tests/op_cases.h"

#define STUB(name) \
    const struct subject subject_##name; \
    void reference_##name(const struct call *c, struct exact *t) \
    { (void)c; (void)t; }

