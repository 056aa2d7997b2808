#include "tests/loading.h"

static bool next(void *arg, struct part *part)
{
    const struct loading *l = arg;
    int left;

    part->first = extents_sum(&part->first, &part->count);
    left = l->samples - part->first.of[EXTENT_SAMPLES];
    part->count.of[EXTENT_SAMPLES] = left < l->most ? left : l->most;
    return left > 0;
}

static void fill(void *arg, const struct part *part, int begin, int end,
                 const struct stream stream[])
{
    const struct loading *l = arg;

    for (int i = begin; i < end; i++)
        l->sample(l->arg, part->first.of[EXTENT_SAMPLES] + i,
                  (float *)stream[0].data +
                      (size_t)(i - stream[0].sample) * l->elements,
                  (int32_t *)stream[1].data + i - stream[1].sample);
}

struct loader loading_loader(struct loading *l)
{
    return (struct loader){ next, fill, l, .repeats = true };
}
