#include "graph/optimizer.h"

const struct optimizer optimizer_sgd = {
    .code = OP_sgd,
    .gradient = SGD_GRADIENT,
    .scale = SGD_SCALE,
    .master = SGD_MASTER,
    .w = SGD_W,
    .moments = 1,
    .moment = { { "momentum", SGD_MOMENTUM } }
};

const struct optimizer optimizer_adam = {
    .code = OP_adam,
    .gradient = ADAM_GRADIENT,
    .scale = ADAM_SCALE,
    .master = ADAM_MASTER,
    .w = ADAM_W,
    .moments = 2,
    .moment = { { "mean", ADAM_MEAN }, { "root", ADAM_ROOT } }
};
