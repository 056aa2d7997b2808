/*
 * A set is a source of raw 8-bit images; this file augments and normalises
 * them, straight from the raw image on the stack into the caller's floats.
 * Nothing changes after images_open, except that a source may notice that its
 * files have changed, so any number of threads may read.
 */
#include "data/images.h"

#include <assert.h>
#include <stdlib.h>

#include "kernels/augment.h"
#include "settings/facts.h"

/* Values of a row of an image. */
enum { ROW = IMAGE_SIDE * IMAGE_CHANNELS };

/* The streams of a sample. */
enum { STREAM_IMAGE, STREAM_LABEL };

struct images {
    const struct image_source *source;
    void *state;         /* the source's own */
};

bool images_open(struct images **out, const struct image_source *source,
                 const struct settings *settings, struct error *e)
{
    int classes = facts_of(settings).image.classes;
    void *state = NULL;

    if (source->open &&
        !source->open(&state, settings->data_path, classes, e))
        return false;
    *out = xcalloc(1, sizeof(**out));
    **out = (struct images){ source, state };
    return true;
}

void images_close(struct images *set)
{
    if (set && set->source->close)
        set->source->close(set->state);
    free(set);
}

int images_samples(const struct images *set, enum split split)
{
    return set->source->samples(set->state, split);
}

int images_raw(const struct images *set, enum split split, int index,
               uint8_t image[IMAGE_ELEMENTS])
{
    return set->source->image(set->state, split, index, image);
}

void images_norm(const struct images *set, float mean[IMAGE_CHANNELS],
                 float scale[IMAGE_CHANNELS])
{
    for (int c = 0; c < IMAGE_CHANNELS; c++) {
        mean[c] = set->source->mean[c];
        scale[c] = 1 / set->source->std[c];
    }
}

int images_sample(const struct images *set, enum split split, int index,
                  const struct augment_draw *draw,
                  float image[IMAGE_ELEMENTS])
{
    const struct image_source *source = set->source;
    struct crop crop = draw ? crop_draw(draw->seed, draw->sample)
                            : crop_none();
    uint8_t raw[IMAGE_ELEMENTS]; /* (32, 32, 3) */
    float mean[IMAGE_CHANNELS], scale[IMAGE_CHANNELS];
    float row_mean[ROW], row_scale[ROW];
    int from[ROW], label;

    assert(index >= 0 && index < images_samples(set, split));
    label = source->image(set->state, split, index, raw);
    images_norm(set, mean, scale);
    for (int i = 0; i < ROW; i++) {
        int x = i / IMAGE_CHANNELS, c = i % IMAGE_CHANNELS;
        from[i] = crop_column(&crop, x, IMAGE_SIDE) * IMAGE_CHANNELS + c;
        row_mean[i] = mean[c];
        row_scale[i] = scale[c];
    }
    for (int y = 0; y < IMAGE_SIDE; y++) {
        const uint8_t *row = raw + crop_row(&crop, y, IMAGE_SIDE) * ROW;
        float values[ROW];

        for (int i = 0; i < ROW; i++)
            values[i] = row[from[i]];
#pragma omp simd
        for (int i = 0; i < ROW; i++)
            image[y * ROW + i] = (values[i] - row_mean[i]) * row_scale[i];
    }
    return label;
}

bool images_intact(const struct images *set, struct error *e)
{
    return !set->source->intact || set->source->intact(set->state, e);
}

static int most_samples(const struct settings *s)
{
    return s->microbatch ? s->microbatch : s->batch;
}

/* Parts of `most` samples, but for what remains. */
static struct cut family_cut(const struct settings *s)
{
    int most = most_samples(s);
    int rest = s->batch % most;
    int parts = s->batch / most + (rest > 0);

