/*
 * load: the microbatch and its labels, from the run's loader.
 *   out x (N, ...), labels (N) int32
 *
 * The loader gives floats. What is stored in 16 bits crosses to the device in
 * 16 bits.
 */
#include "kernels/cuda/load.h"

static size_t sample_elements(const struct operand *o)
{
    return operand_elements(o) / (size_t)o->dim[0];
}

static void *sample_slot(const struct operand *o, int i)
{
    return static_cast<char *>(o->data)
           + (size_t)i * sample_elements(o) * dtype_size(o->dtype);
}

static size_t operand_bytes(const struct operand *o)
{
    return operand_elements(o) * dtype_size(o->dtype);
}

static size_t round_up(size_t bytes)
{
    return (bytes + 15) / 16 * 16;
}

static void fill(const struct load *l, const struct loader *loader, int ahead)
{
    size_t n = sample_elements(&l->x);

    for (int i = 0; i < l->x.dim[0]; i++) {
        void *slot[2];

        slot[LOAD_X] = l->room ? l->room : sample_slot(&l->x, i);
        slot[LOAD_LABELS] = sample_slot(&l->labels, i);
        loader->sample(loader->arg, ahead + l->first + i, slot);
        for (size_t k = 0; l->room && k < n; k++)
            float_store(sample_slot(&l->x, i), k, l->x.dtype, l->room[k]);
    }
}

void load_list_fill(const struct load_list *list, const struct loader *loader,
                    int ahead)
{
    for (int i = 0; i < list->count; i++)
        fill(&list->loads[i], loader, ahead);
}

void load_list_free(struct queue *q, struct load_list *list)
{
    for (int i = 0; i < list->count; i++)
        queue_check(q, cudaFreeHost(list->loads[i].memory));
    list->count = 0;
}

/* A load like that of the call, at index i of a list, with enough memory. */
static struct load *reserve(struct queue *q, const struct call *c, int i)
{
    struct load *l = &q->loads->loads[i];
    const struct operand *x = &c->operand[LOAD_X];
    const struct operand *labels = &c->operand[LOAD_LABELS];
    size_t x_bytes = round_up(operand_bytes(x));
    size_t labels_bytes = round_up(operand_bytes(labels));
    size_t room = x->dtype == DTYPE_F32
                  ? 0 : sample_elements(x) * sizeof(float);
    size_t bytes = x_bytes + labels_bytes + room;

    if (i < q->loads->count && l->bytes < bytes)
        load_list_free(q, q->loads);
    if (i >= q->loads->count) {
        queue_check(q, cudaHostAlloc(&l->memory, bytes, cudaHostAllocDefault));
        if (q->error != cudaSuccess)
            return NULL;
        l->bytes = bytes;
        q->loads->count = i + 1;
    }
    l->x = *x;
    l->x.data = l->memory;
    l->labels = *labels;
    l->labels.data = static_cast<char *>(l->memory) + x_bytes;
    l->room = room ? reinterpret_cast<float *>(
                         static_cast<char *>(l->labels.data) + labels_bytes)
                   : NULL;
    l->first = c->batch->first;
    return l;
}

static void copy(struct queue *q, const struct operand *to,
                 const struct operand *from)
{
    queue_check(q, cudaMemcpyAsync(to->data, from->data, operand_bytes(to),
                                   cudaMemcpyHostToDevice, q->stream));
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
        fill(l, c->batch->loader, 0);
    copy(q, &c->operand[LOAD_X], &l->x);
    copy(q, &c->operand[LOAD_LABELS], &l->labels);
}
