/*
 * Sparse convolutions beside dense ones, for the layers of WRN-28-2: what
 * skipping zeros gains at each density. Where it pays, a build with
 * CPPFLAGS=-DPOOL_SKIP_MEASURED says, whose kernels skip below a half. Others
 * skip below one nonzero in POOL_SKIP or POOL_SKIP_GRADIENT.
 * MEMDIAL_CPU_ISA names another instruction set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/open_cpu.h"
#include "kernels/pool.h"

static const struct layer {
    int side, channels;
} layers[] = { { 32, 32 }, { 16, 64 }, { 8, 128 } };

static const double densities[] = { 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05,
                                    0.02 };

enum { LAYERS = 3, DENSITIES = 8, IMAGES = 20, REPEATS = 7 };

static const struct product {
    enum op_code code;
    const char *name;
    int x, w, y;
} products[] = {
    { OP_conv, "conv", CONV_X, CONV_W, CONV_Y },
    { OP_conv_dgrad, "conv_dgrad", CONV_DGRAD_DX, CONV_DGRAD_W,
      CONV_DGRAD_DY },
    { OP_conv_wgrad, "conv_wgrad", CONV_WGRAD_X, CONV_WGRAD_DW,
      CONV_WGRAD_DY },
};

static float *noise(size_t n)
{
    float *x = malloc(n * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = philox_unit(philox(1, i, PHILOX_DRAW, 0).x[0]) - 0.5f;
    return x;
}

/* Seconds of the fastest of some calls. */
static double fastest(struct device *device, enum op_code code,
                      struct call *c)
{
    size_t bytes = (cpu_backend.scratch(code, c) + 64) / 64 * 64;
    double best;

    c->scratch = aligned_alloc(64, bytes);
    c->scratch_bytes = bytes;
    memset(c->scratch, 0, bytes);
    best = fastest_call(device, code, c, REPEATS);
    free(c->scratch);
    c->scratch = NULL;
    return best;
}

static void measure(struct device *device, int threads,
                    const struct layer *l, const struct product *p)
{
    int k = l->channels, dim[] = { IMAGES, l->side, l->side, k };
    size_t pixels = (size_t)(IMAGES * l->side * l->side);
    struct pool_member member = { 0, (size_t)(9 * k * k) };
    struct pool pool = { 1, &member, (member.elements + 63) / 64,
                         member.elements, member.elements, 0 };
    void *index = calloc(1, pool_index_bytes(&pool));
    uint64_t *bits = calloc(pool.words, sizeof(*bits));
    struct call c = { .attr.conv = { .stride = 1, .pad = 1 },
                      .threads = threads };
    double dense;

    c.operand[p->x] = c.operand[p->y] =
        (struct operand){ .dtype = DTYPE_F32, .rank = 4 };
    memcpy(c.operand[p->x].dim, dim, sizeof(dim));
    memcpy(c.operand[p->y].dim, dim, sizeof(dim));
    c.operand[p->w] = (struct operand){ .dtype = DTYPE_F32, .rank = 4,
                                        .dim = { 3, 3, k, k } };
    c.operand[p->x].data = noise(pixels * (size_t)k);
    c.operand[p->y].data = noise(pixels * (size_t)k);
    c.operand[p->w].data = noise(member.elements);
    dense = fastest(device, p->code, &c);
    printf("| %dx%d, %d | %s | %.2f |", l->side, l->side, k, p->name,
           1e3 * dense);
    c.operand[p->w].index = index;
    c.operand[p->w].pool = &pool;
    for (int i = 0; i < DENSITIES; i++) {
        memset(bits, 0, pool.words * sizeof(*bits));
        pool.nonzeros = (size_t)(densities[i] * (double)member.elements);
        pool_choose(&pool, 0, (struct pool_stream){ 1, PHILOX_PLACE, 0 },
                    bits, pool_bitmap(bits), pool.nonzeros,
                    member.elements);
        pool.low_bits = pool_smallest_index(&pool);
        pool_encode(&pool, bits, index);
        printf(" %.2f |", dense / fastest(device, p->code, &c));
    }
    putchar('\n');
    fflush(stdout);
    for (int i = 0; i < 3; i++)
        free(c.operand[i == 0 ? p->x : i == 1 ? p->w : p->y].data);
    free(index);
    free(bits);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    char hardware[WHY_SIZE];
    struct device *device = open_cpu(threads, hardware);

    printf("3x3 convolutions of %d images on %d thread%s (%s): times as fast "
           "as dense\n\n| map, channels | operation | dense, ms |", IMAGES,
           threads, threads == 1 ? "" : "s", hardware);
    for (int i = 0; i < DENSITIES; i++)
        printf(" %g |", densities[i]);
    printf("\n|---|---|---|");
    for (int i = 0; i < DENSITIES; i++)
        printf("---|");
    putchar('\n');
    for (int l = 0; l < LAYERS; l++)
        for (int p = 0; p < 3; p++)
            measure(device, threads, &layers[l], &products[p]);
    cpu_backend.close(device);
    return 0;
}
