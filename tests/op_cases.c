#include "tests/op_cases.h"

const struct subject *op_subject(enum op_code op)
{
    static const struct subject *const subjects[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = &subject_##name,
#include "kernels/op_list.h"
#undef OP
    };

    return subjects[op];
}
