#include "settings/facts.h"

static const struct facts sets[] = {
    [DATA_SHAPES] = { "shapes", 3, { 32, 32, 3 }, 10 },
    [DATA_CIFAR10] = { "cifar10", 3, { 32, 32, 3 }, 10 },
};

struct facts facts_of(const struct settings *s)
{
    return sets[s->data];
}
