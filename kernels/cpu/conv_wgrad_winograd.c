/*
 * Squares are transformed until there are enough of them that reading and
 * writing the sums takes little of the time of the products,
 *
 *     x      [place][square][channel of the block]
 *     dy     [panel][place][square][CONV_PANEL]
 *     sum    [panel][place][channel of the block][CONV_PANEL]
 *
 * Scratch: x, dy, sum and a strip. The slabs take the place of x and of the
 * beginning of dy, which have been used by then.
 */
#include "kernels/cpu/conv_wgrad_winograd.h"

#include "kernels/cpu/winograd.h"

enum { SIDE = WINOGRAD_SIDE, PLACES = WINOGRAD_PLACES, TAPS = WINOGRAD_TAPS };

_Static_assert((1 + WGRAD_SET) * PLACES * SQUARES_LEAST
                   >= WGRAD_SET * TAPS * CONV_PANEL,
               "no block is wider than a panel: slabs fit into x and dy");

/* The parts of scratch; dy and sum are a panel's. */
struct parts {
    size_t x, dy, sum, strip;    /* floats */
};

/* Floats from place to place of squares of some channels. The places of a
 * square are written together, and would share few sets of a cache if these
 * were a power of two. */
static size_t place_floats(int squares, int channels)
{
    return (size_t)(squares * channels + CONV_BLOCK);
}

static struct parts parts_of(const struct conv_strips *s, int squares)
{
    size_t channels = (size_t)s->channels;

    return (struct parts){
        .x = PLACES * place_floats(squares, s->channels),
        .dy = PLACES * place_floats(squares, CONV_PANEL),
        .sum = PLACES * channels * CONV_PANEL,
        .strip = (size_t)s->block
    };
}

size_t KERNEL(wgrad_squares_floats)(const struct conv_strips *s, int squares,
                                    int panels)
{
    struct parts p = parts_of(s, squares);

    return p.x + (p.dy + p.sum) * (size_t)panels + p.strip;
}

/* The sums so far, and squares that wait to be multiplied. */
struct state {
    const struct wgrad_squares *g;
    struct parts parts;
    int inputs, outputs;         /* channels of the block and of all panels */
    float *x, *dy, *sum, *strip;
    int squares;
    bool fresh;                  /* no sums so far */
    struct slabs_look look;
};

/* A dy A' for the square of output whose first pixel is element `at`. */
INLINE void transform_dy(const enum dtype dtype, const struct operand *dy,
                         size_t at, int lanes, float *to, size_t place)
{
    size_t channels = (size_t)dy->dim[3];
    size_t row = (size_t)dy->dim[2] * channels;

    for (int v = 0; v < lanes; v += VLEN) {
        size_t a = at + (size_t)v, b = a + channels;
        vf left[SIDE], right[SIDE], u[SIDE];

        winograd_gradient_side(vf_load_as(dtype, dy->data, a),
                               vf_load_as(dtype, dy->data, a + row), left);
        winograd_gradient_side(vf_load_as(dtype, dy->data, b),
                               vf_load_as(dtype, dy->data, b + row), right);
        UNROLL
        for (int i = 0; i < SIDE; i++) {
            winograd_gradient_side(left[i], right[i], u);
            UNROLL
            for (int j = 0; j < SIDE; j++)
                vf_store(to + (size_t)(i * SIDE + j) * place + v, u[j]);
        }
    }
}

/* Channels of panel i. */
static int lanes_of(const struct state *t, int i)
{
    return int_min(t->outputs - i * CONV_PANEL, CONV_PANEL);
}

static void multiply_squares(struct state *t)
{
    int channels = t->g->strips->channels, offset = 0;
    size_t x_place = place_floats(t->g->squares, channels);
    size_t dy_place = place_floats(t->g->squares, CONV_PANEL);
    struct conv_tile tile = {
        .offset = &offset,
        .segments = 1, .depth = t->squares, .last = t->squares,
        .lines = t->inputs, .width = CONV_PANEL,
        .fresh = t->fresh, .x_k = channels, .ahead = &t->look.x
    };

    t->fresh = false;
    for (size_t place = 0; place < PLACES; place++)
        for (int i = 0; i < t->g->set.panels; i++) {
            tile.x = t->x + place * x_place;
            tile.panel = t->dy + (size_t)i * t->parts.dy + place * dy_place;
            tile.sum = t->sum + (size_t)i * t->parts.sum
                       + place * (size_t)(channels * CONV_PANEL);
            tile.lanes = lanes_of(t, i);
            KERNEL(conv_tile_channels)(&tile);
        }
    t->squares = 0;
}