    return (struct cut){
        .whole = { .of = { [EXTENT_SAMPLES] = s->batch } },
        .most = { .of = { [EXTENT_SAMPLES] = most } },
        .least = { .of = { [EXTENT_SAMPLES] = rest ? rest : most } },
        .mean = { .of = { [EXTENT_SAMPLES] = (s->batch + parts - 1) / parts } },
        .parts = parts
    };
}

static bool family_check(const void *source, const struct settings *s,
                         struct error *e)
{
    const struct image_source *images = source;

    return !images->check || images->check(s->data_path, e);
}

static bool family_open(void **state, const void *source,
                        const struct settings *s, struct error *e)
{
    return images_open((struct images **)state, source, s, e);
}

static void family_close(void *state)
{
    images_close(state);
}

static bool family_intact(const void *state, struct error *e)
{
    return images_intact(state, e);
}

static int64_t family_planned_units(const void *source,
                                    const struct settings *s)
{
    const struct image_source *images = source;

    if (s->epoch_samples)
        return s->epoch_samples;
    return images->open ? 0 : images->samples(NULL, SPLIT_TRAIN);
}

static int64_t family_epoch_units(const void *state, const struct settings *s)
{
    return s->epoch_samples ? s->epoch_samples
                            : images_samples(state, SPLIT_TRAIN);
}

static int64_t family_epoch_batches(const void *state,
                                    const struct settings *s)
{
    return facts_batches(s, family_epoch_units(state, s));
}

/* A batch of training; of another split all samples, or `valid_samples`. */
static void family_begin(struct reading *r)
{
    int all = images_samples(r->state, r->split);
    int wanted = r->settings->valid_samples;
    int samples = wanted && wanted < all ? wanted : all;

    if (r->split == SPLIT_TRAIN)
        samples = r->settings->batch;
    r->whole = (struct extents){ .of = { [EXTENT_SAMPLES] = samples } };
}

static bool family_next(void *reading, struct part *part)
{
    const struct reading *r = reading;
    int most = most_samples(r->settings), left;

    part->first = extents_sum(&part->first, &part->count);
    left = r->whole.of[EXTENT_SAMPLES] - part->first.of[EXTENT_SAMPLES];
    part->count.of[EXTENT_SAMPLES] = left < most ? left : most;
    return left > 0;
}

/* A training sample, by its number in the run. */
static int train_sample(const struct reading *r, uint64_t number,
                        float image[IMAGE_ELEMENTS])
{
    const struct settings *s = r->settings;
    struct augment_draw draw = { s->seed, number };
    int n = images_samples(r->state, SPLIT_TRAIN);
    int index = sample_place(s->seed, number, n);

    return images_sample(r->state, SPLIT_TRAIN, index,
                         s->augment ? &draw : NULL, image);
}

static void family_fill(void *reading, const struct part *part, int begin,
                        int end, const struct stream stream[])
{
    const struct reading *r = reading;
    const struct stream *images = &stream[STREAM_IMAGE];
    const struct stream *labels = &stream[STREAM_LABEL];
    uint64_t before = (uint64_t)r->step * (uint64_t)r->settings->batch;

    for (int i = begin; i < end; i++) {
        float *image = (float *)images->data +
                       (size_t)(i - images->sample) * IMAGE_ELEMENTS;
        int32_t *label = (int32_t *)labels->data + i - labels->sample;
        int index = part->first.of[EXTENT_SAMPLES] + i;

        *label = r->split == SPLIT_TRAIN
                     ? train_sample(r, before + (uint64_t)index, image)
                     : images_sample(r->state, r->split, index, NULL, image);
    }
}

const struct data_family images_family = {
    .terms = EXTENT_SAMPLES,
    .cut = family_cut,
    .check = family_check,
    .open = family_open,
    .close = family_close,
    .intact = family_intact,
    .planned_units = family_planned_units,
    .epoch_units = family_epoch_units,
    .epoch_batches = family_epoch_batches,
    .begin = family_begin,
    .next = family_next,
    .fill = family_fill,
    .repeats = true
};
