/*
 * load: a part of the batch, from its loader.
 *   out streams, of rows that belong to one sample after the other
 *
 * The loader gives floats. A stream that is stored in 16 bits has one row for
 * each sample.
 *
 * scratch: for each thread and each stream in 16 bits, one sample in floats, on
 * cache lines of its own.
 */
#include "kernels/cpu/stage.h"

/* Bytes for a sample in floats; 0 if it is stored in floats. */
static size_t room_bytes(const struct operand *o)
{
    return dtype_is_narrow(o->dtype)
               ? round_up(operand_sample_elements(o) * sizeof(float),
                          CPU_ALIGNMENT)
               : 0;
}

static size_t rooms_bytes(const struct call *c)
{
    size_t sum = 0;

    for (int i = 0; i < LOAD_STREAMS; i++)
        sum += room_bytes(&c->operand[i]);
    return sum;
}

static void fill_samples(const struct call *c, size_t begin, size_t end,
                         const struct stream streams[])
{
    const struct loader *loader = c->batch->loader;

    loader->fill(loader->arg, c->part, (int)begin, (int)end, streams);
}

/* Fills streams where they are stored. */
static void load_in_place(const struct call *c, struct range samples)
{
    struct stream streams[LOAD_STREAMS];

    for (int i = 0; i < LOAD_STREAMS; i++)
        streams[i] = (struct stream){ c->operand[i].data, 0 };
    fill_samples(c, samples.begin, samples.end, streams);
}

/* Loads one sample, with room for the streams in 16 bits. */
static void load_through(const struct call *c, size_t sample, char *room)
{
    struct stream streams[LOAD_STREAMS];

    for (int i = 0; i < LOAD_STREAMS; i++) {
        const struct operand *o = &c->operand[i];

        streams[i] = dtype_is_narrow(o->dtype)
                         ? (struct stream){ room, (int)sample }
                         : (struct stream){ o->data, 0 };
        room += room_bytes(o);
    }
    fill_samples(c, sample, sample + 1, streams);
    for (int i = 0; i < LOAD_STREAMS; i++) {
        const struct operand *o = &c->operand[i];
        size_t n;

        if (!dtype_is_narrow(o->dtype))
            continue;
        n = operand_sample_elements(o);
        stage_put(o, sample * n, n, streams[i].data);
    }
}

size_t KERNEL(load_scratch)(const struct call *c)
{
    return (size_t)c->threads * rooms_bytes(c);
}

void KERNEL(load)(const struct call *c)
{
    size_t all = (size_t)c->part->count.of[EXTENT_SAMPLES];
    size_t bytes = rooms_bytes(c);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range samples = range_share(all, t, c->threads);

        if (bytes == 0)
            load_in_place(c, samples);
        for (size_t i = samples.begin; bytes > 0 && i < samples.end; i++)
            load_through(c, i, scratch_part(c, bytes, t));
    }
}
