#include "model.h"

#include <assert.h>

struct graph *model_build(const struct settings *s, int classes)
{
    switch (s->model) {
    case MODEL_WRN:
        return wrn_build(s->depth, s->width, classes, s->sparsity,
                         (enum sparse_method)s->sparse_method);
    }
    assert(!"unknown model");
    return NULL;
}
