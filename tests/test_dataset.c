/*
 * Data sets: CIFAR-10's files are read, and other files refused; augmentation
 * is compared with every crop and flip made the slow way; the order of a pass.
 * The files are small ones, written into a folder that each test makes and
 * removes.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/cifar10.h"
#include "data/dataset.h"
#include "data/images.h"
#include "data/shapes.h"
#include "kernels/shuffle.h"
#include "settings/facts.h"

enum { RECORD = 1 + IMAGE_ELEMENTS, FILES = 6, TEST_FILE = 5 };

static const char *const names[FILES] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
    "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
};
static const int records[FILES] = { 3, 1, 2, 4, 5, 2 };

static const double mean[] = { 125.3, 123.0, 113.9 };
static const double std[] = { 63.0, 62.1, 66.7 };

struct folder {
    char top[64], inner[96];
};

static int label_of(int file, int record)
{
    return (file + 3 * record) % 10;
}

/* Differs for all places of an image: 8x + 8y in red and in green. */
static int pixel_of(int file, int record, int y, int x, int channel)
{
    int pixel[] = { 8 * y, 8 * x, 5 * y + 3 * x };

    return (pixel[channel] + 7 * file + 31 * record) % 256;
}

static const char *path_of(const struct folder *f, int file)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", f->inner, names[file]);
    return path;
}

static void file_write(const struct folder *f, int file, int count)
{
    FILE *out = fopen(path_of(f, file), "wb");

    cr_assert(out);
    for (int r = 0; r < count; r++) {
        putc(label_of(file, r), out);
        for (int c = 0; c < IMAGE_CHANNELS; c++)
            for (int i = 0; i < IMAGE_SIDE * IMAGE_SIDE; i++)
                putc(pixel_of(file, r, i / IMAGE_SIDE, i % IMAGE_SIDE, c),
                     out);
    }
    cr_assert_eq(fclose(out), 0);
}

static struct folder folder_make(void)
{
    struct folder f = { .top = "/tmp/memdial-test-XXXXXX" };

    cr_assert(mkdtemp(f.top));
    snprintf(f.inner, sizeof(f.inner), "%s/cifar-10-batches-bin", f.top);
    cr_assert_eq(mkdir(f.inner, 0700), 0);
    for (int i = 0; i < FILES; i++)
        file_write(&f, i, records[i]);
    return f;
}

static void folder_remove(const struct folder *f)
{
    for (int i = 0; i < FILES; i++)
        remove(path_of(f, i));
    cr_expect_eq(rmdir(f->inner), 0);
    cr_expect_eq(rmdir(f->top), 0);
}

static bool cifar10_open(struct images **set, const char *path,
                         struct error *e)
{
    struct settings s = { .data = DATA_CIFAR10 };

    snprintf(s.data_path, sizeof(s.data_path), "%s", path);
    return images_open(set, &cifar10_source, &s, e);
}

/* Images are written in the shape that plans are made for. */
Test(dataset, samples_have_the_shape_that_facts_say)
{
    static const int sets[] = { DATA_SHAPES, DATA_CIFAR10 };

    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        struct settings s = { .data = sets[i] };
        struct image_facts image = facts_of(&s).image;

        cr_expect_eq(image.height, IMAGE_SIDE);
        cr_expect_eq(image.width, IMAGE_SIDE);
        cr_expect_eq(image.channels, IMAGE_CHANNELS);
        cr_expect_eq(image.classes, 10);
    }
}

static double normalised(int value, int channel)
{
    return (value - mean[channel]) / std[channel];
}

static void expect_records(const struct images *set, enum split split,
                           int first, int end)
{
    float image[IMAGE_ELEMENTS];
    int index = 0;

    for (int file = first; file < end; file++)
        for (int r = 0; r < records[file]; r++) {
            int label = images_sample(set, split, index++, NULL, image);
            double worst = 0;

            for (int i = 0; i < IMAGE_ELEMENTS; i++) {
                int y = i / 3 / IMAGE_SIDE, x = i / 3 % IMAGE_SIDE;
                int value = pixel_of(file, r, y, x, i % 3);
                double off = image[i] - normalised(value, i % 3);

                worst = fmax(worst, fabs(off));
            }
            cr_expect_eq(label, label_of(file, r));
            cr_expect(worst < 1e-6, "%s, record %d: off by %g", names[file],
                      r, worst);
        }
    cr_expect_eq(images_samples(set, split), index);
}

