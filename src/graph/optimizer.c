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
