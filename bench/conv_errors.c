/*
 * What squares gain and cost the 3x3 convolutions of WRN-28-2 beside sums over
 * taps (winograd.h): how many times as fast a pixel is, and the errors of
 * rounding. These are the largest and the root mean square error of elements
 * drawn at random, against sums in double precision of the same floats,
 * relative to the root mean square of these elements. Sums over taps are had
 * from the same images with one row and one column of zeros more, which are not
 * cut into squares. MEMDIAL_CPU_ISA names another instruction set.
 *
 *     conv_errors [THREADS]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/normal.h"
#include "bench/open_cpu.h"
#include "kernels/philox.h"

static const struct layer {
    int side, channels;
} layers[] = { { 32, 16 }, { 32, 32 }, { 16, 64 }, { 8, 128 } };

static const struct product {
    enum op_code code;
    const char *name;
    int x, w, y, out;
} products[] = {
    { OP_conv, "conv", CONV_X, CONV_W, CONV_Y, CONV_Y },
    { OP_conv_dgrad, "conv_dgrad", CONV_DGRAD_DX, CONV_DGRAD_W,
      CONV_DGRAD_DY, CONV_DGRAD_DX },
    { OP_conv_wgrad, "conv_wgrad", CONV_WGRAD_X, CONV_WGRAD_DW,
      CONV_WGRAD_DY, CONV_WGRAD_DW },
};

enum { LAYERS = sizeof(layers) / sizeof(*layers), PRODUCTS = 3, IMAGES = 20,
       DRAWN = 2000, REPEATS = 9 };

static uint32_t word(uint32_t stream, size_t i)
{
    return philox(1, i, PHILOX_DRAW, stream).x[0];
}

/* x is as after a ReLU, w as at the beginning, y as gradients are. */
struct tensors {
    struct layer layer;
    float *x, *w, *y;
};

static size_t place(int side, int channels, int image, int row, int column)
{
    return (size_t)(((image * side + row) * side + column) * channels);
}

static struct tensors tensors_new(struct layer l)
{
    size_t maps = place(l.side, l.channels, IMAGES, 0, 0);
    size_t weights = (size_t)(9 * l.channels * l.channels);
    struct tensors t = { l, calloc(maps, sizeof(float)),
                         calloc(weights, sizeof(float)),
                         calloc(maps, sizeof(float)) };

    for (size_t i = 0; i < maps; i++) {
        t.x[i] = fmaxf(normal(1, i), 0);
        t.y[i] = normal(2, i);
    }
    for (size_t i = 0; i < weights; i++)
        t.w[i] = normal(3, i) * sqrtf(2 / (9 * (float)l.channels));
    return t;
}

static void tensors_free(const struct tensors *t)
{
    free(t->x);
    free(t->w);
    free(t->y);
}

/* A map with more rows and columns, of zeros, in a new array. */
static float *extended(const float *map, struct layer l, int side)
{
    float *to = calloc(place(side, l.channels, IMAGES, 0, 0), sizeof(*to));

    for (int n = 0; n < IMAGES; n++)
        for (int r = 0; r < l.side; r++)
            memcpy(to + place(side, l.channels, n, r, 0),
                   map + place(l.side, l.channels, n, r, 0),
                   place(l.side, l.channels, 0, 1, 0) * sizeof(*to));
    return to;
}

/* Runs a product on maps of `side` rows; returns what it makes, and its
 * seconds by the pixels of a map. */
static float *run(struct device *device, int threads, const struct tensors *t,
                  const struct product *p, int side, double *seconds)
{
    struct layer l = t->layer;
    struct call c = { .attr.conv = { .stride = 1, .pad = 1 },
                      .threads = threads };
    struct operand map = { .dtype = DTYPE_F32, .rank = 4,
                           .dim = { IMAGES, side, side, l.channels } };
    struct operand filter = { .dtype = DTYPE_F32, .rank = 4,
                              .dim = { 3, 3, l.channels, l.channels } };
    float *x = extended(t->x, l, side), *y = extended(t->y, l, side);
    float *out;

    c.operand[p->x] = c.operand[p->y] = map;
    c.operand[p->w] = filter;
    out = calloc(operand_elements(&c.operand[p->out]), sizeof(*out));
    c.operand[p->x].data = x;
    c.operand[p->y].data = y;
    c.operand[p->w].data = t->w;
    c.operand[p->out].data = out;
    c.scratch_bytes = cpu_backend.scratch(p->code, &c);
    c.scratch = aligned_alloc(64, round_up(c.scratch_bytes + 1, 64));
    *seconds = fastest_call(device, p->code, &c, REPEATS)
               / (side * side);
    memset(out, 0, operand_bytes(&c.operand[p->out]));
    cpu_backend.run(device, p->code, &c);
    free(c.scratch);
    free(x);
    free(y);
    return out;
}

