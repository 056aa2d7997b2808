/*
 * Snapshots for libFuzzer. An input is not a file, for few bytes of a file are
 * worth changing, but a list of changes to a file that a run has written:
 * mostly to the index of its sparse weights and to the metadata. The checksum
 * is corrected, so that everything else is looked at. A snapshot that loads
 * must have a good index, and one step of training must keep it good.
 */
#define _GNU_SOURCE

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/pool_index.h"
#include "tests/forge.h"
#include "train/snapshot.h"
#include "train/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first has a bitmap, the others delta codes. */
static const char *const settings[][3] = {
    { "sparsity=0.6", "precision=bf16", "sparse_method=set" },
    { "sparsity=0.9", "precision=fp16", "master_weights=fp32" },
    { "sparsity=0.98", "precision=fp32", "sparse_method=static" },
};

enum { RUNS = sizeof(settings) / sizeof(settings[0]) };

/* A run and the snapshot that it wrote. */
struct run_state {
    struct trainer *trainer;
    struct forge good;
    char path[64];           /* of a file in memory */
    int fd;
};

static struct run_state runs[RUNS];

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static void assign(struct settings *s, const char *assignment)
{
    struct error e;

    if (!settings_assign(s, "fuzz", assignment, &e))
        require(false, e.text);
}

static void open_run(struct run_state *r, const char *const more[3])
{
    static const char *const base[] = {
        "depth=10", "width=1", "batch=1", "epochs=3", "epoch_samples=200",
        "valid_samples=1", "threads=1", "backend=cpu"
    };
    char path[] = "/tmp/memdial-fuzz-XXXXXX";
    struct settings s;
    struct error e;

    settings_init(&s);
    for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
        assign(&s, base[i]);
    for (int i = 0; i < 3; i++)
        assign(&s, more[i]);
    require(trainer_new(&r->trainer, &s, &e), "a run can begin");
    r->trainer->step = 299; /* the next one rewires */
    r->trainer->epoch = (struct tally){ .loss = 228.5, .hits = 10,
                                        .terms = 99 };
    close(mkstemp(path));
    if (!snapshot_save(r->trainer, path, &e))
        require(false, e.text);
    forge_open(&r->good, path);
    unlink(path);
    r->fd = memfd_create("snapshot", 0);
    snprintf(r->path, sizeof(r->path), "/proc/self/fd/%d", r->fd);
}

/* Bytes of the input, 0 when there are none left. */
struct input {
    const uint8_t *data;
    size_t left;
};

static uint64_t take(struct input *in, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes && in->left > 0; i++, in->left--)
        value |= (uint64_t)*in->data++ << 8 * i;
    return value;
}

static void change_metadata(struct forge *f, struct input *in)
{
    static const char *const names[] = {
        "step", "epoch_terms", "epoch_loss", "epoch_hits", "version",
        "format", "run", "other"
    };
    const char *name = names[take(in, 1) % 8];
    size_t length = take(in, 1) % 32;
    char text[32];

    for (size_t i = 0; i < length; i++)
        text[i] = (char)(take(in, 1) & 127);
    text[length] = '\0';
    forge_metadata(f, name, length ? text : NULL);
}

/* Changes any bits of the index: codes, low bits or counts. */
static void change_index(struct forge *f, struct input *in)
{
    size_t bytes, at;
    unsigned char *index = forge_tensor(f, "pool.index", &bytes);
    uint64_t value, old;

    at = take(in, 2) % (bytes / 4) * 4;
    if (at + sizeof(value) > bytes)
        at -= 4;
    value = take(in, 8);
    memcpy(&old, index + at, sizeof(old));
    value ^= old;
    memcpy(index + at, &value, sizeof(value));
}

/* Moves a nonzero to another place, and encodes the index correctly. */
static void move_nonzero(const struct pool *p, struct forge *f,
                         struct input *in)
{
    size_t bytes, from = take(in, 3), to = take(in, 3);
    size_t places = p->words * POOL_WORD;
    void *index = forge_tensor(f, "pool.index", &bytes);
    uint64_t *bits = calloc(p->words, sizeof(*bits));