Test(cifar10, reads_every_record_from_the_folder_or_the_one_above)
{
    struct folder f = folder_make();
    const char *paths[] = { f.top, f.inner };

    for (int i = 0; i < 2; i++) {
        struct error e = { 0 };
        struct images *set;

        cr_assert(cifar10_open(&set, paths[i], &e), "%s", e.text);
        expect_records(set, SPLIT_TRAIN, 0, TEST_FILE);
        expect_records(set, SPLIT_VALID, TEST_FILE, FILES);
        images_close(set);
    }
    folder_remove(&f);
}

/* Ways to spoil one file. */
static void file_remove(const char *path)
{
    remove(path);
}

static void file_empty(const char *path)
{
    cr_assert_eq(truncate(path, 0), 0);
}

static void file_short(const char *path)
{
    cr_assert_eq(truncate(path, RECORD - 1), 0);
}

static void file_long(const char *path)
{
    cr_assert_eq(truncate(path, 2 * RECORD + 1), 0);
}

static void file_oversized(const char *path)
{
    cr_assert_eq(truncate(path, 10001L * RECORD), 0);
}

static void file_mislabelled(const char *path)
{
    FILE *file = fopen(path, "r+b");

    cr_assert(file);
    fseek(file, RECORD, SEEK_SET);
    putc(10, file);
    fclose(file);
}

static void file_is_folder(const char *path)
{
    remove(path);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static const struct {
    int file;
    void (*spoil)(const char *path);
    const char *says[2];
} spoiled[] = {
    { 0, file_remove, { "no data_batch_1.bin; ", "binary version" } },
    { TEST_FILE, file_remove, { "no test_batch.bin; ", "binary version" } },
    { 1, file_empty, { ": 0 bytes is not 1 to 10000 records of 3073 bytes",
                       "again" } },
    { 2, file_short, { ": 3072 bytes is not", "again" } },
    { 3, file_long, { ": 6147 bytes is not", "again" } },
    { 4, file_oversized, { ": 30733073 bytes is not", "again" } },
    { 4, file_mislabelled, { "record 1: label 10 is not one of 0 to 9",
                             "again" } },
    { TEST_FILE, file_mislabelled, { "record 1: label 10", "again" } },
    { 0, file_is_folder, { "data_batch_1.bin: ", ";" } },
};

static void expect_refused(const char *path, const char *where,
                           const char *const says[2])
{
    struct images *set;
    struct error e = { 0 };

    cr_assert_not(cifar10_open(&set, path, &e), "%s accepted", where);
    cr_expect_eq(e.code, EXIT_INPUT);
    cr_expect_eq(strncmp(e.text, where, strlen(where)), 0, "%s", e.text);
    for (int i = 0; i < 2; i++)
        cr_expect(strstr(e.text, says[i]), "'%s' is not in: %s", says[i],
                  e.text);
    cr_expect_null(strchr(e.text, '\n'));
}

Test(cifar10, refuses_spoiled_files)
{
    for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
        struct folder f = folder_make();
        const char *path = path_of(&f, spoiled[i].file);
        char where[256];
        bool gone;

        spoiled[i].spoil(path);
        gone = access(path, F_OK) != 0;
        snprintf(where, sizeof(where), "data_path: %s",
                 gone ? f.inner : path);
        expect_refused(f.inner, where, spoiled[i].says);
        folder_remove(&f);
    }
}

Test(cifar10, refuses_a_folder_that_is_not_there)
{
    const char *says[] = { "No such file", "; name the folder" };

    expect_refused("/nonexistent", "data_path: /nonexistent: ", says);
}

/* A path as long as it can be leaves room for the reason: here that no file can
 * be opened any more. */
Test(cifar10, long_paths_leave_room_for_the_reason)
{
    const char *says[] = { "Too many open files", "; see that it can be read" };
    struct folder f = folder_make();
    char path[SETTINGS_TEXT_SIZE];
    struct rlimit limit, least;
    int n = snprintf(path, sizeof(path), "%s", f.inner);
    int next = dup(STDIN_FILENO);

    for (; n + 3 < (int)sizeof(path); n += 2)
        strcpy(path + n, "/.");
    cr_assert_geq(next, 0);
    close(next);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    least = (struct rlimit){ (rlim_t)next, limit.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &least), 0);
    expect_refused(path, "data_path: /tmp/", says);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    folder_remove(&f);
}

