/*
 * The embedded set: 32x32 colour images of ten kinds of shape. An image is a
 * stack of layers, each an outline given by its signed distance, with a place,
 * size, angle, colour and stripes of its own: a background, bars behind, the
 * shape that the label names, a bar in front; then noise.
 *
 * Everything but the outline of the one shape is drawn in the same way for all
 * labels, and the shape is lighter or darker than its background with equal
 * chance, so that neither colours nor single pixels say much about the label.
 * A mirrored or shifted image still shows the same kind of shape.
 *
 * Sample `index` of a split is a function of (SEED, split, index) alone: it is
 * drawn whenever it is asked for, and no two samples share a random number.
 */
#include <math.h>

#include "data/shapes.h"
#include "kernels/philox.h"

enum { TRAIN_SAMPLES = 20000, VALID_SAMPLES = 2000, BEHIND = 2, IN_FRONT = 1 };

/* Another seed gives another set. */
static const uint64_t SEED = 0x736861706573;

/* Radians. A shape leans to either side by up to TILT: free to turn, it takes
 * a small network several times as long to learn. */
static const float PI = 3.1415927f, TILT = 0.4f;

/* Each sample's own sequence of random numbers. */
struct draws {
    uint64_t sample;
    uint32_t used;       /* words */
    struct philox block;
};

static uint32_t next_word(struct draws *s)
{
    if (s->used % 4 == 0)
        s->block = philox(SEED, s->sample, PHILOX_DRAW, s->used / 4);
    return s->block.x[s->used++ % 4];
}

static float uniform(struct draws *s, float low, float high)
{
    return low + (high - low) * philox_unit(next_word(s));
}

static int below(struct draws *s, int count)
{
    return (int)((uint64_t)next_word(s) * (uint32_t)count >> 32);
}

/* Unlike fmaxf and fminf, one instruction: nothing here is NaN. */
static inline float greater(float a, float b)
{
    return a > b ? a : b;
}

static inline float lesser(float a, float b)
{
    return a < b ? a : b;
}

/*
 * Outlines: the distance of (x, y) to the edge, negative inside, exact enough
 * near the edge to blend it. The shapes fit a circle of radius REACH and are
 * of much the same area, so that counting pixels tells little.
 */
static const float REACH = 1.1f;

static float distance(float x, float y)
{
    return sqrtf(x * x + y * y);
}

static float disc(float x, float y)
{
    return distance(x, y) - 0.74f;
}

static float ring(float x, float y)
{
    return fabsf(distance(x, y) - 0.72f) - 0.24f;
}

static float square(float x, float y)
{
    return greater(fabsf(x), fabsf(y)) - 0.66f;
}

static float triangle(float x, float y)
{
    return greater(0.866f * fabsf(x) + 0.5f * y, -y) - 0.54f;
}

static float hourglass(float x, float y)
{
    return greater(fabsf(y) - 0.82f, 0.8f * fabsf(x) - 0.6f * fabsf(y) - 0.06f);
}

/* Five points: reflections fold the plane onto half of one point, the one along
 * +y, which has a single straight edge. */
static float star(float x, float y)
{
    const float c = 0.809017f, s = 0.587785f; /* of 36 degrees */
    float over;

    x = fabsf(x);
    over = 2 * greater(c * x - s * y, 0);
    x -= over * c;
    y += over * s;
    over = 2 * greater(-c * x - s * y, 0);
    x += over * c;
    y += over * s;
    return 0.82f * fabsf(x) + 0.57f * (y - 1.02f);
}

static float cross(float x, float y)
{
    float longer = greater(fabsf(x), fabsf(y));
    float shorter = lesser(fabsf(x), fabsf(y));

    return greater(longer - 0.88f, shorter - 0.3f);
}

static float crescent(float x, float y)
{
    return greater(distance(x, y) - 0.95f, 0.72f - distance(x - 0.5f, y));
}

/* A square standing on its corner, and a disc on each of its upper sides. */
static float heart(float x, float y)
{
    const float side = 0.5f, diagonal = 0.7071f;
    float lobe, point;

    x = fabsf(x);
    y += 0.1f;
    lobe = distance(x - diagonal * side, y - diagonal * side);
    point = diagonal * (x + fabsf(y));
    return lesser(lobe, point) - side;
}

static float arrow(float x, float y)
{
    float head = greater(0.8f * fabsf(x) + 0.6f * y - 0.54f, 0.02f - y);
    float shaft = greater(fabsf(x) - 0.28f, fabsf(y + 0.4f) - 0.5f);

    return lesser(head, shaft);
}

static float bar(float x, float y)
{
    return greater(fabsf(x) - 1, fabsf(y) - 0.2f);
}

