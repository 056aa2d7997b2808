/*
 * Elements of tensors with their magnitudes, as references compute them.
 */
#ifndef MEMDIAL_TESTS_OP_EXACT_H
#define MEMDIAL_TESTS_OP_EXACT_H

#include <math.h>

#include "tests/op_reference.h"

static inline void exact_set(const struct exact *t, size_t i, double value,
                             double magnitude)
{
    t->value[i] = value;
    t->magnitude[i] = magnitude;
}

static inline void exact_add_with(const struct exact *t, size_t i,
                                  double term, double magnitude)
{
    t->value[i] += term;
    t->magnitude[i] += magnitude;
}

/* Adds one term to an element. */
static inline void exact_add(const struct exact *t, size_t i, double term)
{
    exact_add_with(t, i, term, fabs(term));
}

/* Makes element i of an output 0, or the element of the `add` operand. */
static inline void exact_start(const struct call *c, const struct exact *t,
                               int out, int addend)
{
    for (size_t i = 0; i < operand_elements(&c->operand[out]); i++) {
        exact_set(&t[out], i, 0, 0);
        if (operand_given(&c->operand[addend]))
            exact_add(&t[out], i, t[addend].value[i]);
    }
}

/* Adds the magnitude of the old value to that of an updated tensor. */
static inline void exact_go_on(const struct call *c, const struct exact *t,
                               int slot)
{
    for (size_t i = 0; i < operand_elements(&c->operand[slot]); i++)
        exact_set(&t[slot], i, t[slot].value[i], fabs(t[slot].value[i]));
}

/* The factor that gradients are multiplied with. */
static inline double scale_factor(const struct call *c, const struct exact *t,
                                  int slot)
{
    return operand_given(&c->operand[slot])
               ? t[slot].value[LOSS_SCALE_FACTOR] : 1;
}

#endif
