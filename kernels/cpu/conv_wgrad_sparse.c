/*
 * The gradient of a nonzero is the product of two planes of pixels
 * (conv_planes.h): its output channel's in dy, and its input channel's in x. A
 * band of dy is held in registers, moved to where the input of a tap's column
 * is, and multiplied by the bands of x of all nonzeros of that column. Each
 * product is a vector of sums; VLEN of them are added up together.
 *
 * Each thread sums some of the strips. Their sums are added in order.
 *
 * Scratch: the list of nonzeros; for each thread a strip of x, one of dy, and
 * the sums in the order of the list.
 */
#include "kernels/cpu/conv_wgrad_sparse.h"

#include <string.h>

#include "kernels/cpu/conv_nonzeros.h"
#include "kernels/cpu/conv_transpose.h"

/* The part of its tensors' bytes that a list may take: sums and a strip of dy
 * grow with it. */
enum { LIST_SHARE = 24 };

/* Products that are not added up yet, the last of those so far. */
struct dots {
    float dot[VLEN][VLEN];
    int count;
    float *sum;          /* of the first of them */
};

/* The operands and scratch of a thread. dy has the channels from a block's
 * first on. */
struct work {
    const struct conv_planes *x, *dy;
    const struct conv_nonzeros *list;
    const struct conv_planes_sides *sides;
    const float *x_strip, *dy_strip;
    int first;           /* channel of dy_strip */
    struct conv_ahead *ahead;
};

/* The sums of the lanes of VLEN vectors: each interleaves the halves of two. */
static inline vf sum_lanes(float (*dot)[VLEN])
{
    vf row[VLEN];

    UNROLL
    for (int i = 0; i < VLEN; i++)
        row[i] = vf_load(dot[i]);
    UNROLL
    for (int n = VLEN / 2; n > 0; n /= 2)
        UNROLL
        for (int i = 0; i < n; i++)
            row[i] = __builtin_shufflevector(row[i], row[i + n], CONV_LOW)
                     + __builtin_shufflevector(row[i], row[i + n], CONV_HIGH);
    return row[0];
}

static void add_dots_up(struct dots *d)
{
    float sum[VLEN];

    vf_store(sum, sum_lanes(d->dot));
    for (int i = 0; i < d->count; i++)
        d->sum[i] += sum[i];
    d->sum += d->count;
    d->count = 0;
}

/* The products of a band of dy with those of x for some nonzeros. */
INLINE void multiply(const struct work *w, struct range nonzeros,
                     const float *x, const vf *dy, const int vectors,
                     struct dots *d)
{
    for (size_t i = nonzeros.begin; i < nonzeros.end; i++) {
        const float *from = x + w->list->nonzero[i].offset;
        vf even = { 0 }, odd = { 0 };

        UNROLL
        for (int v = 0; v < vectors; v++)
            if (v % 2)
                odd += dy[v] * vf_load(from + v * VLEN);
            else
                even += dy[v] * vf_load(from + v * VLEN);
        vf_store(d->dot[d->count], even + odd);
        if (++d->count == VLEN)
            add_dots_up(d);
    }
}

/* The products of one output channel, in some rows from `row` on. */
INLINE void multiply_channel(const struct work *w, int channel, int row,
                             const int vectors, struct dots *d)
{
    const float *x = w->x_strip + row * w->x->pitch;
    const float *dy = w->dy_strip + (channel - w->first) * w->dy->channel
                      + row * w->dy->pitch;

    for (int shift = -1; shift <= 1; shift++) {
        struct range nonzeros = conv_nonzeros_of(w->list, channel, 0, shift);
        vf moved[PLANES_VECTORS];

        UNROLL
        for (int v = 0; v < vectors; v++)
            moved[v] = vf_load(dy + v * VLEN);
        if (shift < 0)
            conv_planes_from_right(w->sides, vectors, moved);
        else if (shift > 0)
            conv_planes_from_left(w->sides, vectors, moved);
        multiply(w, nonzeros, x, moved, vectors, d);
    }
}

#define DY_CASE(n) \
    case n: \
        if (n <= PLANES_VECTORS) \
            multiply_channel(w, channel, row, n, d); \
        break;

static void run_channel(const struct work *w, int channel, int row,
                        int vectors, struct dots *d)
{
    switch (vectors) {
    DY_CASE(1) DY_CASE(2) DY_CASE(3) DY_CASE(4) DY_CASE(5) DY_CASE(6)
    DY_CASE(7) DY_CASE(8) DY_CASE(9) DY_CASE(10) DY_CASE(11) DY_CASE(12)
    DY_CASE(13) DY_CASE(14) DY_CASE(15) DY_CASE(16) DY_CASE(20) DY_CASE(24)
    }
}

/* Adds the products of one strip of images side by side. */
static void add_planes(const struct work *w, int rows, float *sum)
{
    int runs = conv_planes_runs(w->x, rows);
    struct range listed = w->list->listed;

    for (int i = 0; i < runs; i++) {
        struct range part = range_share((size_t)rows, i, runs);
        int vectors = (int)(part.end - part.begin) * w->x->pitch / VLEN;
        struct dots d = { .sum = sum };

        for (size_t c = listed.begin; c < listed.end; c++) {
            run_channel(w, (int)c, (int)part.begin, vectors, &d);
            conv_ahead_ask(w->ahead);
        }
        add_dots_up(&d);
    }
}

/* What all threads know. */
struct plan {
    struct conv_planes x, dy;
    struct conv_nonzeros list;
    size_t shared, each, sums; /* floats */
};

