/*
 * CIFAR-10's binary files: records of one label byte and 3072 bytes of image,
 * planes R, G, B of 32x32. Five files make the training split, the sixth the
 * validation split. The standard files have 10,000 records each; fewer are
 * accepted, so that a small excerpt works.
 *
 * All records are read when the files are opened: labels are checked, and a
 * sum of each record is kept. Later a sample is read on demand, which takes a
 * few microseconds and no memory. A mapping would end the process with SIGBUS
 * if somebody cut a file short. Others may write to the files during a run: a
 * record with another sum ends it with an error.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "data/cifar10.h"

enum { PLANE = IMAGE_SIDE * IMAGE_SIDE, RECORD = 1 + IMAGE_ELEMENTS,
       MAX_RECORDS = 10000, TRAIN_FILES = 5, FILES = TRAIN_FILES + 1,
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
    [SPLIT_TEST] = { 0, 0 },
};

struct cifar10 {
    struct file {
        char *path;      /* owned; for messages */
        int fd;          /* -1: not open yet */
        int records;
        uint32_t *sum;   /* owned, [records] */
    } file[FILES];
    /* 1 + file * MAX_RECORDS + record of the first record that changed, and an
     * errno in the upper half; 0: none changed. */
    _Atomic int64_t failure;
};

/* The folder of the files: the named folder, or the one in it that the archive
 * unpacks to. */
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

/* How to get the files, judged by the content of the folder. */
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

/* Names all files that are missing, so that one look is enough. */
static bool check_names(const char *folder, struct error *e)
{
    char missing[128] = "";
    struct stat st;
    bool found = stat(folder, &st) == 0;
    int count = 0;

    if (!found || !S_ISDIR(st.st_mode))
        return error_set(e, EXIT_INPUT, "data_path: %s: %s; name the "
                         "folder of the CIFAR-10 binary files or the one "
                         "above it", folder,
                         found ? "not a folder" : strerror(errno));
    for (int i = 0; i < FILES; i++)
        if (!is_in(folder, file_names[i])) {
            strcat(missing, count++ ? ", " : "");
            strcat(missing, file_names[i]);
        }
    return count == 0 ||
           error_set(e, EXIT_INPUT, "data_path: %s: no %s; %s", folder,
                     missing, find_remedy(folder));
}

static bool check_size(const char *path, off_t bytes, struct error *e)
{
    if (bytes >= RECORD && bytes % RECORD == 0 &&
        bytes / RECORD <= MAX_RECORDS)
        return true;
    return error_set(e, EXIT_INPUT, "data_path: %s: %lld bytes is not 1 "
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
        if (stat(path, &st) < 0)
            return error_set(e, EXIT_INPUT, "data_path: %s: %s", path,
                             strerror(errno));
        if (!check_size(path, st.st_size, e))
            return false;
    }
    return true;
}

/* A changed record keeps its sum with a chance of 1 in 2^32. */
static uint32_t record_sum(const uint8_t record[RECORD])
{
    uint64_t sum = record[RECORD - 1], word;

    for (size_t i = 0; i + sizeof(word) <= RECORD; i += sizeof(word)) {
        memcpy(&word, record + i, sizeof(word));
        sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
        sum ^= sum >> 32;
    }
    return (uint32_t)sum;
}

static bool check_label(const char *path, int record, int label,
                        int classes, struct error *e)
{
    return label < classes ||
           error_set(e, EXIT_INPUT, "data_path: %s: record %d: label %d "
                     "is not one of 0 to %d; this is not a CIFAR-10 binary "
                     "file, or it is damaged: download it again", path,
                     record, label, classes - 1);
}

static bool refuse_file(const char *why, struct error *e)
{
    return error_set(e, EXIT_INPUT, "data_path: %s; see that it can be read",
                     why);
}

static bool read_record(const struct file *f, int record,
                        uint8_t to[RECORD])
{
    return file_read_at(f->fd, to, RECORD, (uint64_t)record * RECORD);
}

