#include "model.h"

#include <assert.h>

struct graph *model_build(const struct settings *s, int classes)
{
    switch (s->model) {
    case MODEL_WRN:
        return wrn_build(s->depth, s->width, classes,
                         (struct storage){ DTYPE_F32 });
    }
    assert(!"unknown model");
    return NULL;
}