/* The contents of the folder decide the advice. */
Test(cifar10, says_what_is_missing_and_what_to_do)
{
    static const struct {
        const char *there, *says[2];
    } cases[] = {
        { "something", { "no data_batch_1.bin, data_batch_2.bin, "
          "data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, "
          "test_batch.bin; ", "cifar-10-binary.tar.gz, was unpacked" } },
        { "data_batch_2.bin", { "no data_batch_1.bin, data_batch_3.bin,",
          "data=shapes" } },
        { "cifar-10-binary.tar.gz", { "; unpack cifar-10-binary.tar.gz",
          "there" } },
        { "data_batch_1", { "Python version", "binary version" } },
        { "cifar-10-python.tar.gz", { "Python version", "needed" } },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char top[] = "/tmp/memdial-test-XXXXXX", path[64];
        FILE *file;
        cr_assert(mkdtemp(top));
        snprintf(path, sizeof(path), "%s/%s", top, cases[i].there);
        file = fopen(path, "w");
        cr_assert(file);
        fclose(file);
        expect_refused(top, "data_path: /tmp/memdial-test-", cases[i].says);
        unlink(path);
        rmdir(top);
    }
}

static void change_pixel(const char *path)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    fseek(file, 2 * RECORD - 1, SEEK_SET);
    byte = getc(file);
    fseek(file, 2 * RECORD - 1, SEEK_SET);
    putc(byte ^ 1, file);
    fclose(file);
}

static void change_label(const char *path)
{
    FILE *file = fopen(path, "r+b");

    fseek(file, RECORD, SEEK_SET);
    putc(9, file);
    fclose(file);
}

static void cut_last_byte(const char *path)
{
    cr_assert_eq(truncate(path, 2 * RECORD - 1), 0);
}

static void grow(const char *path)
{
    cr_assert_eq(truncate(path, 100L * RECORD), 0);
}

static void rename_file(const char *path)
{
    char other[160];

    snprintf(other, sizeof(other), "%s.old", path);
    cr_assert_eq(rename(path, other), 0);
    cr_assert_eq(rename(other, path), 0);
}

/* Files that change while they are open: samples can still be read, and a
 * change is noticed. */
Test(cifar10, notices_what_changes)
{
    static const struct {
        const char *how;
        void (*change)(const char *path);
        bool harmless;
    } cases[] = {
        { "emptied", file_empty, false },
        { "cut short", cut_last_byte, false },
        { "a label that is none", file_mislabelled, false },
        { "another label", change_label, false },
        { "one bit", change_pixel, false },
        { "removed", file_remove, true },
        { "longer", grow, true },
        { "renamed", rename_file, true },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder f = folder_make();
        float image[IMAGE_ELEMENTS];
        struct error e = { 0 };
        struct images *set;

        cr_assert(cifar10_open(&set, f.top, &e), "%s", e.text);
        cases[i].change(path_of(&f, 2));
        for (int k = 0; k < images_samples(set, SPLIT_TRAIN); k++) {
            int label = images_sample(set, SPLIT_TRAIN, k, NULL, image);
            cr_expect(label >= 0 && label < 10, "%s: %d", cases[i].how,
                      label);
        }
        cr_expect_eq(images_intact(set, &e), cases[i].harmless, "%s",
                     cases[i].how);
        if (!cases[i].harmless) {
            cr_expect(strstr(e.text, "data_batch_3.bin: record 1: it changed")
                      || strstr(e.text, "record 0: it changed"), "%s",
                      e.text);
            cr_expect_eq(e.code, EXIT_RUN);
        }
        images_close(set);
        folder_remove(&f);
    }
}

/* The cheap look and the thorough one agree on missing files, and "~" is the
 * home of the person who runs it. */
Test(cifar10, can_be_looked_for)
{
    struct folder f = folder_make();
    struct settings s;
    struct error e;

    settings_init(&s);
    cr_expect(dataset_check(&s, &e), "shapes need no files");
    cr_assert(settings_assign(&s, "test", "data=cifar10", NULL));
    cr_expect_not(dataset_check(&s, &e));
    cr_expect(strstr(e.text, "data_path: not set; "), "%s", e.text);
    setenv("HOME", f.top, 1);
    cr_assert(settings_assign(&s, "test", "data_path=~", NULL));
    cr_expect(dataset_check(&s, &e), "%s", e.text);
    cr_assert(settings_assign(&s, "test",
                              "data_path=~/cifar-10-batches-bin/", NULL));
    cr_expect(dataset_check(&s, &e), "%s", e.text);
    file_short(path_of(&f, 2));
    cr_expect_not(dataset_check(&s, &e));
    cr_expect(strstr(e.text, "3072 bytes is not"), "%s", e.text);
    folder_remove(&f);
}

