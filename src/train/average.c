#include "train/average.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kernels/pool_index.h"

enum { AVERAGE_HEADER_MOST = 1 << 24 /* bytes */ };

bool average_is_due(const struct trainer *t)
{
    const struct settings *s = &t->job->settings;
    int64_t epoch = t->step / t->steps_per_epoch;

    return t->step > 0 && trainer_ends_epoch(t) &&
           epoch > s->epochs - s->average && t->average.step < t->step;
}

/* Whether all epochs of the snapshot's average are among the last, and none is
 * missing since. */
static bool still_counts(const struct trainer *t)
{
    const struct settings *s = &t->job->settings;
    const struct average_state *a = &t->average;
    int64_t last = a->step / t->steps_per_epoch;

    return a->epochs > 0 && last - a->epochs >= s->epochs - s->average &&
           last == (t->step - average_is_due(t)) / t->steps_per_epoch;
}

struct average_state average_next(const struct trainer *t)
{
    struct average_state next = { .fd = -1 };

    if (still_counts(t)) {
        next.epochs = t->average.epochs;
        next.step = t->average.step;
    }
    if (average_is_due(t)) {
        next.epochs++;
        next.step = t->step;
    }
    return next;
}

bool average_hold(struct average_state *a, int fd, struct error *e)
{
    a->fd = a->epochs > 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    return a->epochs == 0 || a->fd >= 0 ||
           error_set(e, EXIT_RUN, "the snapshot of the average cannot be held "
                     "open: %s", strerror(errno));
}

void average_keep(struct trainer *t, struct average_state now)
{
    average_forget(&t->average);
    t->average = now;
}

bool average_is_of(const struct plan *plan, int instance)
{
    return schedule_value(plan->schedule, instance)->kind == KIND_WEIGHTS;
}

void average_name(const struct graph *g, int value, char name[GRAPH_NAME_SIZE])
{
    size_t used;

    graph_value_name(g, value, name, GRAPH_NAME_SIZE);
    used = strlen(name);
    snprintf(name + used, GRAPH_NAME_SIZE - used, ".average");
}

struct value average_value(const struct plan *plan, int instance)
{
    struct value v = *schedule_value(plan->schedule, instance);

    v.dtype = DTYPE_F32;
    return v;
}

size_t average_bytes(const struct plan *plan, int instance)
{
    enum dtype dtype = schedule_value(plan->schedule, instance)->dtype;

    return plan->instances[instance].bytes / dtype_size(dtype) *
           sizeof(float);
}

/* Reads the data of a tensor of `bytes` bytes, which is there in that size. */
static bool read_named(const struct average_source *a, const char *name,
                       void *to, size_t bytes, struct error *e)
{
    json_int_t begin, end;

    return (json_unpack(json_object_get(a->file.header, name), "{s[II]}",
                        "data_offsets", &begin, &end) == 0 &&
            begin >= 0 && (size_t)(end - begin) == bytes &&
            file_read_at(a->fd, to, bytes,
                         a->file.tensors + (uint64_t)begin)) ||
           safetensors_refuse(&a->file, e, "no average of these weights can "
                              "be read; after the next epoch it begins anew");
}

static bool read_index(struct average_source *a, const struct graph *g,
                       struct error *e)
{
    char name[GRAPH_NAME_SIZE];

    if (!g->pool)
        return true;
    a->index = xcalloc(1, pool_index_bytes(g->pool));
    graph_value_name(g, g->pool_index, name, sizeof(name));
    return read_named(a, name, a->index, pool_index_bytes(g->pool), e);
}

/* Reads the header of the snapshot, and the pool's index in it. */
static bool read_source(struct average_source *a, const struct trainer *t,
                      struct error *e)
{
    static const char name[] = "the run's last snapshot";
    struct stat file;

    if (fstat(a->fd, &file) != 0)
        return error_set(e, EXIT_RUN, "%s: %s", name, strerror(errno));
    return safetensors_open(&a->file, name, a->fd, (uint64_t)file.st_size,
                            AVERAGE_HEADER_MOST, e) &&
           read_index(a, t->job->graph, e);
}

bool average_open(struct average_source *a, const struct trainer *t,
                  struct error *e)
{
    bool counts = average_is_due(t);

    *a = (struct average_source){ .fd = -1, .counts = counts,
                                  .epochs = average_next(t).epochs - counts };
    if (a->epochs == 0)
        return true;
    a->fd = t->average.fd;
    if (read_source(a, t, e))
        return true;
    average_close(a);
    return false;
}

void average_close(struct average_source *a)
{
    if (a->fd >= 0)
        safetensors_done(&a->file);
    free(a->index);
}

/* The nonzeros of the places of `to`, from those of the places of `from`; 0
 * where it has none. */
static void move_places(const struct pool *p, const void *from, const void *to,
                        const float *before, float *after)
{
    struct pool_index x = pool_index_of(p, from), y = pool_index_of(p, to);

    for (size_t w = 0; w < p->words; w++) {
        uint64_t old = pool_word(&x, w), now = pool_word(&y, w);
        for (int bit = 0; bit < POOL_WORD; bit++) {
            bool had = old >> bit & 1;
            if (now >> bit & 1)
                *after++ = had ? *before : 0;
            before += had;
        }
    }
}

/* Puts the averages of a pool in the order of the index of now. */
static void follow_index(const struct average_source *a,
                         const struct trainer *t, float *mean, size_t elements)
{
    const struct graph *g = t->job->graph;
    float *moved = xcalloc(elements, sizeof(*moved));
    void *index = xcalloc(1, pool_index_bytes(g->pool));

    executor_read(t->executor,
                  schedule_instance(t->job->schedule, g->pool_index), index);
    move_places(g->pool, a->index, index, mean, moved);
    memcpy(mean, moved, elements * sizeof(*moved));
    free(moved);
    free(index);
}

bool average_fold(struct average_source *a, const struct trainer *t,
                  int instance, float *floats, struct error *e)
{
    const struct graph *g = t->job->graph;
    size_t bytes = average_bytes(t->job->plan, instance);
    size_t elements = bytes / sizeof(float);
    int value = t->job->schedule->instances[instance];
    float *mean;
    char name[GRAPH_NAME_SIZE];
    bool ok;

    if (a->epochs == 0)
        return true;
    mean = xcalloc(elements, sizeof(*mean));
    average_name(g, value, name);
    ok = read_named(a, name, mean, bytes, e);
    if (ok && g->pool && value == g->pool_values)
        follow_index(a, t, mean, elements);
    for (size_t i = 0; ok && i < elements; i++)
        floats[i] = a->counts
                        ? mean[i] + (floats[i] - mean[i]) /
                                        (float)(a->epochs + 1)
                        : mean[i];
    free(mean);
    return ok;
}
