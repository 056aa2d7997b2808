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

/* Far inside, whatever the radius. */
static float everywhere(float x, float y)
{
    (void)x;
    (void)y;
    return -IMAGE_SIDE;
}

/* The outline at the points of a row. */
typedef void outline_row(const float x[IMAGE_SIDE], const float y[IMAGE_SIDE],
                         float out[IMAGE_SIDE]);

#define OUTLINE_ROW(outline)                                                   \
    static void outline##_row(const float x[IMAGE_SIDE],                       \
                              const float y[IMAGE_SIDE],                       \
                              float out[IMAGE_SIDE])                           \
    {                                                                          \
        _Pragma("omp simd")                                                    \
        for (int i = 0; i < IMAGE_SIDE; i++)                                   \
            out[i] = outline(x[i], y[i]);                                      \
    }

OUTLINE_ROW(everywhere)
OUTLINE_ROW(bar)
OUTLINE_ROW(disc)
OUTLINE_ROW(ring)
OUTLINE_ROW(square)
OUTLINE_ROW(triangle)
OUTLINE_ROW(hourglass)
OUTLINE_ROW(star)
OUTLINE_ROW(cross)
OUTLINE_ROW(crescent)
OUTLINE_ROW(heart)
OUTLINE_ROW(arrow)

/* [label] */
static outline_row *const kinds[] = {
    disc_row, ring_row, square_row, triangle_row, hourglass_row,
    star_row, cross_row, crescent_row, heart_row, arrow_row,
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct layer {
    outline_row *outline;
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

/* A row of the image, or its end. */
static int in_image(int i)
{
    return i < 0 ? 0 : i > IMAGE_SIDE ? IMAGE_SIDE : i;
}

/* A picture before it has noise and 8 bits: (3, 32, 32), so that a row of a
 * colour is next to itself. */
typedef float canvas[IMAGE_CHANNELS][IMAGE_SIDE][IMAGE_SIDE];

/* Blends a row of a layer over the picture, by the share of each pixel that the
 * layer covers. */
static void row_paint(const struct layer *l, int py, canvas picture)
{
    float x[IMAGE_SIDE], y[IMAGE_SIDE], cover[IMAGE_SIDE], stripe[IMAGE_SIDE];
    float dy = l->y - ((float)py + 0.5f); /* up */

#pragma omp simd
    for (int i = 0; i < IMAGE_SIDE; i++) {
        float dx = (float)i + 0.5f - l->x;
        x[i] = l->cosine * dx + l->sine * dy;
        y[i] = l->cosine * dy - l->sine * dx;
    }
    l->outline(x, y, cover);
#pragma omp simd
    for (int i = 0; i < IMAGE_SIDE; i++) {
        cover[i] = greater(0, lesser(0.5f - cover[i] * l->radius, 1));
        stripe[i] = l->contrast * triangle_wave(x[i] * l->stripes + l->phase);
    }
    for (int c = 0; c < IMAGE_CHANNELS; c++) {
        float *row = picture[c][py];
#pragma omp simd
        for (int i = 0; i < IMAGE_SIDE; i++)
            row[i] += cover[i] * (l->colour[c] + stripe[i] - row[i]);
    }
}

static void layer_paint(const struct layer *l, canvas picture)
{
    float reach = l->outline == everywhere_row ? 2 * IMAGE_SIDE
                                               : REACH * l->radius + 1;
    int bottom = in_image((int)(l->y + reach) + 1);

    for (int py = in_image((int)(l->y - reach)); py < bottom; py++)
        row_paint(l, py, picture);
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

static void clutter_paint(struct draws *s, int count, canvas picture)
{
    for (int i = 0; i < count; i++) {
        struct layer l = layer_draw(s, 0, 1, 5, PI);

        l.outline = bar_row;
        layer_paint(&l, picture);
    }
}

/* The next words, as bytes. */
static void noise_draw(struct draws *s, uint8_t bytes[IMAGE_ELEMENTS])
{
    enum { WORDS = IMAGE_ELEMENTS / 4, BLOCKS = WORDS / 4 + 1 };
    struct philox block[BLOCKS];
    const uint32_t *word = block[0].x + s->used % 4;

    for (uint32_t i = 0; i < BLOCKS; i++)
        block[i] = philox(SEED, s->sample, PHILOX_DRAW, s->used / 4 + i);
#pragma omp simd
    for (int i = 0; i < IMAGE_ELEMENTS; i++)
        bytes[i] = (uint8_t)(word[i / 4] >> 8 * (i % 4));
    s->used += WORDS;
    s->block = block[BLOCKS - 1];
}

/* Adds noise of a random strength, and rounds to 8 bits. */
static void develop(struct draws *s, canvas picture,
                    uint8_t image[IMAGE_ELEMENTS])
{
    float strength = uniform(s, 0, 0.08f) / 128;
    float flat[IMAGE_ELEMENTS];
    uint8_t noise[IMAGE_ELEMENTS];

    noise_draw(s, noise);
    for (int c = 0; c < IMAGE_CHANNELS; c++)
#pragma omp simd
        for (int i = 0; i < IMAGE_SIDE * IMAGE_SIDE; i++)
            flat[i * IMAGE_CHANNELS + c] =
                picture[c][i / IMAGE_SIDE][i % IMAGE_SIDE];
#pragma omp simd
    for (int i = 0; i < IMAGE_ELEMENTS; i++) {
        float v = flat[i] + strength * ((float)noise[i] - 127.5f);
        flat[i] = greater(0, lesser(v, 1));
    }
#pragma omp simd
    for (int i = 0; i < IMAGE_ELEMENTS; i++)
        image[i] = (uint8_t)(int)(255 * flat[i] + 0.5f);
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
    canvas picture = { 0 };
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
    background.outline = everywhere_row;
    shape.outline = kinds[label];
    layer_paint(&background, picture);
    clutter_paint(&s, BEHIND, picture);
    layer_paint(&shape, picture);
    clutter_paint(&s, IN_FRONT, picture);
    develop(&s, picture, image);
    return label;
}

const struct image_source shapes_source = {
    .mean = { 127.5f, 127.5f, 127.5f },
    .std = { 72.2f, 72.2f, 72.2f },
    .samples = shapes_samples,
    .image = shapes_image,
};