/* [label] */
static float (*const kinds[])(float x, float y) = {
    disc, ring, square, triangle, hourglass,
    star, cross, crescent, heart, arrow,
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct layer {
    float (*outline)(float x, float y); /* NULL: everywhere */
    float x, y;          /* of the centre, pixels */
    float radius;        /* pixels */
    float cosine, sine;  /* of its angle, per pixel of radius */
    float colour[IMAGE_CHANNELS]; /* 0..1 */
    float contrast;      /* that stripes add to and take from the colour */
    float stripes, phase; /* in a radius; at the centre, of a period */
};

/* From 1 to -1 and back over a period of 1. */
static float triangle_wave(float t)
{
    t = fabsf(t);
    return 4 * fabsf(t - (float)(int)t - 0.5f) - 1;
}

/* A row or column of the image, or its end. */
static int in_image(int i)
{
    return i < 0 ? 0 : i > IMAGE_SIDE ? IMAGE_SIDE : i;
}

/* Blends a layer over the image, by the share of each pixel that it covers. */
static void layer_paint(const struct layer *l, float image[IMAGE_ELEMENTS])
{
    float reach = l->outline ? REACH * l->radius + 1 : 2 * IMAGE_SIDE;
    int top = in_image((int)(l->y - reach));
    int left = in_image((int)(l->x - reach));
    int bottom = in_image((int)(l->y + reach) + 1);
    int right = in_image((int)(l->x + reach) + 1);

    for (int py = top; py < bottom; py++)
        for (int px = left; px < right; px++) {
            float dx = (float)px + 0.5f - l->x;
            float dy = l->y - ((float)py + 0.5f); /* up */
            float x = l->cosine * dx + l->sine * dy;
            float y = l->cosine * dy - l->sine * dx;
            float cover = 1, stripe;
            float *pixel = image + (py * IMAGE_SIDE + px) * IMAGE_CHANNELS;

            if (l->outline)
                cover = 0.5f - l->outline(x, y) * l->radius;
            if (cover <= 0)
                continue;
            cover = lesser(cover, 1);
            stripe = l->contrast * triangle_wave(x * l->stripes + l->phase);
            for (int c = 0; c < IMAGE_CHANNELS; c++)
                pixel[c] += cover * (l->colour[c] + stripe - pixel[c]);
        }
}

/* A layer with random place, size, angle, colour and stripes; margin and radius
 * in pixels, tilt in radians to either side. */
static struct layer layer_draw(struct draws *s, float margin, float smallest,
                               float largest, float tilt)
{
    struct layer l = { 0 };
    float angle;

    /* Separate statements: the compiler chooses the order of initialisers. */
    l.x = uniform(s, margin, IMAGE_SIDE - margin);
    l.y = uniform(s, margin, IMAGE_SIDE - margin);
    l.radius = uniform(s, smallest, largest);
    l.contrast = uniform(s, 0, 0.06f);
    l.stripes = uniform(s, 0.5f, 2.5f);
    l.phase = uniform(s, 0, 1);
    angle = uniform(s, -tilt, tilt);
    l.cosine = cosf(angle) / l.radius;
    l.sine = sinf(angle) / l.radius;
    for (int c = 0; c < IMAGE_CHANNELS; c++)
        l.colour[c] = uniform(s, 0, 1);
    return l;
}

static void clutter_paint(struct draws *s, int count,
                          float image[IMAGE_ELEMENTS])
{
    for (int i = 0; i < count; i++) {
        struct layer l = layer_draw(s, 0, 1, 5, PI);

        l.outline = bar;
        layer_paint(&l, image);
    }
}

/* Adds noise of a random strength, and rounds to 8 bits. */
static void develop(struct draws *s, const float from[IMAGE_ELEMENTS],
                    uint8_t to[IMAGE_ELEMENTS])
{
    float strength = uniform(s, 0, 0.08f) / 128;

    for (int i = 0; i < IMAGE_ELEMENTS; i += 4) {
        uint32_t noise = next_word(s);

        for (int j = i; j < i + 4; j++, noise >>= 8) {
            float v = from[j] + strength * ((float)(noise & 255) - 127.5f);

            to[j] = (uint8_t)(255 * greater(0, lesser(v, 1)) + 0.5f);
        }
    }
}

static int shapes_samples(const void *state, enum split split)
{
    (void)state;
    return split == SPLIT_TRAIN ? TRAIN_SAMPLES
           : split == SPLIT_VALID ? VALID_SAMPLES : 0;
}

static int shapes_image(void *state, enum split split, int index,
                        uint8_t image[IMAGE_ELEMENTS])
{
    struct draws s = { .sample = (uint64_t)split << 32 | (uint32_t)index };
    float canvas[IMAGE_ELEMENTS] = { 0 }; /* (32, 32, 3) */
    int label = below(&s, KINDS);
    struct layer background = layer_draw(&s, 0, 8, 16, PI);
    struct layer shape = layer_draw(&s, 11, 9, 13, TILT);

    (void)state;
    /* The shape's colour is about half the range from the background's,
     * wrapping round: any colour is as likely as any other, yet they differ. */
    for (int c = 0; c < IMAGE_CHANNELS; c++) {
        float v = background.colour[c] + uniform(&s, 0.4f, 0.6f);

        shape.colour[c] = v - floorf(v);
    }
    shape.outline = kinds[label];
    layer_paint(&background, canvas);
    clutter_paint(&s, BEHIND, canvas);
    layer_paint(&shape, canvas);
    clutter_paint(&s, IN_FRONT, canvas);
    develop(&s, canvas, image);
    return label;
}

const struct image_source shapes_source = {
    .mean = { 127.5f, 127.5f, 127.5f },
    .std = { 72.2f, 72.2f, 72.2f },
    .samples = shapes_samples,
    .image = shapes_image,
};
