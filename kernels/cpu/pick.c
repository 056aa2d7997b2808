/*
 * pick: the samples of a part of a batch of training, from images that are in
 * the arena (augment.h). They have the bits that a loader would give.
 *   in images (M, H * W * C / 4) int32, the bytes of (H, W, C) each; labels (M)
 *      int32; count (1) int32: the images that are there; norm (NORM_ROWS, C)
 *   out x (N, H, W, C), picked (N) int32: their labels
 */
#include "kernels/augment.h"
#include "kernels/cpu/stage.h"

/* An image on its way to a sample. */
struct picked {
    const uint8_t *bytes;
    const float *norm;
    struct crop crop;
    const struct operand *x;
    size_t sample;
};

/* Makes pixels [begin, end) of a row, as many as there is room for. */
static void pick_pixels(const struct picked *p, int row, int begin, int end)
{
    int width = p->x->dim[2], channels = p->x->dim[3];
    const uint8_t *from = p->bytes + crop_row(&p->crop, row, p->x->dim[1])
                                         * width * channels;
    size_t at = (p->sample * (size_t)p->x->dim[1] + (size_t)row)
                * (size_t)width;
    float room[STAGE_FLOATS], *to = room;

    for (int i = begin; i < end; i++) {
        const uint8_t *pixel = from + crop_column(&p->crop, i, width)
                                          * channels;

        for (int c = 0; c < channels; c++)
            *to++ = (pixel[c] - p->norm[NORM_MEAN * channels + c])
                    * p->norm[NORM_SCALE * channels + c];
    }
    stage_put(p->x, (at + (size_t)begin) * (size_t)channels,
              (size_t)(to - room), room);
}

static void pick_image(const struct picked *p)
{
    int piece = STAGE_FLOATS / p->x->dim[3], width = p->x->dim[2];

    for (int row = 0; row < p->x->dim[1]; row++)
        for (int i = 0; i < width; i += piece)
            pick_pixels(p, row, i, i + piece < width ? i + piece : width);
}

void KERNEL(pick)(const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[PICK_X];
    const int32_t *labels = o[PICK_LABELS].data, *count = o[PICK_COUNT].data;
    int32_t *picked = o[PICK_PICKED].data;
    uint64_t seed = c->batch->seed;
    uint64_t first = (uint64_t)c->batch->step
                         * (uint64_t)c->batch->whole.of[EXTENT_SAMPLES]
                     + (uint64_t)c->part->first.of[EXTENT_SAMPLES];
    size_t bytes = operand_sample_elements(x);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int i = 0; i < x->dim[0]; i++) {
        int at = sample_place(seed, first + (uint64_t)i, *count);
        struct picked p = {
            (const uint8_t *)o[PICK_IMAGES].data + (size_t)at * bytes,
            o[PICK_NORM].data,
            c->attr.pick.augment ? crop_draw(seed, first + (uint64_t)i)
                                 : crop_none(),
            x, (size_t)i
        };

        pick_image(&p);
        picked[i] = labels[at];
    }
}
