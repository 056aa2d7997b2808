/*
 * The micro-kernel. A tile is some lines by at most two vectors of a panel;
 * its sums, a row of the panel and one broadcast fill the registers. There is
 * a copy for every number of lines, so that those to be done can be divided
 * evenly: a short tile wastes the multipliers, and an overlong one work.
 *
 * AVX-512 has 24 sums in 32 registers, AVX2 12 in 16. There a step in depth is
 * 12 multiply-adds, 8 loads and 3 instructions more: six cycles of two
 * multipliers, four of two load ports, and less than four instructions a cycle.
 * So multiply-adds bound it while its operands are in the first-level cache.
 * The half that AVX2 once lost went around the tile: to sums that were read and
 * written between blocks, to lines in one set of the cache, and to taps where
 * squares do (winograd.h).
 */
#include "kernels/cpu/conv_tile.h"

#include "kernels/cpu/vec.h"

#ifdef __AVX512F__
enum { TILE_LINES = 12 };
#else
enum { TILE_LINES = 6 };
#endif
enum { TILE_VECTORS = 2, SEGMENT_SUMS = 4 /* lines */ };

/* Vectors of a tile. */
static inline int tile_vectors(int lanes)
{
    return lanes > VLEN ? TILE_VECTORS : 1;
}

/* Tiles of all lines. */
static inline int tiles_along(int lines)
{
    return (lines + TILE_LINES - 1) / TILE_LINES;
}

size_t KERNEL(conv_tile_count)(int lines, int lanes)
{
    int each = tile_vectors(lanes) * VLEN;

    return (size_t)tiles_along(lines) * (size_t)((lanes + each - 1) / each);
}

INLINE vf tile_add(vf sum, const bool pairs, const float *x, vf row)
{
    if (pairs)
        return vf_dot(sum, vf_set_pair(x), row);
    return sum + vf_set(*x) * row;
}

/* Asks for some sums of the next tile, which lie behind those of this one. Else
 * it would wait for them, and no arithmetic with it. */
INLINE void ask_for_sums(const float *next, int segment)
{
    const int line = CPU_ALIGNMENT / (int)sizeof(*next);

    UNROLL
    for (int i = 0; i < SEGMENT_SUMS; i++)
        __builtin_prefetch(next + (segment * SEGMENT_SUMS + i) * line, 1, 3);
}

/* All but x_k in the least are constants where it is inlined. */
INLINE void tile_run(const struct conv_tile *t, const bool pairs,
                     const int lines, const int vectors, const int x_line,
                     int x_k)
{
    /* A constant where it can be. */
    const int width =
        vectors * VLEN > CONV_NARROW_PANEL ? CONV_PANEL : t->width;
    vf sum[TILE_LINES][TILE_VECTORS], row[TILE_VECTORS];
    const float *panel = t->panel;
    const bool far = t->far;

    UNROLL
    for (int i = 0; i < lines; i++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[i][v] = t->fresh ? vf_set(0)
                        : vf_load(t->sum + i * width + v * VLEN);
    for (int s = 0; s < t->segments; s++) {
        const float *x = t->x + t->offset[s];
        int depth = s + 1 < t->segments ? t->depth : t->last;

        for (int k = 0; k < depth; k++, x += x_k, panel += width) {
            UNROLL
            for (int v = 0; v < vectors; v++)
                row[v] = vf_load(panel + v * VLEN);
            UNROLL
            for (int i = 0; i < lines; i++)
                UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[i][v] = tile_add(sum[i][v], pairs, x + i * x_line,
                                         row[v]);
        }
        conv_ahead_ask(t->ahead);
        if (far)
            ask_for_sums(t->sum + lines * width, s);
    }
    UNROLL
    for (int i = 0; i < lines; i++)
        UNROLL
        for (int v = 0; v < vectors; v++)
            vf_store(t->sum + i * width + v * VLEN, sum[i][v]);
}

#define TILE_CASE(n) \
    case n: \
        if (n <= TILE_LINES && vectors == 1) \
            tile_run(t, pairs, n, 1, x_line, x_k); \
        else if (n <= TILE_LINES) \
            tile_run(t, pairs, n, TILE_VECTORS, x_line, x_k); \
        break;

INLINE void tile_sized(const struct conv_tile *t, const bool pairs, int lines,
                       int vectors, const int x_line, int x_k)
{
    switch (lines) {
    TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5)
    TILE_CASE(6) TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10)
    TILE_CASE(11) TILE_CASE(12)
    }
}

INLINE void tile_all(const struct conv_tile *t, const bool pairs,
                     const int x_line, int x_k)
{
    int vectors = tile_vectors(t->lanes);

    for (int lane = 0; lane < t->lanes; lane += vectors * VLEN) {
        int tiles = tiles_along(t->lines);
        struct conv_tile part = *t;

        part.panel += lane;
        part.sum += lane;
        for (int left = t->lines; tiles > 0; tiles--) {
            int lines = (left + tiles - 1) / tiles;

            tile_sized(&part, pairs, lines, vectors, x_line, x_k);
            part.x += lines * x_line;
            part.sum += lines * t->width;
            left -= lines;
        }
    }
}

void KERNEL(conv_tile_pixels)(const struct conv_tile *t)
{
    if (VF_DOTS && t->pairs)
        tile_all(t, true, CONV_BLOCK, 1);
    else
        tile_all(t, false, CONV_BLOCK, 1);
}

void KERNEL(conv_tile_channels)(const struct conv_tile *t)
{
    if (VF_DOTS && t->pairs)
        tile_all(t, true, 1, t->x_k);
    else
        tile_all(t, false, 1, t->x_k);
}
