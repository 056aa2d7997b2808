#include "train/kept_images.h"

#include <stdlib.h>

#include "data/images.h"
#include "kernels/augment.h"

/* Images that are written at once. */
enum { PIECE = 500 };

static const struct image_set *set_of(const struct executor *ex)
{
    return &ex->plan->schedule->graph->set;
}

static int instance_of(const struct executor *ex, int value)
{
    return schedule_instance(ex->plan->schedule, value);
}

/* Writes images and labels [begin, end); `bytes` has room for them. */
static void write_images(const struct executor *ex, const struct images *images,
                        int begin, int end, uint8_t *bytes)
{
    size_t count = (size_t)(end - begin), first = (size_t)begin;
    int32_t labels[PIECE];

    for (int i = begin; i < end; i++)
        labels[i - begin] = images_raw(
            images, SPLIT_TRAIN, i,
            bytes + (size_t)(i - begin) * IMAGE_ELEMENTS);
    executor_write_bytes(ex, instance_of(ex, set_of(ex)->images),
                         first * IMAGE_ELEMENTS, bytes,
                         count * IMAGE_ELEMENTS);
    executor_write_bytes(ex, instance_of(ex, set_of(ex)->labels),
                         first * sizeof(*labels), labels,
                         count * sizeof(*labels));
}

static void write_norm(const struct executor *ex, const struct images *images)
{
    float norm[NORM_ROWS][IMAGE_CHANNELS];

    images_norm(images, norm[NORM_MEAN], norm[NORM_SCALE]);
    executor_write(ex, instance_of(ex, set_of(ex)->norm), norm);
}

size_t kept_images_bytes(const struct graph *g)
{
    static const struct extents none;
    const int values[] = { g->set.images, g->set.labels, g->set.count,
                           g->set.norm };
    size_t sum = 0;

    for (int i = 0; i < 4 && g->set.images != VALUE_NONE; i++)
        sum += graph_bytes(g, values[i], &none);
    return sum;
}

void kept_images_write(const struct executor *ex, const struct dataset *data)
{
    const struct images *images = dataset_images(data);
    uint8_t *bytes;
    int32_t count;

    if (!images || set_of(ex)->images == VALUE_NONE)
        return;
    count = images_samples(images, SPLIT_TRAIN);
    bytes = xcalloc(PIECE, IMAGE_ELEMENTS);
    for (int i = 0; i < count; i += PIECE)
        write_images(ex, images, i, i + PIECE < count ? i + PIECE : count,
                    bytes);
    free(bytes);
    write_norm(ex, images);
    executor_write(ex, instance_of(ex, set_of(ex)->count), &count);
}
