/*
 * load: the microbatch and its labels, from the run's loader.
 *   out x (N, ...), labels (N) int32
 *
 * The loader gives floats.
 *
 * scratch: if x is of another type, per thread one sample of floats, on cache
 * lines of its own.
 */
#include "kernels/cpu/stage.h"

static size_t sample_elements(const struct operand *o)
{
    return operand_elements(o) / (size_t)o->dim[0];
}

static void *sample_slot(const struct operand *o, size_t i)
{
    return (char *)o->data + i * sample_elements(o) * dtype_size(o->dtype);
}

static size_t room_bytes(const struct operand *x)
{
    if (x->dtype == DTYPE_F32)
        return 0;
    return round_up(sample_elements(x) * sizeof(float), CPU_ALIGNMENT);
}

/* `room` is NULL if x is of floats. */
static void load_samples(const struct call *c, struct range samples,
                         float *room)
{
    const struct operand *x = &c->operand[LOAD_X];
    const struct operand *labels = &c->operand[LOAD_LABELS];
    const struct loader *loader = c->batch->loader;

    for (size_t i = samples.begin; i < samples.end; i++) {
        void *const slot[] = {
            [LOAD_X] = room ? room : sample_slot(x, i),
            [LOAD_LABELS] = sample_slot(labels, i)
        };

        loader->sample(loader->arg, c->batch->first + (int)i, slot);
        if (room)
            stage_put(x, i * sample_elements(x), sample_elements(x), room);
    }
}

size_t KERNEL(load_scratch)(const struct call *c)
{
    return (size_t)c->threads * room_bytes(&c->operand[LOAD_X]);
}

void KERNEL(load)(const struct call *c)
{
    const struct operand *x = &c->operand[LOAD_X];
    size_t bytes = room_bytes(x);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++)
        load_samples(c, range_share((size_t)x->dim[0], t, c->threads),
                     bytes ? scratch_part(c, bytes, t) : NULL);
}
