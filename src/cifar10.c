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
#include "folder.h"

enum { CLASSES = 10, PLANE = IMAGE_SIDE * IMAGE_SIDE,
       RECORD = 1 + IMAGE_ELEMENTS, MAX_RECORDS = 10000,
       TRAIN_FILES = 5, FILES = TRAIN_FILES + 1,
       PATH_SIZE = 1024 };

#define ARCHIVE "cifar-10-binary.tar.gz"
#define PAGE "www.cs.toronto.edu/~kriz/cifar.html"

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

/* The folder of the files: the one that is named, or the one in it that the
 * archive unpacks to. */
static void find_folder(char path[PATH_SIZE], const char *named)
{
    static const char inner[] = "/cifar-10-batches-bin";
    size_t length;

    folder_expand(path, PATH_SIZE - sizeof(inner), named);
    length = strlen(path);
    strcpy(path + length, inner);
    if (access(path, F_OK) < 0)
        path[length] = '\0';
}

static bool is_in(const char *folder, const char *name)
{
    char path[PATH_SIZE + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* What is there in place of the files, and what to do about it. */
static const char *find_remedy(const char *folder)
{
    if (is_in(folder, ARCHIVE))
        return "unpack " ARCHIVE " there, with tar xzf";
    if (is_in(folder, "cifar-10-python.tar.gz") ||
        is_in(folder, "cifar-10-batches-py") || is_in(folder, "data_batch_1"))
        return "what is there is the Python version; the binary version is "
               "needed, " ARCHIVE;
    return "name the folder that the binary version, " ARCHIVE ", was "
           "unpacked to, or use data=shapes";
}

/* Names all files that are not there, so that one look is enough. */
static bool check_names(const char *folder, struct error *e)
{
    char missing[128] = "";
    struct stat st;
    int count = 0;

    if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))
        return error_set(e, EXIT_INPUT, "data_path: %.200s: %s; name the "
                         "folder of the CIFAR-10 binary files or the one "
                         "above it", folder,
                         stat(folder, &st) < 0 ? strerror(errno)
                                               : "not a folder");
    for (int i = 0; i < FILES; i++)
        if (!is_in(folder, file_names[i])) {
            strcat(missing, count++ ? ", " : "");
            strcat(missing, file_names[i]);
        }
    return count == 0 ||
           error_set(e, EXIT_INPUT, "data_path: %.160s: no %s; %s", folder,
                     missing, find_remedy(folder));
}

static bool check_size(const char *path, off_t bytes, struct error *e)
{
    if (bytes >= RECORD && bytes % RECORD == 0 &&
        bytes / RECORD <= MAX_RECORDS)
        return true;
    return error_set(e, EXIT_INPUT, "data_path: %.300s: %lld bytes is not 1 "
                     "to %d records of %d bytes; unpack or download it again",
                     path, (long long)bytes, MAX_RECORDS, RECORD);
}

static bool check_set(const char *folder, struct error *e)
{
    return folder[0] ||
           error_set(e, EXIT_INPUT, "data_path: not set; name the folder of "
                     "the CIFAR-10 binary version (" ARCHIVE " of "
                     PAGE ", unpacked) with --set data_path=FOLDER, "
                     "or use --set data=shapes");
}

static bool cifar10_check(const char *named, struct error *e)
{
    char folder[PATH_SIZE], path[PATH_SIZE + 32];
    struct stat st;

    if (!check_set(named, e))
        return false;
    find_folder(folder, named);
    if (!check_names(folder, e))
        return false;
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, file_names[i]);
        if (stat(path, &st) < 0 || !check_size(path, st.st_size, e))
            return false;
    }
    return true;
}

static bool file_map(struct file *f, const char *path, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool whole;
    void *data;

    if (fd < 0)
        return error_set(e, EXIT_INPUT, "data_path: %.300s: %s; see that it "
                         "can be read", path, strerror(errno));
    if (fstat(fd, &st) < 0)
        st.st_size = 0;
    whole = check_size(path, st.st_size, e);
    data = whole ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)
                 : NULL;
    close(fd);
    if (!whole)
        return false;
    if (data == MAP_FAILED)
        return error_set(e, EXIT_INPUT, "data_path: %.300s: cannot be mapped; "
                         "copy it to a local disk", path);
    *f = (struct file){ data, (int)(st.st_size / RECORD) };
    return true;
}

static bool file_check(const struct file *f, const char *path,
                       struct error *e)
{
    for (int i = 0; i < f->records; i++) {
        int label = f->data[(size_t)i * RECORD];

        if (label >= CLASSES)
            return error_set(e, EXIT_INPUT, "data_path: %.300s: record %d: "
                             "label %d is not one of 0 to %d; this is not a "
                             "CIFAR-10 binary file, or it is damaged: "
                             "download it again", path, i, label, CLASSES - 1);
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

static bool cifar10_open(void **state, const char *named, struct error *e)
{
    struct cifar10 *c;
    char folder[PATH_SIZE], path[PATH_SIZE + 32];

    if (!cifar10_check(named, e))
        return false;
    find_folder(folder, named);
    c = xcalloc(1, sizeof(*c));
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, file_names[i]);
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
    .where = "the \"CIFAR-10 binary version (suitable for C programs)\" on "
             PAGE ": the archive " ARCHIVE ", from which tar xzf unpacks a "
             "folder cifar-10-batches-bin with data_batch_1.bin to "
             "data_batch_5.bin and test_batch.bin",
    .mean = { 125.3f, 123.0f, 113.9f },
    .std = { 63.0f, 62.1f, 66.7f },
    .check = cifar10_check,
    .open = cifar10_open,
    .close = cifar10_close,
    .samples = cifar10_samples,
    .image = cifar10_image,
};