/* Transforms the squares of one strip. */
static inline void add_squares(const enum dtype dtype, struct state *t,
                               int item)
{
    const struct wgrad_squares *g = t->g;
    const struct conv_strips *s = g->strips;
    const struct operand *dy = g->dy;
    struct range rows = KERNEL(conv_strip_output)(s, item);
    size_t image = (size_t)(item / s->count) * (size_t)dy->dim[1];
    int row = s->width * s->channels;

    KERNEL(conv_strip_pack)(s, g->x, item, g->set.block, 1, t->strip);
    for (size_t r = rows.begin; r < rows.end; r += 2) {
        const float *x = t->strip + (int)(r - rows.begin) * row;
        size_t at = (image + r) * (size_t)dy->dim[2] * (size_t)dy->dim[3]
                    + (size_t)(g->set.panel * CONV_PANEL);

        for (int c = 0; c < dy->dim[2]; c += 2) {
            winograd_input(x + c * s->channels, s->channels, row, t->inputs,
                           t->x + t->squares * s->channels,
                           place_floats(g->squares, s->channels));
            for (int i = 0; i < g->set.panels; i++)
                transform_dy(dtype, dy,
                             at + (size_t)c * (size_t)dy->dim[3]
                                 + (size_t)(i * CONV_PANEL),
                             lanes_of(t, i),
                             t->dy + (size_t)i * t->parts.dy
                                 + t->squares * CONV_PANEL,
                             place_floats(g->squares, CONV_PANEL));
            if (++t->squares == g->squares)
                multiply_squares(t);
        }
    }
}

/* G' sum G of a panel. */
static void make_slab(const struct state *t, const float *sum, float *slab)
{
    int channels = t->g->strips->channels, tap = channels * CONV_PANEL;

    for (int k = 0; k < t->inputs * CONV_PANEL; k += VLEN) {
        vf side[SIDE][3], g[3];

        UNROLL
        for (int i = 0; i < SIDE; i++) {
            vf u[SIDE];

            UNROLL
            for (int j = 0; j < SIDE; j++)
                u[j] = vf_load(sum + (i * SIDE + j) * tap + k);
            winograd_filter_sum(u, side[i]);
        }
        UNROLL
        for (int j = 0; j < 3; j++) {
            vf u[SIDE] = { side[0][j], side[1][j], side[2][j], side[3][j] };

            winograd_filter_sum(u, g);
            UNROLL
            for (int i = 0; i < 3; i++)
                vf_store(slab + (3 * i + j) * tap + k, g[i]);
        }
    }
}

/* Prepares to ask, while strip `item` is made, for memory that is wanted
 * soon. */
static void ask_ahead(struct state *t, size_t item)
{
    const struct wgrad_squares *g = t->g;
    const struct conv_strips *s = g->strips;
    int squares = s->rows / 2 * g->dy->dim[2] / 2;
    int times = (squares + g->squares - 1) / g->squares * PLACES;

    slabs_look_ahead(s, g->x, g->dy, g->dw, g->set, g->items, item, &t->look);
    KERNEL(conv_ahead_divide)(&t->look.x,
                              (size_t)times
                                  * KERNEL(conv_tile_count)(t->inputs,
                                                            t->outputs));
}

void KERNEL(wgrad_squares_sum)(const struct wgrad_squares *g)
{
    const struct conv_strips *s = g->strips;
    struct parts p = parts_of(s, g->squares);
    struct range in = slabs_inputs(s, g->set);
    struct range out = slabs_outputs(g->dy, g->set);
    size_t slab = (size_t)(TAPS * s->channels * CONV_PANEL);
    struct state t = {
        .g = g, .parts = p,
        .inputs = (int)(in.end - in.begin),
        .outputs = (int)(out.end - out.begin),
        .x = g->scratch, .dy = g->scratch + p.x,
        .sum = g->scratch + p.x + p.dy * (size_t)g->set.panels,
        .strip = g->scratch + p.x + (p.dy + p.sum) * (size_t)g->set.panels,
        .fresh = true
    };

    for (size_t i = g->items.begin; i < g->items.end; i++) {
        ask_ahead(&t, i);
        DTYPE_SWITCH(g->dy->dtype, add_squares, &t, (int)i);
    }
    /* Without strips, sums are zeros. */
    if (t.squares > 0 || t.fresh) {
        t.look.x = (struct conv_ahead){ .left = 0 };
        multiply_squares(&t);
    }
    for (size_t i = 0; i < (size_t)g->set.panels; i++)
        make_slab(&t, t.sum + i * p.sum, g->scratch + i * slab);
}
