/*
 * load: a part of the batch, from its loader.
 *   out streams, of rows that belong to one sample after the other
 *
 * The loader gives floats. A stream that is stored in 16 bits has one row for
 * each sample, and crosses to the device in 16 bits.
 */
#include "kernels/cuda/load.h"

/* Bytes for a sample in floats; 0 if it is stored in floats. */
static size_t room_bytes(const struct operand *o)
{
    return dtype_is_narrow(o->dtype)
               ? round_up(operand_sample_elements(o) * sizeof(float),
                          HOST_ALIGNMENT)
               : 0;
}

/* Stores sample number `sample` of a stream, n elements. */
static void store_sample(const struct operand *o, int sample, size_t n,
                         const float *from)
{
    uint16_t *to = static_cast<uint16_t *>(o->data) + (size_t)sample * n;

    if (o->dtype == DTYPE_BF16)
        for (size_t k = 0; k < n; k++)
            to[k] = bf16_store(from[k]);
    else
        for (size_t k = 0; k < n; k++)
            to[k] = f16_store(from[k]);
}

/* Makes one sample, in a thread's own room where it is stored in 16 bits. */
static void fill_sample(const struct load *l, const struct loader *loader,
                        const struct part *of, int thread, int sample)
{
    struct stream streams[LOAD_STREAMS] = {};

    for (int k = 0; k < LOAD_STREAMS; k++) {
        const struct operand *o = &l->stream[k];

        if (l->room[k])
            streams[k] = { l->room[k] + (size_t)thread * room_bytes(o),
                           sample };
        else
            streams[k].data = o->data;
    }
    loader->fill(loader->arg, of, sample, sample + 1, streams);
    for (int k = 0; k < LOAD_STREAMS; k++)
        if (l->room[k])
            store_sample(&l->stream[k], sample,
                         operand_sample_elements(&l->stream[k]),
                         static_cast<float *>(streams[k].data));
}

/* The loader's part `of` is this load. Threads have equal shares of it. */
static void fill(struct crew *crew, const struct load *l,
                 const struct loader *loader, const struct part *of)
{
    int64_t samples = of->count.of[EXTENT_SAMPLES], threads = l->threads;

    crew_run(crew, l->threads, [&](int t) {
        int end = (int)(samples * (t + 1) / threads);

        for (int i = (int)(samples * t / threads); i < end; i++)
            fill_sample(l, loader, of, t, i);
    });
}

void load_list_fill(struct crew *crew, const struct load_list *list,
                    const struct loader *loader, const struct extents *ahead)
{
    for (int i = 0; i < list->count; i++) {
        struct part part = list->loads[i].part;

        part.first = extents_sum(&part.first, ahead);
        fill(crew, &list->loads[i], loader, &part);
    }
}

static void free_load(struct queue *q, struct load *l)
{
    queue_check(q, cudaFreeHost(l->memory));
    if (l->copied)
        queue_check(q, cudaEventDestroy(l->copied));
    *l = {};
}

void load_list_free(struct queue *q, struct load_list *list)
{
    for (int i = 0; i < list->count; i++)
        free_load(q, &list->loads[i]);
    list->count = list->turn = 0;
}

/* Divides the memory of a load among streams like those of a call; returns the
 * bytes that it takes. */
static size_t lay_out(struct load *l, const struct call *c)
{
    char *memory = static_cast<char *>(l->memory);
    size_t at = 0;

    l->threads = c->threads;
    l->part = *c->part;
    for (int i = 0; i < LOAD_STREAMS; i++) {
        struct operand *o = &l->stream[i];

        *o = c->operand[i];
        o->data = memory + at;
        at += round_up(operand_bytes(o), HOST_ALIGNMENT);
        l->room[i] = dtype_is_narrow(o->dtype) ? memory + at : NULL;
        at += (size_t)c->threads * room_bytes(o);
    }
    return at;
}

/* A load like that of the call, with enough memory; false: there is none. What
 * was too small grows to twice its size at least: to allocate pinned memory
 * stops the device. */
static bool reserve(struct queue *q, struct load *l, const struct call *c)
{
    size_t bytes = lay_out(l, c);

    if (l->bytes < bytes) {
        bytes = bytes < 2 * l->bytes ? 2 * l->bytes : bytes;
        free_load(q, l);
        queue_check(q, cudaHostAlloc(&l->memory, bytes, cudaHostAllocDefault));
        if (q->error != cudaSuccess)
            return false;
        l->bytes = bytes;
    }
    lay_out(l, c);
    return true;
}

/* The load for the next part of a recorded program. */
static struct load *next_recorded(struct queue *q, const struct call *c)
{
    struct load *l = &q->loads->loads[q->loads->count++];

    return reserve(q, l, c) ? l : NULL;
}

/* The other of two loads, once the device has what it had before, filled. */
static struct load *next_in_turn(struct queue *q, const struct call *c)
{
    struct load_list *list = q->loads;
    struct load *l = &list->loads[list->turn];

    list->turn = (list->turn + 1) % LOAD_TURNS;
    list->count = LOAD_TURNS;
    if (l->copied)
        queue_check(q, cudaEventSynchronize(l->copied));
    if (!reserve(q, l, c))
        return NULL;
    if (!l->copied)
        queue_check(q, cudaEventCreate(&l->copied));
    fill(q->crew, l, c->batch->loader, &l->part);
    return l;
}

void cuda_load(struct queue *q, const struct call *c)
{
    struct load *l = q->recording ? next_recorded(q, c) : next_in_turn(q, c);

    if (!l)
        return;
    for (int i = 0; i < LOAD_STREAMS; i++)
        if (operand_given(&c->operand[i]))
            queue_put(q, cudaMemcpyAsync(c->operand[i].data,
                                         l->stream[i].data,
                                         operand_bytes(&l->stream[i]),
                                         cudaMemcpyHostToDevice, q->stream));
    if (l->copied)
        queue_put(q, cudaEventRecord(l->copied, q->stream));
}
