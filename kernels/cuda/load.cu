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

/* Stores a sample from its room. */
static void store_sample(const struct load *l, int stream, int sample)
{
    const struct operand *o = &l->stream[stream];
    size_t n = operand_sample_elements(o);

    for (size_t k = 0; k < n; k++)
        float_store(o->data, (size_t)sample * n + k, o->dtype,
                    l->room[stream][k]);
}

/* The loader's part `of` is this load. */
static void fill(const struct load *l, const struct loader *loader,
                 const struct part *of)
{
    for (int i = 0; i < of->count.of[EXTENT_SAMPLES]; i++) {
        struct stream streams[LOAD_STREAMS] = {};

        for (int k = 0; k < LOAD_STREAMS; k++)
            if (l->room[k])
                streams[k] = { l->room[k], i };
            else
                streams[k].data = l->stream[k].data;
        loader->fill(loader->arg, of, i, i + 1, streams);
        for (int k = 0; k < LOAD_STREAMS; k++)
            if (l->room[k])
                store_sample(l, k, i);
    }
}

void load_list_fill(const struct load_list *list, const struct loader *loader,
                    const struct extents *ahead)
{
    for (int i = 0; i < list->count; i++) {
        struct part part = list->loads[i].part;

        part.first = extents_sum(&part.first, ahead);
        fill(&list->loads[i], loader, &part);
    }
}

void load_list_free(struct queue *q, struct load_list *list)
{
    for (int i = 0; i < list->count; i++)
        queue_check(q, cudaFreeHost(list->loads[i].memory));
    list->count = 0;
}

/* Divides the memory of a load among streams like those of a call; returns the
 * bytes that it takes. */
static size_t lay_out(struct load *l, const struct call *c)
{
    char *memory = static_cast<char *>(l->memory);
    size_t at = 0;

    for (int i = 0; i < LOAD_STREAMS; i++) {
        struct operand *o = &l->stream[i];

        *o = c->operand[i];
        o->data = memory + at;
        at += round_up(operand_bytes(o), HOST_ALIGNMENT);
        l->room[i] = dtype_is_narrow(o->dtype)
                         ? reinterpret_cast<float *>(memory + at) : NULL;
        at += room_bytes(o);
    }
    return at;
}

/* A load like that of the call, at index i of a list, with enough memory. */
static struct load *reserve(struct queue *q, const struct call *c, int i)
{
    struct load *l = &q->loads->loads[i];
    size_t bytes = lay_out(l, c);

    if (i < q->loads->count && l->bytes < bytes)
        load_list_free(q, q->loads);
    if (i >= q->loads->count) {
        queue_check(q, cudaHostAlloc(&l->memory, bytes, cudaHostAllocDefault));
        if (q->error != cudaSuccess)
            return NULL;
        l->bytes = bytes;
        q->loads->count = i + 1;
    }
    lay_out(l, c);
    l->part = *c->part;
    return l;
}

/* Without a recording there is one load, which is used again when the copies
 * from it are done. */
void cuda_load(struct queue *q, const struct call *c)
{
    struct load *l;

    if (!q->recording)
        queue_check(q, cudaStreamSynchronize(q->stream));
    l = reserve(q, c, q->recording ? q->loads->count : 0);
    if (!l)
        return;
    if (!q->recording)
        fill(l, c->batch->loader, &l->part);
    for (int i = 0; i < LOAD_STREAMS; i++)
        if (operand_given(&c->operand[i]))
            queue_check(q, cudaMemcpyAsync(c->operand[i].data,
                                           l->stream[i].data,
                                           operand_bytes(&l->stream[i]),
                                           cudaMemcpyHostToDevice,
                                           q->stream));
}
