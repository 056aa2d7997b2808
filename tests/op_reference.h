/*
 * Every operation in double precision, written from its definition without care
 * for speed. Kernels are compared with it.
 */
#ifndef MEMDIAL_OP_REFERENCE_H
#define MEMDIAL_OP_REFERENCE_H

#include "kernels/kernels.h"

/*
 * A tensor. The magnitude of an element is the sum of the absolute values of
 * its terms: rounding errors are measured relative to it.
 */
struct exact {
    double *value;
    double *magnitude;
};

/* The access letters of each operation's slots, from the operation list. */
extern const char *const op_access[OP_COUNT];

/*
 * Computes the outputs of a call from t[slot].value of its inputs, and their
 * magnitudes. Shapes, attributes, the run and `through` are taken from the
 * call; its data pointers are not looked at.
 */
void op_reference(enum op_code, const struct call *, struct exact t[]);

/* The reference of each operation, by its own name: of inputs as they are after
 * loading through a stat. */
#define OP(name, cpu, cuda, access, ...) \
    void reference_##name(const struct call *, struct exact *);
#include "kernels/op_list.h"
#undef OP

#endif
