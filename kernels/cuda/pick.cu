/*
 * pick: the samples of a part of a batch of training, from images that are in
 * the arena (augment.h). They have the bits that a loader would give.
 *   in images (M, H * W * C / 4) int32, the bytes of (H, W, C) each; labels (M)
 *      int32; count (1) int32: the images that are there; norm (NORM_ROWS, C)
 *   out x (N, H, W, C), picked (N) int32: their labels
 */
#include "kernels/augment.h"
#include "kernels/cuda/cuda.h"

struct pick_set {
    const uint8_t *images;
    const int32_t *labels, *count;
    const float *norm;
    int height, width, channels;
};

/* What a block makes, found by one of its threads. */
struct pick_memory {
    struct crop crop;
    int place;
};

/* A block for a sample; `first` is the number in its batch of the part's first
 * one, `whole` the batch's samples. */
template <typename T>
static __global__ void pick(pick_set s, const struct progress *progress,
                            uint64_t seed, bool augment, int first, int whole,
                            T *x, int32_t *picked)
{
    wait_for_earlier();

    pick_memory &p = shared<pick_memory>();
    int row_elements = s.width * s.channels, n = s.height * row_elements;
    const uint8_t *image;

    if (threadIdx.x == 0) {
        uint64_t sample = (uint64_t)progress->step * (uint64_t)whole
                          + (uint64_t)first + blockIdx.x;

        p.place = sample_place(seed, sample, *s.count);
        p.crop = augment ? crop_draw(seed, sample) : crop_none();
        picked[blockIdx.x] = s.labels[p.place];
    }
    __syncthreads();
    image = s.images + (size_t)p.place * (size_t)n;
    x += (size_t)blockIdx.x * (size_t)n;
    for (int i = (int)threadIdx.x; i < n; i += (int)blockDim.x) {
        int row = i / row_elements, at = i - row * row_elements;
        int pixel = at / s.channels, c = at - pixel * s.channels;
        int from = crop_row(&p.crop, row, s.height) * row_elements
                   + crop_column(&p.crop, pixel, s.width) * s.channels + c;

        narrow(&x[i], (image[from] - s.norm[NORM_MEAN * s.channels + c])
                          * s.norm[NORM_SCALE * s.channels + c]);
    }
}

void cuda_pick(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[PICK_X];
    pick_set set = { static_cast<const uint8_t *>(o[PICK_IMAGES].data),
                     data_of<int32_t>(&o[PICK_LABELS]),
                     data_of<int32_t>(&o[PICK_COUNT]),
                     data_of<float>(&o[PICK_NORM]),
                     x->dim[1], x->dim[2], x->dim[3] };

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, (unsigned)x->dim[0], BLOCK_THREADS, sizeof(pick_memory),
               pick<T>, set, q->progress, c->batch->seed,
               c->attr.pick.augment, c->part->first.of[EXTENT_SAMPLES],
               c->batch->whole.of[EXTENT_SAMPLES], data_of<T>(x),
               data_of<int32_t>(&o[PICK_PICKED]));
    });
}
