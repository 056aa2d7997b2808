#include "graph/optimizer.h"

const struct optimizer optimizer_sgd = {
    .code = OP_sgd,
    .gradient = SGD_GRADIENT,
    .scale = SGD_SCALE,
    .master = SGD_MASTER,
    .w = SGD_W,
    .moments = 1,
    .moment = { { "momentum", SGD_MOMENTUM, DTYPE_F32 } }
};

const struct optimizer optimizer_adam = {
    .code = OP_adam,
    .gradient = ADAM_GRADIENT,
    .scale = ADAM_SCALE,
    .master = ADAM_MASTER,
    .w = ADAM_W,
    .moments = 2,
    /* Of rare words they get smaller than fp16 can hold. */
    .moment = { { "mean", ADAM_MEAN, DTYPE_BF16 },
                { "root", ADAM_ROOT, DTYPE_BF16, true } }
};