    pool_decode(p, index, bits);
    for (from %= places; !pool_bit(bits, from); from = (from + 1) % places)
        continue;
    for (to %= places; pool_bit(bits, to); to = (to + 1) % places)
        continue;
    bits[from / POOL_WORD] ^= (uint64_t)1 << from % POOL_WORD;
    pool_set_bit(bits, to);
    pool_encode(p, bits, index);
    free(bits);
}

/* Changes some bytes of any tensor. */
static void change_tensor(struct forge *f, struct input *in)
{
    size_t at = take(in, 3) % f->tensor_bytes, n = take(in, 1) % 5;

    for (size_t i = 0; i < n && at + i < f->tensor_bytes; i++)
        f->tensors[at + i] = (uint8_t)take(in, 1);
}

static const char *const tensors[] = {
    "pool.threshold", "head.loss.scale", "head.bn.running", "head.linear.b"
};

/* Changes a number that kernels rely on. */
static void change_number(struct forge *f, struct input *in)
{
    size_t bytes, at = take(in, 1);
    unsigned char *data = forge_tensor(f, tensors[take(in, 1) % 4], &bytes);
    uint32_t value = (uint32_t)take(in, 4);

    if (data)
        memcpy(data + at * 4 % bytes, &value, sizeof(value));
}

/* Makes one change; the index is only decoded while it is good. */
static void change(const struct run_state *r, struct forge *f,
                   struct input *in, bool *good_index)
{
    switch (take(in, 1) % 5) {
    case 0:
        change_metadata(f, in);
        break;
    case 1:
        change_index(f, in);
        *good_index = false;
        break;
    case 2:
        if (*good_index)
            move_nonzero(r->trainer->job->graph->pool, f, in);
        break;
    case 3:
        change_tensor(f, in);
        *good_index = false;
        break;
    case 4:
        change_number(f, in);
        break;
    }
}

/* Changes the file itself to a form that no run writes. */
static void change_file(unsigned char *file, size_t *bytes, struct input *in)
{
    size_t at = take(in, 2) % *bytes;

    switch (take(in, 1) % 8) {
    case 0:
        file[at] = (uint8_t)take(in, 1);
        break;
    case 1:
        *bytes -= at;
        break;
    }
}

static void put_file(const struct run_state *r, struct forge *f,
                     struct input *in)
{
    size_t bytes;
    unsigned char *file = forge_seal(f, &bytes);

    if (in->left > 0) {
        change_file(file, &bytes, in);
        forge_repair(file, bytes);
    }
    if (ftruncate(r->fd, 0) != 0 ||
        pwrite(r->fd, file, bytes, 0) != (ssize_t)bytes)
        abort();
    free(file);
}

static const char *index_fault(const struct trainer *t)
{
    const struct plan *plan = t->job->plan;
    int index = schedule_instance(plan->schedule,
                                  plan->schedule->graph->pool_index);

    return state_fault(plan, index, t->executor->arena +
                                    plan->instances[index].offset);
}

/* A step takes as long as a hundred refused inputs. So one in STEP_SHARE of the
 * inputs that load takes a step; the input alone decides which. */
enum { STEP_SHARE = 32 };

static bool does_step(const uint8_t *data, size_t size)
{
    uint32_t hash = 0x811C9DC5u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 0x01000193u;
    return hash % STEP_SHARE == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct run_state *r = &runs[take(&in, 1) % RUNS];
    struct forge f;
    struct error e = { .text = "" };
    bool good_index = true;

    if (!r->trainer)
        open_run(r, settings[r - runs]);
    f = (struct forge){ json_deep_copy(r->good.header),
                        malloc(r->good.tensor_bytes), r->good.tensor_bytes };
    memcpy(f.tensors, r->good.tensors, f.tensor_bytes);
    for (uint64_t n = take(&in, 1) % 8; n > 0 && in.left > 0; n--)
        change(r, &f, &in, &good_index);
    put_file(r, &f, &in);
    forge_done(&f);
    if (!snapshot_load(r->trainer, r->path, &e)) {
        require(e.text[0] != '\0', "what is refused is refused with a reason");
        return 0;
    }
    require(!index_fault(r->trainer), "what loads has an index");
    if (!does_step(data, size))
        return 0;
    trainer_step(r->trainer);
    require(!index_fault(r->trainer), "and has one after a step");
    return 0;
}
