#include "kernels/cpu/conv_nonzeros.h"

#include <math.h>
#include <string.h>

/* VALUES are converted together. A list may take LEAST_BYTES in any case: with
 * less room it is made in more passes, and each walks along the whole index and
 * packs the strips again. */
enum { VALUES = 64, LEAST_BYTES = 128 * 1024 };

static size_t counts(const struct conv_nonzeros *l)
{
    return (size_t)(l->groups * l->channels);
}

static size_t elements(const struct conv_nonzeros *l)
{
    return l->w->pool->member[l->w->member].elements;
}

/* Room for the mean of some channels at the pool's density, and four standard
 * deviations. */
struct conv_nonzeros KERNEL(conv_nonzeros)(const struct conv_planes *p,
                                           const struct operand *w,
                                           int threads, size_t bytes)
{
    struct conv_nonzeros l = {
        .planes = p, .w = w, .threads = threads,
        .groups = p->strips.classes * PLANES_SHIFTS,
        .channels = w->dim[p->strips.row.transposed ? 2 : 3]
    };
    double average = (double)elements(&l) * (double)w->pool->nonzeros
                     / (double)w->pool->elements;
    int passes;

    passes = 1 + (int)(average * sizeof(struct conv_nonzero)
                       / (double)size_max(bytes, LEAST_BYTES));
    l.most = (l.channels + passes - 1) / passes;
    l.most = int_min((int)round_up((size_t)l.most, CONV_BLOCK), l.channels);
    average *= (double)l.most / l.channels;
    l.room = (size_t)(average + 4 * sqrt(average)) + 1;
    return l;
}

size_t KERNEL(conv_nonzeros_floats)(const struct conv_nonzeros *l)
{
    size_t bytes = (counts(l) * (size_t)l->threads + 1) * sizeof(int32_t)
                   + l->room * sizeof(struct conv_nonzero);

    return round_up(bytes, CPU_ALIGNMENT) / sizeof(float);
}

void KERNEL(conv_nonzeros_bind)(struct conv_nonzeros *l, float *memory)
{
    l->nonzero = (struct conv_nonzero *)memory;
    l->count = (int32_t *)(l->nonzero + l->room);
    l->total = l->count + counts(l) * (size_t)l->threads;
}

/* Values of a filter's nonzeros, some of them as floats. */
struct values {
    const struct operand *w;
    const float *value;
    size_t begin, end;
    float room[VALUES];
};

static inline float value_of(struct values *v, size_t i)
{
    if (i >= v->end) {
        v->begin = i;
        v->end = size_min(i + VALUES, v->w->pool->nonzeros);
        v->value = stage_floats(v->w, i, v->end - i, v->room);
    }
    return v->value[i - v->begin];
}

/* A row of the filter, of one tap and input or output channel. */
struct row {
    int row;             /* among those of its tap */
    int offset;          /* of its tap */
    int32_t *count;      /* of the first channel, for its tap */
    size_t end;          /* the place where the next one begins */
};

/* Row i of the filter, for thread t. */
static struct row filter_row(const struct conv_nonzeros *l, int t, size_t i)
{
    const struct operand *w = l->w;
    size_t rows = (size_t)w->dim[2];
    struct conv_planes_tap tap =
        KERNEL(conv_planes_tap)(l->planes, (int)(i / rows));

    return (struct row){
        .row = (int)(i % rows), .offset = tap.offset,
        .count = l->count + (size_t)t * counts(l)
                 + tap.class * PLANES_SHIFTS + tap.shift + 1,
        .end = pool_member_place(&w->pool->member[w->member])
               + (i + 1) * (size_t)w->dim[3]
    };
}

/* Lists or counts the nonzeros of thread t's rows. */
INLINE void scan_share(const struct conv_nonzeros *l, int t,
                       const bool transposed, const bool list)
{
    const struct operand *w = l->w;
    struct pool_index index = pool_index_of(w->pool, w->index);
    size_t columns = (size_t)w->dim[3], place;
    struct range rows = range_share(elements(l) / columns, t, l->threads);
    struct values values = { .w = w };
    struct pool_walk walk;
    struct row r;
    size_t end;

    if (rows.begin == rows.end)
        return;
    r = filter_row(l, t, rows.begin);
    end = r.end + (rows.end - rows.begin - 1) * columns;
    walk = pool_walk_from(&index, r.end - columns);
    for (; walk.i < w->pool->nonzeros; pool_walk_on(&walk)) {
        int column, channel;
        int32_t *count;
        struct conv_nonzero *nonzero;

        place = pool_walk_place(&walk);
        if (place >= end)
            break;
        while (place >= r.end) {
            if (++rows.begin % (size_t)w->dim[2] == 0) {
                r = filter_row(l, t, rows.begin);
                continue;
            }
            r.row++;
            r.end += columns;
        }
        column = (int)(place + columns - r.end);
        channel = transposed ? r.row : column;
        count = r.count + channel * l->groups;
        if (!list) {
            ++*count;
            continue;
        }
        if ((size_t)channel < l->listed.begin
            || (size_t)channel >= l->listed.end)
            continue;
        nonzero = &l->nonzero[(*count)++ - l->begin];
        nonzero->offset = (transposed ? column : r.row) * l->planes->channel
                          + r.offset;
        if (l->places)
            nonzero->index = (uint32_t)walk.i;
        else
            nonzero->w = value_of(&values, walk.i);
    }
}

INLINE void scan(const struct conv_nonzeros *l, const bool list)
{
#pragma omp for schedule(static)
    for (int t = 0; t < l->threads; t++)
        if (l->planes->strips.row.transposed)
            scan_share(l, t, true, list);
        else
            scan_share(l, t, false, list);
}

void KERNEL(conv_nonzeros_count)(const struct conv_nonzeros *l)
{
#pragma omp single
    memset(l->count, 0,
           (size_t)l->threads * counts(l) * sizeof(*l->count));
    scan(l, false);
#pragma omp single
    {
        *l->total = 0;
        for (size_t i = 0; i < counts(l); i++)
            for (int t = 0; t < l->threads; t++) {
                int32_t *count = l->count + (size_t)t * counts(l) + i;
                int32_t n = *count;

                *count = *l->total;
                *l->total += n;
            }
    }
}

/* The place of the first nonzero of a channel that is not listed yet. */
static int32_t list_begin(const struct conv_nonzeros *l, size_t channel)
{
    return channel < (size_t)l->channels
           ? l->count[channel * (size_t)l->groups] : *l->total;
}

/* The channels from `first` on that there is room for. */
static struct range fitting(const struct conv_nonzeros *l, size_t first)
{
    struct range r = { first, first };
    int32_t most = list_begin(l, first) + (int32_t)l->room;

    while (r.end < (size_t)l->channels && r.end < first + (size_t)l->most
           && list_begin(l, r.end + 1) <= most)
        r.end++;
    return r;
}

bool KERNEL(conv_nonzeros_few)(const struct conv_nonzeros *l, int skip)
{
    bool few = (size_t)*l->total < elements(l) / (size_t)skip;

    for (size_t c = 0; few && c < (size_t)l->channels; c++)
        few = list_begin(l, c + 1) - list_begin(l, c) <= (int32_t)l->room;
    /* The counts must not change until all threads have read them. */
#pragma omp barrier
    return few;
}

bool KERNEL(conv_nonzeros_next)(struct conv_nonzeros *l)
{
    if (l->listed.end == (size_t)l->channels)
        return false;
    l->listed = fitting(l, l->listed.end);
    l->begin = list_begin(l, l->listed.begin);
#pragma omp barrier
    scan(l, true);
    return true;
}
