#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/op_exact.h"

const char *const op_access[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = access,
#include "kernels/op_list.h"
#undef OP
};

/* An input as a kernel sees it, through a stat if it has one. */
static struct exact input(const struct operand *o, const double *x)
{
    size_t n = operand_elements(o);
    struct exact t = { malloc(n * sizeof(double)),
                       malloc(n * sizeof(double)) };

    for (size_t i = 0; i < n; i++)
        if (o->through) {
            size_t channels = (size_t)o->dim[o->rank - 1];
            const float *stat = o->through + i % channels;
            double product = stat[STAT_SCALE * channels] * x[i];
            double shift = stat[STAT_SHIFT * channels];

            exact_set(&t, i, fmax(product + shift, 0),
                      fabs(product) + fabs(shift));
        } else {
            exact_set(&t, i, x[i], fabs(x[i]));
        }
    return t;
}

void op_reference(enum op_code op, const struct call *c, struct exact t[])
{
    static void (*const reference[OP_COUNT])(const struct call *,
                                             struct exact *) = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = reference_##name,
#include "kernels/op_list.h"
#undef OP
    };
    struct exact seen[CALL_MAX_OPERANDS] = { 0 };
    int slots = (int)strlen(op_access[op]);

    for (int s = 0; s < slots; s++)
        seen[s] = strchr("wuo", op_access[op][s])
                      ? t[s] : input(&c->operand[s], t[s].value);
    reference[op](c, seen);
    for (int s = 0; s < slots; s++)
        if (seen[s].value != t[s].value) {
            free(seen[s].value);
            free(seen[s].magnitude);
        }
}