Test(cifar10, accepts_a_full_file)
{
    struct folder f = folder_make();
    struct error e = { 0 };
    struct images *set;

    cr_assert_eq(truncate(path_of(&f, 0), 10000L * RECORD), 0);
    cr_assert(cifar10_open(&set, f.top, &e), "%s", e.text);
    cr_expect_eq(images_samples(set, SPLIT_TRAIN), 10000 + 1 + 2 + 4 + 5);
    images_close(set);
    folder_remove(&f);
}

enum { PAD = 4, PADDED = IMAGE_SIDE + 2 * PAD, CROPS = 81, WAYS = 2 * CROPS };

/* Makes all augmentations of an image: pads it, walking back inwards from each
 * edge, cuts out each window, and mirrors it. */
static void augment_slowly(const float image[IMAGE_ELEMENTS],
                           float ways[WAYS][IMAGE_ELEMENTS])
{
    static float padded[PADDED][PADDED][3];
    int from[PADDED];

    for (int i = 0; i < IMAGE_SIDE; i++)
        from[PAD + i] = i;
    for (int i = 1; i <= PAD; i++) {
        from[PAD - i] = from[PAD + i];
        from[PADDED - 1 - PAD + i] = from[PADDED - 1 - PAD - i];
    }
    for (int y = 0; y < PADDED; y++)
        for (int x = 0; x < PADDED; x++)
            memcpy(padded[y][x], image + (from[y] * IMAGE_SIDE + from[x]) * 3,
                   sizeof(padded[y][x]));
    for (int way = 0; way < WAYS; way++)
        for (int y = 0; y < IMAGE_SIDE; y++)
            for (int x = 0; x < IMAGE_SIDE; x++) {
                int across = way < CROPS ? x : IMAGE_SIDE - 1 - x;
                int top = way % CROPS / 9, left = way % 9;

                memcpy(ways[way] + (y * IMAGE_SIDE + x) * 3,
                       padded[y + top][across + left], sizeof(padded[y][x]));
            }
}

static int matching_way(const float image[IMAGE_ELEMENTS],
                        float ways[WAYS][IMAGE_ELEMENTS])
{
    int found = -1;

    for (int way = 0; way < WAYS; way++)
        if (memcmp(image, ways[way], sizeof(ways[way])) == 0) {
            cr_assert_eq(found, -1, "ways %d and %d look alike", found, way);
            found = way;
        }
    return found;
}

/* The sum of (observed - expected)^2 / expected, all cells equally likely. */
static double chi_squared(const int *count, int cells, int draws)
{
    double expected = (double)draws / cells, sum = 0;

    for (int i = 0; i < cells; i++)
        sum += pow(count[i] - expected, 2) / expected;
    return sum;
}

Test(dataset, augmentation_is_a_uniform_crop_and_flip)
{
    static float ways[WAYS][IMAGE_ELEMENTS];
    enum { DRAWS = 100 * WAYS };
    struct folder f = folder_make();
    float image[IMAGE_ELEMENTS];
    int count[WAYS] = { 0 };
    struct images *set;
    double spread;

    cr_assert(cifar10_open(&set, f.top, NULL));
    images_sample(set, SPLIT_TRAIN, 6, NULL, image);
    augment_slowly(image, ways);
    cr_expect_eq(matching_way(image, ways), 4 * 9 + 4);
    for (int i = 0; i < DRAWS; i++) {
        struct augment_draw draw = { 1904, (uint64_t)i };
        int way;

        images_sample(set, SPLIT_TRAIN, 6, &draw, image);
        way = matching_way(image, ways);
        cr_assert_geq(way, 0, "draw %d is no crop of the padded image", i);
        count[way]++;
    }
    /* 161 degrees of freedom: mean 161, standard deviation 18. */
    spread = chi_squared(count, WAYS, DRAWS);
    cr_expect(spread > 161 - 5 * 18 && spread < 161 + 5 * 18, "%g", spread);
    images_close(set);
    folder_remove(&f);
}

