#include "base/kind.h"

static const char *const names[KIND_COUNT] = {
    [KIND_WEIGHTS] = "weights",         [KIND_INDEX] = "index",
    [KIND_GRADIENTS] = "gradients",     [KIND_OPTIMIZER] = "optimizer",
    [KIND_ACTIVATIONS] = "activations", [KIND_TRANSIENT] = "transient",
    [KIND_WORKSPACE] = "workspace",     [KIND_INPUT] = "input",
};

const char *kind_name(enum kind kind)
{
    return names[kind];
}

bool kind_persists(enum kind kind)
{
    return kind == KIND_WEIGHTS || kind == KIND_INDEX ||
           kind == KIND_OPTIMIZER;
}
