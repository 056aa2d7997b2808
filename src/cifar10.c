/*
 * CIFAR-10's binary files: records of one label byte and 3072 bytes of image,
 * planes R, G, B of 32x32. Five files make the training split, the sixth the
 * validation split. The standard files have 10,000 records each; fewer are
 * accepted, so that a small excerpt works. Every label is checked when the
 * files are opened, so that nothing can fail later.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cifar10.h"

enum { CLASSES = 10, PLANE = IMAGE_SIDE * IMAGE_SIDE,
       RECORD = 1 + IMAGE_ELEMENTS, MAX_RECORDS = 10000,
       TRAIN_FILES = 5, FILES = TRAIN_FILES + 1,
       PATH_SIZE = SETTINGS_TEXT_SIZE + 64 };

static const char *const file_names[FILES] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
    "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
};

/* The files of each split are first..end-1. */
static const struct { int first, end; } split_files[SPLIT_COUNT] = {
    [SPLIT_TRAIN] = { 0, TRAIN_FILES },
    [SPLIT_VALID] = { TRAIN_FILES, FILES },
};

struct cifar10 {
    struct file {
        uint8_t *data;   /* (records, RECORD), mapped; NULL if not yet */
        int records;
    } file[FILES];
};

static bool file_map(struct file *f, const char *path, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool whole;
    void *data;

    if (fd < 0)
        return error_set(e, EXIT_INPUT, "%s: %s; data_path must name the "
                         "folder of data_batch_1.bin to data_batch_5.bin and "
                         "test_batch.bin, or the one above it", path,
                         strerror(errno));
    if (fstat(fd, &st) < 0)
        st.st_size = 0;
    whole = st.st_size >= RECORD && st.st_size % RECORD == 0 &&
            st.st_size / RECORD <= MAX_RECORDS;
    data = whole ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)
                 : NULL;
    close(fd);
    if (!whole)
        return error_set(e, EXIT_INPUT, "%s: %lld bytes is not 1 to %d "
                         "records of %d bytes; unpack or download it again",
                         path, (long long)st.st_size, MAX_RECORDS, RECORD);
    if (data == MAP_FAILED)
        return error_set(e, EXIT_INPUT, "%s: cannot be mapped; copy it to a "
                         "local disk", path);
    *f = (struct file){ data, (int)(st.st_size / RECORD) };
    return true;
}

static bool file_check(const struct file *f, const char *path,
                       struct error *e)
{
    for (int i = 0; i < f->records; i++) {
        int label = f->data[(size_t)i * RECORD];

        if (label >= CLASSES)
            return error_set(e, EXIT_INPUT, "%s: record %d: label %d is not "
                             "one of 0 to %d; this is not a CIFAR-10 binary "
                             "file, or it is damaged: download it again",
                             path, i, label, CLASSES - 1);
    }
    return true;
}

static void cifar10_close(void *state)
{
    struct cifar10 *c = state;

    for (int i = 0; i < FILES; i++)
        if (c->file[i].data)
            munmap(c->file[i].data, (size_t)c->file[i].records * RECORD);
    free(c);
}

static bool cifar10_open(void **state, const char *folder, struct error *e)
{
    struct cifar10 *c;
    char path[PATH_SIZE];
    const char *inner = "/cifar-10-batches-bin/";

    if (!folder[0])
        return error_set(e, EXIT_INPUT, "data_path: not set; name the folder "
                         "of the CIFAR-10 binary files with --set "
                         "data_path=FOLDER, or use --set data=shapes");
    c = xcalloc(1, sizeof(*c));
    snprintf(path, sizeof(path), "%s%s", folder, inner);
    if (access(path, F_OK) < 0)
        inner = "/";
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s%s%s", folder, inner, file_names[i]);
        if (!file_map(&c->file[i], path, e) ||
            !file_check(&c->file[i], path, e)) {
            cifar10_close(c);
            return false;
        }
    }
    *state = c;
    return true;
}

static int cifar10_samples(const void *state, enum split split)
{
    const struct cifar10 *c = state;
    int samples = 0;

    for (int i = split_files[split].first; i < split_files[split].end; i++)
        samples += c->file[i].records;
    return samples;
}

static int cifar10_image(const void *state, enum split split, int index,
                         uint8_t image[IMAGE_ELEMENTS])
{
    const struct cifar10 *c = state;
    const struct file *f = &c->file[split_files[split].first];
    const uint8_t *record;

    for (; index >= f->records; f++)
        index -= f->records;
    record = f->data + (size_t)index * RECORD;
    for (int i = 0; i < PLANE; i++)
        for (int ch = 0; ch < IMAGE_CHANNELS; ch++)
            image[i * IMAGE_CHANNELS + ch] = record[1 + ch * PLANE + i];
    return record[0];
}

const struct image_source cifar10_source = {
    .name = "cifar10",
    .classes = CLASSES,
    .mean = { 125.3f, 123.0f, 113.9f },
    .std = { 63.0f, 62.1f, 66.7f },
    .open = cifar10_open,
    .close = cifar10_close,
    .samples = cifar10_samples,
    .image = cifar10_image,
};