/* The list refers to the plan that it is part of. */
static void cut_sparse(const struct wgrad_sparse *g, struct plan *p)
{
    p->x = KERNEL(conv_planes)(g->strips);
    p->list = KERNEL(conv_nonzeros)(&p->x, g->dw, g->threads,
                                    (operand_bytes(g->x)
                                     + operand_bytes(g->dy)) / LIST_SHARE);
    p->dy = KERNEL(conv_planes_beside)(&p->x, g->dy, p->list.most);
    p->list.places = true;
    p->shared = KERNEL(conv_nonzeros_floats)(&p->list);
    p->sums = round_up(p->list.room, CONV_BLOCK);
    p->each = p->sums + conv_planes_floats(&p->x) + conv_planes_floats(&p->dy);
}

/* Thread t's sums, which are the first of its scratch. */
static float *nonzero_sums(const struct wgrad_sparse *g, const struct plan *p,
                           int t)
{
    return g->scratch + p->shared + (size_t)t * p->each;
}

/* Prepares to ask for what strip `i` reads. */
static void look_ahead_to(const struct wgrad_sparse *g, const struct plan *p,
                       size_t i, struct conv_ahead ahead[2])
{
    const struct conv_strips *s = &p->x.strips;
    struct range listed = p->list.listed;
    int image = (int)i / s->count * p->x.images;
    int item = image * s->count + (int)i % s->count;
    size_t images = s->count > 1 ? 1
                                 : (size_t)conv_planes_images(&p->x, image);

    ahead[0] = KERNEL(conv_ahead)(g->x, image,
                                  KERNEL(conv_strip_input)(s, item), 0,
                                  g->x->dim[3]);
    ahead[1] = KERNEL(conv_ahead)(g->dy, image,
                                  KERNEL(conv_strip_output)(s, item), 0,
                                  g->dy->dim[3]);
    ahead[0].lines *= images;
    ahead[1].lines *= images;
    ahead[0].next = &ahead[1];
    KERNEL(conv_ahead_divide)(ahead, conv_planes_asks(&p->x)
                                     + conv_planes_asks(&p->dy)
                                     + (size_t)conv_planes_runs(&p->x, s->rows)
                                           * (listed.end - listed.begin));
}

/* Makes thread t's sums. */
static void sum_share(const struct wgrad_sparse *g, const struct plan *p, int t)
{
    float *sum = nonzero_sums(g, p, t), *x = sum + p->sums;
    float *dy = x + conv_planes_floats(&p->x);
    struct range items = range_share(conv_planes_items(&p->x), t, g->threads);
    struct conv_planes_sides sides;
    struct conv_ahead ahead[2];
    struct work w = { &p->x, &p->dy, &p->list, &sides, x, dy,
                      (int)p->list.listed.begin / CONV_BLOCK * CONV_BLOCK,
                      ahead };
    int count = p->x.strips.count;

    conv_planes_sides(&p->x, &sides);
    memset(sum, 0, p->sums * sizeof(*sum));
    for (size_t i = items.begin; i < items.end; i++) {
        int image = (int)i / count * p->x.images, strip = (int)i % count;
        struct range rows = KERNEL(conv_strip_output)(&p->x.strips, strip);

        look_ahead_to(g, p, i + 1 < items.end ? i + 1 : i, ahead);
        KERNEL(conv_planes_pack)(&p->x, g->x, image, strip, 0, ahead, x);
        KERNEL(conv_planes_pack)(&p->dy, g->dy, image, strip,
                                 w.first / CONV_BLOCK, ahead, dy);
        add_planes(&w, (int)(rows.end - rows.begin), sum);
    }
}

/* Adds all threads' sums of nonzero i of the list to dw. */
static void add_nonzero(const struct wgrad_sparse *g, const struct plan *p,
                        size_t i)
{
    size_t at = p->list.nonzero[i].index;
    float sum = nonzero_sums(g, p, 0)[i];

    for (int t = 1; t < g->threads; t++)
        sum += nonzero_sums(g, p, t)[i];
    float_store(g->dw->data, at, g->dw->dtype,
                float_load(g->dw->data, at, g->dw->dtype) + sum);
}

bool KERNEL(wgrad_sparse_may_pay)(const struct wgrad_sparse *g)
{
    return pool_skips(g->dw->pool, POOL_SKIP_GRADIENT)
           && KERNEL(conv_planes_can)(g->strips);
}

size_t KERNEL(wgrad_sparse_floats)(const struct wgrad_sparse *g)
{
    struct plan p;

    cut_sparse(g, &p);
    return p.shared + p.each * (size_t)g->threads;
}

bool KERNEL(wgrad_sparse_run)(const struct wgrad_sparse *g)
{
    bool few = true;

#pragma omp parallel num_threads(g->threads)
    {
        struct plan p;

        cut_sparse(g, &p);
        KERNEL(conv_nonzeros_bind)(&p.list, g->scratch);
        KERNEL(conv_nonzeros_count)(&p.list);
        if (!KERNEL(conv_nonzeros_few)(&p.list, POOL_SKIP_FILTER))
#pragma omp single
            few = false;
        else
            while (KERNEL(conv_nonzeros_next)(&p.list)) {
                int last = (int)p.list.listed.end - 1;
                size_t listed = conv_nonzeros_of(&p.list, last, 0, 1).end;

#pragma omp for schedule(static)
                for (int t = 0; t < g->threads; t++)
                    sum_share(g, &p, t);
#pragma omp for schedule(static)
                for (size_t i = 0; i < listed; i++)
                    add_nonzero(g, &p, i);
            }
    }
    return few;
}
