/*
 * A set is a source of raw 8-bit images; this file augments and normalises
 * them, straight from the raw image on the stack into the caller's floats, and
 * orders the samples of a pass. Nothing changes after dataset_open but that a
 * source can find out that it does not give any more what it gave, so any
 * number of threads may read.
 */
#include <assert.h>
#include <stdlib.h>

#include "data/cifar10.h"
#include "data/dataset.h"
#include "data/shapes.h"
#include "kernels/philox.h"

enum { PAD = 4, OFFSETS = 2 * PAD + 1, SHUFFLE_ROUNDS = 10 };

struct dataset {
    const struct image_source *source;
    void *state;         /* the source's own */
};

/* Which part of the padded image is kept; PAD, PAD is the image itself. */
struct crop {
    int top, left;       /* 0..2 * PAD */
    bool flip;
};

static const struct image_source *const sources[] = {
    [DATA_SHAPES] = &shapes_source,
    [DATA_CIFAR10] = &cifar10_source,
};

bool dataset_check(const struct settings *settings, struct error *e)
{
    const struct image_source *source = sources[settings->data];

    return !source->check || source->check(settings->data_path, e) ||
           error_because(e, REASON_DATA);
}

const char *dataset_where(int data)
{
    return sources[data]->where;
}

bool dataset_open(struct dataset **out, const struct settings *settings,
                  struct error *e)
{
    const struct image_source *source = sources[settings->data];
    void *state = NULL;

    if (source->open && !source->open(&state, settings->data_path, e))
        return error_because(e, REASON_DATA);
    *out = xcalloc(1, sizeof(**out));
    **out = (struct dataset){ source, state };
    return true;
}

void dataset_close(struct dataset *set)
{
    if (set && set->source->close)
        set->source->close(set->state);
    free(set);
}

const char *dataset_name(const struct dataset *set)
{
    return set->source->name;
}

int dataset_classes(const struct dataset *set)
{
    return set->source->classes;
}

int dataset_classes_of(int data)
{
    return sources[data]->classes;
}

int dataset_samples(const struct dataset *set, enum split split)
{
    return set->source->samples(set->state, split);
}

/* Uniform in 0..count-1, to within count / 2^32. */
static int below(int count, uint32_t word)
{
    return (int)((uint64_t)word * (uint32_t)count >> 32);
}

static struct crop crop_draw(const struct augment_draw *draw)
{
    struct philox r = philox(draw->seed, draw->sample, PHILOX_AUGMENT, 0);

    return (struct crop){ .top = below(OFFSETS, r.x[0]),
                          .left = below(OFFSETS, r.x[1]),
                          .flip = r.x[2] >> 31 };
}

/* The pixel seen at place i of a side padded by reflection, which does not
 * repeat the edge. */
static int reflect(int i)
{
    if (i < 0)
        return -i;
    return i < IMAGE_SIDE ? i : 2 * (IMAGE_SIDE - 1) - i;
}

int dataset_sample(const struct dataset *set, enum split split, int index,
                   const struct augment_draw *draw,
                   float image[IMAGE_ELEMENTS])
{
    const struct image_source *source = set->source;
    struct crop crop = { PAD, PAD, false };
    uint8_t raw[IMAGE_ELEMENTS]; /* (32, 32, 3) */
    int column[IMAGE_SIDE], label;
    float scale[IMAGE_CHANNELS];

    assert(index >= 0 && index < dataset_samples(set, split));
    label = source->image(set->state, split, index, raw);
    if (draw)
        crop = crop_draw(draw);
    for (int x = 0; x < IMAGE_SIDE; x++)
        column[crop.flip ? IMAGE_SIDE - 1 - x : x] =
            reflect(x + crop.left - PAD) * IMAGE_CHANNELS;
    for (int c = 0; c < IMAGE_CHANNELS; c++)
        scale[c] = 1 / source->std[c];

    for (int y = 0; y < IMAGE_SIDE; y++) {
        const uint8_t *row = raw + reflect(y + crop.top - PAD) * IMAGE_SIDE *
                                       IMAGE_CHANNELS;

        for (int x = 0; x < IMAGE_SIDE; x++)
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                *image++ = (row[column[x] + c] - source->mean[c]) * scale[c];
    }
    return label;
}

bool dataset_intact(const struct dataset *set, struct error *e)
{
    return !set->source->intact || set->source->intact(set->state, e) ||
           error_because(e, REASON_DATA);
}

/*
 * A permutation of the numbers of 2 * bits bits. Four rounds are enough when
 * the halves are wide (Luby and Rackoff, "How to construct pseudorandom
 * permutations from pseudorandom functions", 1988); ten also reach every order
 * of a handful of samples about as often.
 */
static uint32_t feistel(uint64_t seed, uint32_t pass, int bits, uint32_t n)
{
    uint32_t mask = (1u << bits) - 1, left = n >> bits, right = n & mask;

    for (uint32_t round = 0; round < SHUFFLE_ROUNDS; round++) {
        uint64_t counter = (uint64_t)pass << 32 | right;
        struct philox r = philox(seed, counter, PHILOX_SHUFFLE, round);
        uint32_t next = left ^ (r.x[0] & mask);

        left = right;
        right = next;
    }
    return left << bits | right;
}

int dataset_shuffle(uint64_t seed, uint32_t pass, int count, int position)
{
    uint32_t n = (uint32_t)position;
    int bits = 1;

    assert(position >= 0 && position < count);
    while ((uint64_t)1 << 2 * bits < (uint64_t)count)
        bits++;
    do
        n = feistel(seed, pass, bits, n);
    while (n >= (uint32_t)count);
    return (int)n;
}