/* Reads the whole file once. */
static bool read_labels(struct file *f, int classes, struct error *e)
{
    uint8_t record[RECORD];

    f->sum = xcalloc((unsigned long)f->records, sizeof(*f->sum));
    for (int i = 0; i < f->records; i++) {
        if (!read_record(f, i, record))
            return error_set(e, EXIT_INPUT, "data_path: %s: record %d: "
                             "%s; see that it can be read", f->path, i,
                             errno ? strerror(errno) : "the file ends there");
        if (!check_label(f->path, i, record[0], classes, e))
            return false;
        f->sum[i] = record_sum(record);
    }
    return true;
}

static bool open_file(struct file *f, const char *path, int classes,
                      struct error *e)
{
    struct error why;
    uint64_t bytes;

    f->fd = file_open(path, UINT64_MAX, &bytes, &why);
    if (f->fd < 0)
        return refuse_file(why.text, e);
    f->path = xstrdup(path);
    f->records = (int)(bytes / RECORD);
    return check_size(path, (off_t)bytes, e) && read_labels(f, classes, e);
}

static void cifar10_close(void *state)
{
    struct cifar10 *c = state;

    for (int i = 0; i < FILES; i++) {
        if (c->file[i].fd >= 0)
            close(c->file[i].fd);
        free(c->file[i].path);
        free(c->file[i].sum);
    }
    free(c);
}

static struct cifar10 *cifar10_new(void)
{
    struct cifar10 *c = xcalloc(1, sizeof(*c));

    for (int i = 0; i < FILES; i++)
        c->file[i].fd = -1;
    return c;
}

static bool cifar10_open(void **state, const char *named, int classes,
                         struct error *e)
{
    struct cifar10 *c;
    char folder[PATH_SIZE], path[PATH_SIZE + 32];

    if (!cifar10_check(named, e))
        return false;
    find_folder(folder, named);
    c = cifar10_new();
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, file_names[i]);
        if (!open_file(&c->file[i], path, classes, e)) {
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

/* Notes a failure; the first one is reported. */
static void cifar10_fail(struct cifar10 *c, int file, int record, int code)
{
    int64_t none = 0;
    int64_t failure = ((int64_t)code << 32) +
                      (int64_t)file * MAX_RECORDS + record + 1;

    atomic_compare_exchange_strong(&c->failure, &none, failure);
}

/* A record that changed gives an arbitrary label and image, which nobody
 * uses. */
static int cifar10_image(void *state, enum split split, int index,
                         uint8_t image[IMAGE_ELEMENTS])
{
    struct cifar10 *c = state;
    int file = split_files[split].first;
    uint8_t record[RECORD];

    for (; index >= c->file[file].records; file++)
        index -= c->file[file].records;
    if (!read_record(&c->file[file], index, record))
        cifar10_fail(c, file, index, errno);
    else if (record_sum(record) != c->file[file].sum[index])
        cifar10_fail(c, file, index, 0);
    if (c->failure)
        memset(record, 0, sizeof(record));
    for (int i = 0; i < PLANE; i++)
        for (int ch = 0; ch < IMAGE_CHANNELS; ch++)
            image[i * IMAGE_CHANNELS + ch] = record[1 + ch * PLANE + i];
    return record[0];
}

static bool cifar10_intact(const void *state, struct error *e)
{
    const struct cifar10 *c = state;
    int64_t failure = c->failure, number = (failure & UINT32_MAX) - 1;
    int code = (int)(failure >> 32);

    return !failure ||
           error_set(e, EXIT_RUN, "data_path: %s: record %lld: %s; put "
                     "the file back and start again from the last snapshot",
                     c->file[number / MAX_RECORDS].path,
                     (long long)(number % MAX_RECORDS),
                     code ? strerror(code)
                          : "it changed since the run began");
}

const struct image_source cifar10_source = {
    .mean = { 125.3f, 123.0f, 113.9f },
    .std = { 63.0f, 62.1f, 66.7f },
    .check = cifar10_check,
    .open = cifar10_open,
    .close = cifar10_close,
    .samples = cifar10_samples,
    .image = cifar10_image,
    .intact = cifar10_intact,
};
