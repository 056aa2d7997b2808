#include "settings/facts.h"

#include <string.h>

/* Sets of labelled images have these in common. */
#define IMAGES .unit = "sample", .units = "samples", .items = "images", \
    .drawn = DATA_SHAPES, \
    .score = { "accuracy", .percent = true, .higher_is_better = true, \
               .of = score_is_accuracy }

static const struct facts sets[] = {
    [DATA_SHAPES] = { IMAGES, .image = { 32, 32, 3, 10 } },
    [DATA_CIFAR10] = {
        IMAGES, .image = { 32, 32, 3, 10 },
        .where = "the \"CIFAR-10 binary version (suitable for C programs)\" on "
                 "www.cs.toronto.edu/~kriz/cifar.html: the archive "
                 "cifar-10-binary.tar.gz, from which tar xzf unpacks a folder "
                 "cifar-10-batches-bin with data_batch_1.bin to "
                 "data_batch_5.bin and test_batch.bin"
    },
};

struct facts facts_of(const struct settings *s)
{
    return sets[s->data];
}

const char *facts_units(const struct setting *row, const struct settings *s)
{
    if (row->unit && strcmp(row->unit, UNITS_OF_DATA) == 0)
        return facts_of(s).units;
    return row->unit;
}