static bool inside(int side, int row, int column)
{
    return row >= 0 && row < side && column >= 0 && column < side;
}

/* An element of y or dx: `row` and `column` of a map, `to` a channel of it. */
static double exact_pixel(const struct tensors *t, bool forward, int image,
                          int row, int column, int to)
{
    int c = t->layer.channels, side = t->layer.side;
    double sum = 0;

    for (int tap = 0; tap < 9; tap++) {
        int down = tap / 3 - 1, right = tap % 3 - 1;
        int r = forward ? row + down : row - down;
        int k = forward ? column + right : column - right;
        const float *from = forward ? t->x : t->y;

        if (!inside(side, r, k))
            continue;
        from += place(side, c, image, r, k);
        for (int i = 0; i < c; i++)
            sum += (double)from[i]
                   * t->w[forward ? (tap * c + i) * c + to
                                  : (tap * c + to) * c + i];
    }
    return sum;
}

/* An element of dw. */
static double exact_weight(const struct tensors *t, int tap, int input,
                           int output)
{
    int c = t->layer.channels, side = t->layer.side;
    double sum = 0;

    for (int i = 0; i < IMAGES * side * side; i++) {
        int row = i / side % side + tap / 3 - 1;
        int column = i % side + tap % 3 - 1;

        if (inside(side, row, column))
            sum += (double)t->x[place(side, c, i / side / side, row, column)
                                + (size_t)input]
                   * t->y[(size_t)i * (size_t)c + (size_t)output];
    }
    return sum;
}

struct errors {
    double most, squares, reference;
};

static void add_error(struct errors *e, double found, double exact)
{
    e->most = fmax(e->most, fabs(found - exact));
    e->squares += (found - exact) * (found - exact);
    e->reference += exact * exact;
}

static void print_errors(const struct errors *e)
{
    printf(" %.2e | %.2e |", e->most / sqrt(e->reference / DRAWN),
           sqrt(e->squares / e->reference));
}

static void measure(struct device *device, int threads, struct layer l,
                    const struct product *p)
{
    struct tensors t = tensors_new(l);
    int c = l.channels, larger = l.side + 1;
    double of_taps, of_squares;
    float *taps = run(device, threads, &t, p, larger, &of_taps);
    float *squares = run(device, threads, &t, p, l.side, &of_squares);
    struct errors by_taps = { 0 }, by_squares = { 0 };

    for (size_t i = 0; i < DRAWN; i++) {
        int image = (int)(word(4, i) % IMAGES);
        int channel = (int)(word(5, i) >> 8) % c;
        int row = (int)(word(6, i) % (uint32_t)l.side);
        int column = (int)(word(7, i) % (uint32_t)l.side);
        int tap = (int)(word(8, i) % 9), input = (int)(word(9, i) >> 8) % c;
        size_t at[2];
        double exact;

        if (p->out == p->w) {
            at[0] = at[1] = (size_t)((tap * c + input) * c + channel);
            exact = exact_weight(&t, tap, input, channel);
        } else {
            at[0] = place(larger, c, image, row, column) + (size_t)channel;
            at[1] = place(l.side, c, image, row, column) + (size_t)channel;
            exact = exact_pixel(&t, p->out == p->y, image, row, column,
                                channel);
        }
        add_error(&by_taps, taps[at[0]], exact);
        add_error(&by_squares, squares[at[1]], exact);
    }
    printf("| %dx%d, %d | %s |", l.side, l.side, c, p->name);
    print_errors(&by_taps);
    print_errors(&by_squares);
    printf(" %.2f |\n", of_taps / of_squares);
    free(taps);
    free(squares);
    tensors_free(&t);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    char hardware[WHY_SIZE];
    struct device *device = open_cpu(threads, hardware);

    printf("%d images, fp32 (%s): errors relative to the root mean square "
           "of the result\n\n"
           "| map, channels | operation | taps: most | rms "
           "| squares: most | rms | times as fast |\n"
           "|---|---|---|---|---|---|---|\n",
           IMAGES, hardware);
    for (int l = 0; l < LAYERS; l++)
        for (int p = 0; p < PRODUCTS; p++)
            measure(device, threads, layers[l], &products[p]);
    cpu_backend.close(device);
    return 0;
}
