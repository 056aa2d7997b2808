/*
 * The embedded set is a real task: a classifier that sees no shapes, only
 * single pixels, colours or places, gets far less than half of it right. The
 * test of the trainer shows that a convolutional network learns it.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/images.h"
#include "data/shapes.h"
#include "settings/facts.h"

enum { CLASSES = 10, PIXELS = IMAGE_SIDE * IMAGE_SIDE, BINS = 8 };

static struct images *shapes_open(void)
{
    struct settings s = { .data = DATA_SHAPES };
    struct error e = { 0 };
    struct images *set;

    cr_assert(images_open(&set, &shapes_source, &s, &e), "%s", e.text);
    return set;
}

Test(shapes, has_ten_balanced_classes)
{
    struct settings s = { .data = DATA_SHAPES };
    struct images *set = shapes_open();
    float image[IMAGE_ELEMENTS];

    cr_assert_eq(facts_of(&s).image.classes, CLASSES);
    cr_expect_eq(images_samples(set, SPLIT_TEST), 0);
    for (enum split split = 0; split < SPLIT_TEST; split++) {
        int samples = images_samples(set, split), count[CLASSES] = { 0 };

        cr_expect_eq(samples, split == SPLIT_TRAIN ? 20000 : 2000);
        for (int i = 0; i < samples; i++) {
            int label = images_sample(set, split, i, NULL, image);

            cr_assert(label >= 0 && label < CLASSES);
            count[label]++;
        }
        /* Five standard deviations of a binomial with p = 0.1. */
        for (int c = 0; c < CLASSES; c++)
            cr_expect_lt(fabs(count[c] - samples * 0.1),
                         5 * sqrt(samples * 0.09), "class %d: %d", c,
                         count[c]);
    }
    images_close(set);
}

Test(shapes, is_normalised)
{
    struct images *set = shapes_open();
    double sum[3] = { 0 }, squares[3] = { 0 }, n = 5000.0 * PIXELS;
    float image[IMAGE_ELEMENTS];

    for (int i = 0; i < 5000; i++) {
        images_sample(set, SPLIT_TRAIN, i, NULL, image);
        for (int j = 0; j < IMAGE_ELEMENTS; j++) {
            sum[j % 3] += image[j];
            squares[j % 3] += image[j] * image[j];
        }
    }
    for (int c = 0; c < 3; c++) {
        cr_expect_float_eq(sum[c] / n, 0, 0.03, "%g", sum[c] / n);
        cr_expect_float_eq(squares[c] / n, 1, 0.03, "%g", squares[c] / n);
    }
    images_close(set);
}

static uint64_t digest(const float image[IMAGE_ELEMENTS])
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, a word at a time */

    for (int i = 0; i < IMAGE_ELEMENTS; i++) {
        uint32_t word;

        memcpy(&word, image + i, sizeof(word));
        hash = (hash ^ word) * 0x100000001b3;
    }
    return hash;
}

Test(shapes, never_repeats_and_is_always_the_same)
{
    enum { EACH = 1000 };
    static uint64_t seen[SPLIT_TEST * EACH];
    struct images *set = shapes_open(), *again = shapes_open();
    float image[IMAGE_ELEMENTS];

    for (int i = 0; i < SPLIT_TEST * EACH; i++) {
        enum split split = i / EACH;

        images_sample(set, split, i % EACH, NULL, image);
        seen[i] = digest(image);
        for (int j = 0; j < i; j++)
            cr_assert_neq(seen[j], seen[i]);
    }
    images_close(set);
    for (int i = SPLIT_TEST * EACH; i-- > 0;) {
        enum split split = i / EACH;

        images_sample(again, split, i % EACH, NULL, image);
        cr_assert_eq(seen[i], digest(image));
    }
    images_close(again);
}

/* The features of an image that a classifier sees: `count` numbers of order 1.
 */
struct features {
    const char *name;
    int count;
    void (*extract)(const float image[IMAGE_ELEMENTS], int label,
                    float *feature);
};

static void pixels(const float image[IMAGE_ELEMENTS], int label,
                   float *feature)
{
    (void)label;
    memcpy(feature, image, IMAGE_ELEMENTS * sizeof(*image));
}

/* Mean and deviation of each channel, and its histogram. */
static void colours(const float image[IMAGE_ELEMENTS], int label,
                    float *feature)
{
    (void)label;
    memset(feature, 0, 3 * (2 + BINS) * sizeof(*feature));
    for (int c = 0; c < 3; c++, feature += 2 + BINS) {
        for (int i = 0; i < PIXELS; i++) {
            float v = image[3 * i + c];
            int bin = (int)((v + 1.75f) / 3.5f * BINS);

            feature[0] += v / PIXELS;
            feature[1] += v * v / PIXELS;
            feature[2 + (bin < 0 ? 0 : bin < BINS ? bin : BINS - 1)] +=
                (float)BINS / PIXELS;
        }
        feature[1] = sqrtf(feature[1] - feature[0] * feature[0]);
    }
}

