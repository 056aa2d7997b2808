/*
 * Picking of samples: cases, and a reference that finds the augmented images
 * another way, by padding them.
 */
#include <stdlib.h>

#include "kernels/augment.h"
#include "tests/op_cases.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

enum { IMAGES = 7, GIVEN = 5 };

static const struct shape pick_shapes[] = {
    { MAP(1, 32, 32, 3) },
    { MAP(4, 32, 32, 3), .parts = 3, .nesterov = true },
    { MAP(6, 8, 12, 5), .parts = 2, .nesterov = true },
    { MAP(3, 6, 300, 4), .nesterov = true }
};

static void describe_pick(struct problem *p)
{
    const struct shape *s = p->shape;

    shape_operand(p, PICK_IMAGES, DTYPE_I32, 2, IMAGES, s->h * s->w * s->c / 4);
    shape_operand(p, PICK_LABELS, DTYPE_I32, 1, IMAGES);
    shape_operand(p, PICK_COUNT, DTYPE_I32, 1, 1);
    shape_operand(p, PICK_NORM, DTYPE_F32, 2, NORM_ROWS, s->c);
    shape_map(p, PICK_X);
    shape_operand(p, PICK_PICKED, DTYPE_I32, 1, s->n);
    p->call.attr.pick.augment = s->nesterov;
}

static void prepare_pick(struct problem *p)
{
    size_t n = operand_elements(&p->call.operand[PICK_IMAGES]);

    for (size_t i = 0; i < n; i++)
        p->before[PICK_IMAGES].value[i] =
            (int32_t)philox(1, i, PHILOX_DRAW, 0).x[0];
    prepare_classes(p, PICK_LABELS, 10);
    p->before[PICK_COUNT].value[0] = GIVEN;
}

static unsigned char byte_of(const double *words, size_t i)
{
    return (unsigned char)((uint32_t)(int32_t)words[i / 4] >> i % 4 * 8);
}

/* A place before the edge, inside, or beyond it: walks there, and turns at the
 * edges. */
static int walked(int i, int side)
{
    int at = 0, step = i < 0 ? -1 : 1;

    for (int k = 0; k < abs(i); k++) {
        if (at + step < 0 || at + step >= side)
            step = -step;
        at += step;
    }
    return at;
}

static void reference_image(const struct call *c, struct exact *t, size_t i,
                            uint64_t sample)
{
    const struct operand *x = &c->operand[PICK_X];
    int high = x->dim[1], wide = x->dim[2], deep = x->dim[3];
    int place = sample_place(c->batch->seed, sample, GIVEN);
    struct crop crop = c->attr.pick.augment ? crop_draw(c->batch->seed, sample)
                                            : crop_none();
    size_t all = operand_sample_elements(x);

    for (int e = 0; e < (int)all; e++) {
        int row = e / deep / wide, column = e / deep % wide, ch = e % deep;
        int across = crop.flip ? wide - 1 - column : column;
        int from = (walked(row + crop.top - AUGMENT_PAD, high) * wide +
                    walked(across + crop.left - AUGMENT_PAD, wide)) * deep + ch;
        double byte = byte_of(t[PICK_IMAGES].value,
                              (size_t)place * all + (size_t)from);
        double mean = t[PICK_NORM].value[ch];
        double scale = t[PICK_NORM].value[deep + ch];

        exact_set(&t[PICK_X], i * all + (size_t)e, (byte - mean) * scale,
                  (byte + fabs(mean)) * fabs(scale));
    }
    exact_set(&t[PICK_PICKED], i, t[PICK_LABELS].value[place], 0);
}

void reference_pick(const struct call *c, struct exact *t)
{
    uint64_t first = (uint64_t)c->batch->step *
                         (uint64_t)c->batch->whole.of[EXTENT_SAMPLES] +
                     (uint64_t)c->part->first.of[EXTENT_SAMPLES];

    for (int i = 0; i < c->operand[PICK_X].dim[0]; i++)
        reference_image(c, t, (size_t)i, first + (uint64_t)i);
}

const struct subject subject_pick = {
    SHAPES(pick_shapes),
    .describe = describe_pick,
    .prepare = prepare_pick
};
