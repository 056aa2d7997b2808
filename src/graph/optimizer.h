/*
 * An optimizer, as data: the operation that updates a weight, the uses of its
 * slots, and the moments that it keeps for each weight.
 */
#ifndef MEMDIAL_OPTIMIZER_H
#define MEMDIAL_OPTIMIZER_H

#include "kernels/kernels.h"

struct moment {
    const char *name;
    int slot;
    enum dtype narrow;   /* that stores it where weights are stored in 16 bits;
                            DTYPE_F32: theirs */
    bool root;           /* of the mean of squares */
};

struct optimizer {
    enum op_code code;
    int gradient, scale, master, w; /* slots */
    int moments;
    struct moment moment[MAX_MOMENTS];
};

extern const struct optimizer optimizer_sgd;
extern const struct optimizer optimizer_adam;

#endif