/* The difference of each row and each column from the mean colour: the place
 * and size of the shape, and the spread of its weight. */
static void places(const float image[IMAGE_ELEMENTS], int label,
                   float *feature)
{
    float mean[3] = { 0 };

    (void)label;
    memset(feature, 0, 2 * IMAGE_SIDE * sizeof(*feature));
    for (int i = 0; i < IMAGE_ELEMENTS; i++)
        mean[i % 3] += image[i] / PIXELS;
    for (int i = 0; i < IMAGE_ELEMENTS; i++) {
        float off = fabsf(image[i] - mean[i % 3]) / IMAGE_SIDE;

        feature[i / 3 / IMAGE_SIDE] += off;
        feature[IMAGE_SIDE + i / 3 % IMAGE_SIDE] += off;
    }
}

/* The pixels, with the label painted into a corner. */
static void told(const float image[IMAGE_ELEMENTS], int label, float *feature)
{
    pixels(image, label, feature);
    for (int c = 0; c < CLASSES; c++)
        feature[3 * c] = c == label ? 5 : -5;
}

/* Multinomial logistic regression, by stochastic gradient descent. */
struct linear {
    float w[IMAGE_ELEMENTS + 1][CLASSES]; /* the bias last */
    float p[CLASSES];    /* of the last sample: the softmax */
};

/* Returns the most likely class. */
static int linear_predict(struct linear *l, const float *feature, int count)
{
    float sum = 0;
    int best = 0;

    memcpy(l->p, l->w[count], sizeof(l->p));
    for (int i = 0; i < count; i++)
        for (int c = 0; c < CLASSES; c++)
            l->p[c] += feature[i] * l->w[i][c];
    for (int c = 1; c < CLASSES; c++)
        if (l->p[c] > l->p[best])
            best = c;
    for (int c = CLASSES, top = best; c-- > 0;)
        if (c != top)
            l->p[c] = expf(l->p[c] - l->p[top]);
    l->p[best] = 1;
    for (int c = 0; c < CLASSES; c++)
        sum += l->p[c];
    for (int c = 0; c < CLASSES; c++)
        l->p[c] /= sum;
    return best;
}

static void linear_learn(struct linear *l, const float *feature, int count,
                         int label, float rate)
{
    float step[CLASSES];

    for (int c = 0; c < CLASSES; c++)
        step[c] = rate * ((c == label) - l->p[c]);
    for (int i = 0; i < count; i++)
        for (int c = 0; c < CLASSES; c++)
            l->w[i][c] += feature[i] * step[c];
    for (int c = 0; c < CLASSES; c++)
        l->w[count][c] += step[c];
}

/* Validation accuracy after a few passes over part of the training split. */
static double linear_accuracy(const struct features *f)
{
    enum { EPOCHS = 3, SAMPLES = 6000 };
    static struct linear l;
    static float feature[IMAGE_ELEMENTS];
    struct images *set = shapes_open();
    float image[IMAGE_ELEMENTS];
    int samples = images_samples(set, SPLIT_VALID), correct = 0;

    memset(&l, 0, sizeof(l));
    for (int i = 0; i < EPOCHS * SAMPLES; i++) {
        float left = 1 - (float)i / (EPOCHS * SAMPLES);
        int label = images_sample(set, SPLIT_TRAIN, i % SAMPLES, NULL, image);

        f->extract(image, label, feature);
        linear_predict(&l, feature, f->count);
        linear_learn(&l, feature, f->count, label,
                     0.5f * left / (float)f->count);
    }
    for (int i = 0; i < samples; i++) {
        int label = images_sample(set, SPLIT_VALID, i, NULL, image);

        f->extract(image, label, feature);
        correct += linear_predict(&l, feature, f->count) == label;
    }
    images_close(set);
    return (double)correct / samples;
}

static void expect_not_enough(const struct features *f)
{
    double accuracy = linear_accuracy(f);

    cr_log_info("%s: %.4f\n", f->name, accuracy);
    /* Chance less three standard deviations: below it the classifier is at
     * fault, and not the set hard. */
    cr_expect(accuracy > 0.08 && accuracy < 0.5, "by %s: %.4f", f->name,
              accuracy);
}

Test(shapes, pixels_one_by_one_are_not_enough)
{
    expect_not_enough(&(struct features){ "pixels", IMAGE_ELEMENTS, pixels });
}

Test(shapes, colours_are_not_enough)
{
    expect_not_enough(&(struct features){ "colours", 3 * (2 + BINS),
                                          colours });
}

Test(shapes, places_are_not_enough)
{
    expect_not_enough(&(struct features){ "places", 2 * IMAGE_SIDE, places });
}

Test(shapes, the_classifier_learns_what_is_linear)
{
    double accuracy =
        linear_accuracy(&(struct features){ "told", IMAGE_ELEMENTS, told });

    cr_expect_gt(accuracy, 0.9, "%.4f", accuracy);
}