Test(dataset, augmentation_depends_on_seed_and_sample_alone)
{
    struct settings s = { .data = DATA_SHAPES };
    float image[3][IMAGE_ELEMENTS];
    struct images *set;
    int same_seed = 0, same_sample = 0;

    cr_assert(images_open(&set, &shapes_source, &s, NULL));
    for (uint64_t i = 0; i < 200; i++) {
        struct augment_draw a = { 1, i }, b = { 2, i };
        struct augment_draw c = { 1, i + (1ull << 32) };

        images_sample(set, SPLIT_TRAIN, 0, &a, image[0]);
        images_sample(set, SPLIT_TRAIN, 0, &b, image[1]);
        images_sample(set, SPLIT_TRAIN, 0, &c, image[2]);
        same_sample += !memcmp(image[0], image[1], sizeof(image[0]));
        same_seed += !memcmp(image[0], image[2], sizeof(image[0]));
        images_sample(set, SPLIT_TRAIN, 0, &a, image[1]);
        cr_expect_arr_eq(image[0], image[1], sizeof(image[0]));
    }
    cr_expect(same_seed < 10 && same_sample < 10, "%d, %d of 200 are alike",
              same_seed, same_sample);
    images_close(set);
}

Test(dataset, close_accepts_null)
{
    images_close(NULL);
}

Test(shuffle, is_a_permutation)
{
    static const int counts[] = { 1, 2, 3, 4, 5, 16, 17, 100, 5000, 50000 };
    static bool seen[50000];

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        for (uint32_t pass = 0; pass < 3; pass++) {
            memset(seen, 0, sizeof(seen));
            for (int p = 0; p < counts[i]; p++) {
                int to = shuffle_place(1904, pass, counts[i], p);

                cr_assert(to >= 0 && to < counts[i] && !seen[to],
                          "count %d, place %d: %d", counts[i], p, to);
                seen[to] = true;
            }
        }
}

static int alike(uint64_t seed, uint32_t pass)
{
    int same = 0;

    for (int p = 0; p < 5000; p++)
        same += shuffle_place(1, 0, 5000, p) ==
                shuffle_place(seed, pass, 5000, p);
    return same;
}

/* Two random orders agree in one place on average. */
Test(shuffle, differs_by_seed_and_by_pass)
{
    cr_expect_eq(alike(1, 0), 5000);
    cr_expect_lt(alike(2, 0), 10);
    cr_expect_lt(alike(1, 1), 10);
    cr_expect_lt(alike(1 + (1ull << 32), 0), 10);
}

/* 24 orders of four samples: 23 degrees of freedom, mean 23, deviation 7. */
Test(shuffle, reaches_every_order_as_often)
{
    int count[24] = { 0 };
    double spread;

    for (uint32_t pass = 0; pass < 24000; pass++) {
        int to[4], rank = 0;

        for (int p = 0; p < 4; p++)
            to[p] = shuffle_place(7, pass, 4, p);
        for (int p = 0; p < 3; p++) {
            int smaller = 0;

            for (int q = p + 1; q < 4; q++)
                smaller += to[q] < to[p];
            rank = rank * (4 - p) + smaller;
        }
        count[rank]++;
    }
    spread = chi_squared(count, 24, 24000);
    cr_expect(spread < 23 + 5 * 7, "%g", spread);
}

/* Where sample 0 and its neighbours go, in 50 bins over many passes. */
Test(shuffle, spreads_neighbours_evenly)
{
    enum { BINS = 50, PASSES = 5000, COUNT = 5000 };
    int at[BINS] = { 0 }, apart[BINS] = { 0 };

    for (uint32_t pass = 0; pass < PASSES; pass++) {
        int a = shuffle_place(7, pass, COUNT, 0);
        int b = shuffle_place(7, pass, COUNT, 1);

        at[a / (COUNT / BINS)]++;
        apart[(b - a + COUNT) % COUNT / (COUNT / BINS)]++;
    }
    /* 49 degrees of freedom: mean 49, deviation 10. */
    cr_expect_lt(chi_squared(at, BINS, PASSES), 49 + 5 * 10);
    cr_expect_lt(chi_squared(apart, BINS, PASSES), 49 + 5 * 10);
}
