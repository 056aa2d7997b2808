/*
 * Convolutions with filters of 3 x 3 and a stride of 1 whose results are as
 * large as their tensors, and their data gradients. These are products of
 * matrices (patches.h), but a block brings each element of the tensor to shared
 * memory once, not once for every tap that sees it.
 *
 * A block computes GEMM_BM pixels in a row. All pixels that their taps see are
 * in a row too, if neighbouring lines of the image are brought along: a halo of
 * a line and a pixel on both sides. There the tap in line y and column x of the
 * filter sees pixel p in row
 *
 *     p + y width + x
 *
 * of the tile. So the products of all taps read one tile, each at rows shifted
 * by as much. Where a tap sees nothing, since that row is of another line or
 * image, a row of zeros takes its place.
 *
 * Tiles hold BK channels. While the taps of one are multiplied the next is on
 * its way. The weights of every tap come as in gemm.h.
 */
#ifndef MEMDIAL_CUDA_PATCHES_HALO_H
#define MEMDIAL_CUDA_PATCHES_HALO_H

#include "kernels/cuda/patches.h"

enum {
    HALO_SIDE = 3, HALO_TAPS = HALO_SIDE * HALO_SIDE,
    HALO_WIDTH = 32,             /* of the widest image */
    HALO_ROWS = GEMM_BM + 2 * (HALO_WIDTH + 1),
    BANK_ROWS = 8                /* before a tile's banks repeat */
};

/* A tensor (N, H, W, C) as the taps see it, in the order of their filter, or,
 * if TRANSPOSED, the other way round. */
template <typename T, int W_, bool TRANSPOSED, bool DIRECT> struct pixels {
    using element = T;
    static constexpr int width = W_;
    static constexpr bool direct = DIRECT;
    using filter = std::conditional_t<DIRECT, no_filter<T, W_>,
                                      stat_filter<T, W_>>;

    const T *data;
    const float *stat;           /* to load the tensor through, or NULL */
    int rows, channels;
    divider across, high;        /* W and H */

    explicit pixels(const struct operand *tensor)
        : data(data_of<T>(tensor)), stat(tensor->through),
          rows((int)operand_rows(tensor)), channels(tensor->dim[3]),
          across(tensor->dim[2]), high(tensor->dim[1])
    {
    }

    /* The channels from this one on, for a filter. */
    struct column {
        int channel;
    };

    __device__ int image_width() const
    {
        return (int)across.divisor;
    }

    __device__ const T *find(int pixel, int channel) const
    {
        return data + (size_t)pixel * (size_t)channels + (size_t)channel;
    }

    /* Where the weights of a step begin, in the depth of a product. A step is
     * a tap of BK channels. */
    template <int BK> __device__ int depth(int step) const
    {
        int block = step / HALO_TAPS, tap = step % HALO_TAPS;

        return (TRANSPOSED ? HALO_TAPS - 1 - tap : tap) * channels
               + block * BK;
    }
};

/* Pixels by channels. */
template <typename Product>
using halo_tile = straight_tile<typename Product::element, HALO_ROWS,
                                Product::BK, true>;

template <typename Product>
struct zero_rows : straight_tile<typename Product::element, BANK_ROWS,
                                 Product::BK, true> {
    using T = typename Product::element;

    __device__ void fill()
    {
        constexpr int W = FULL_WIDTH<T>, ACROSS = Product::BK / W;
        int i = (int)threadIdx.x;

        if (i < BANK_ROWS * ACROSS)
            this->put(i / ACROSS, i % ACROSS * W, pack<T, W>{});
    }
};

/* Brings the tiles of the pixels from m on, in SHARES. Of each a thread has a
 * pack of elements in one row. */
template <typename Product, typename Source> struct halo_loader {
    using T = typename Product::element;
    using tile = halo_tile<Product>;
    static constexpr int W = Source::width, ACROSS = Product::BK / W;
    static constexpr int HIGH = Product::THREADS / ACROSS;
    static constexpr int SHARES = (HALO_ROWS + HIGH - 1) / HIGH;

    const Source &source;
    int row, column, pixel;      /* of this thread, in share 0 */
    int end;                     /* of the pixels that are of use */

    __device__ halo_loader(const Source &from, int m)
        : source(from), row((int)threadIdx.x / ACROSS),
          column((int)threadIdx.x % ACROSS * W),
          pixel(m - from.image_width() - 1 + row),
          end(m + GEMM_BM + from.image_width() + 1)
    {
        end = end < from.rows ? end : from.rows;
    }

    __device__ bool has(int share) const
    {
        return (unsigned)(pixel + share * HIGH) < (unsigned)end;
    }

    /* Starts to bring a share of the tile of the channels from `channel` on;
     * put() ends this. */
    __device__ void fetch(tile &to, int channel, int share,
                          pack<T, W> &moved) const
    {
        int at = row + share * HIGH;
        const T *from = source.find(pixel + share * HIGH, channel + column);

        if (!has(share))
            return;
        if (Source::direct)
            copy_async<sizeof(T) * W>(&to.at[at][column], from, true);
        else
            moved = *reinterpret_cast<const pack<T, W> *>(from);
    }

    __device__ void put(tile &to, int channel, int share,
                        pack<T, W> &moved) const
    {
        typename Source::column c = { channel + column };

        if (Source::direct || !has(share))
            return;
        typename Source::filter(source, c).apply(moved);
        to.put(row + share * HIGH, column, moved);
    }

    /* Brings all of the first tile. */
    __device__ void bring(tile &to) const
    {
        pack<T, W> moved[SHARES];

#pragma unroll
        for (int i = 0; i < SHARES; i++)
            fetch(to, 0, i, moved[i]);
#pragma unroll
        for (int i = 0; i < SHARES; i++)
            put(to, 0, i, moved[i]);
    }
};

/* The lines that a thread multiplies, for one tap after the other. */
template <typename Product> struct halo_lines {
    using lines = tile_lines<typename Product::element, Product::LINES>;

    static_assert(Product::LINES * HALO_SIDE <= 32, "bits of a word");

    /* HALO_SIDE bits for each line: whether its pixel has a pixel above it, is
     * there, and has one below; and likewise across. */
    uint32_t down = 0, across = 0;

    template <typename Source>
    __device__ halo_lines(const Source &source, int m)
    {
#pragma unroll
        for (int i = 0; i < Product::LINES; i++) {
            int p = m + Product::line(i);
            int y = source.high.remainder(source.across.quotient(p));
            int x = source.across.remainder(p);

            if (p >= source.rows)
                continue;
            down |= sides(y, source.high) << (i * HALO_SIDE);
            across |= sides(x, source.across) << (i * HALO_SIDE);
        }
    }

    static __device__ uint32_t sides(int at, const divider &extent)
    {
        return (at > 0) | 2u | (at + 1 < (int)extent.divisor) << 2;
    }

    /* A row of zeros is in the banks of the row whose place it takes. */
    __device__ lines seen(const halo_tile<Product> &tile,
                          const zero_rows<Product> &zeros, int width, int y,
                          int x) const
    {
        lines all;

#pragma unroll
        for (int i = 0; i < Product::LINES; i++) {
            int row = Product::line(i) + y * width + x;
            bool there = down >> (i * HALO_SIDE + y)
                         & across >> (i * HALO_SIDE + x) & 1;

            all.line[i] = there ? tile.at[row]
                                : zeros.at[row & (BANK_ROWS - 1)];
        }
        return all;
    }
};

/* The shared memory of a block: TILES tiles, one if these hold all channels.
 * The sums of columns come after the weights. */
template <typename Product, typename B, int TILES> struct halo_shared {
    zero_rows<Product> zeros;
    union {
        typename Product::template tile<Product::BN, B::along_k> b[GEMM_STAGES];
        column_sums<Product> columns;
    };
    halo_tile<Product> a[TILES];
};

/* Blocks of a multiprocessor among which the compiler shares out registers; 0:
 * as many as it likes, which spills some where floats have few columns. */
template <typename Product>
constexpr int HALO_BLOCKS
    = sizeof(typename Product::element) == 4 && Product::BN == 32 ? 4 : 0;

/*
 * Block (x, y) computes tile x of the pixels and y of the columns of B. As in
 * gemm(), weights come AHEAD steps before they are multiplied, and every step
 * is a group of copies. A step is a tap, in line y and column x of the filter.
 * In each a share of the next channels' tile comes too.
 */
template <typename Product, typename A, typename B, typename Output>
static __global__ void
    __launch_bounds__(Product::THREADS, HALO_BLOCKS<Product>)
    halo_gemm(A a, B b, Output output)
{
    wait_for_earlier();

    constexpr int AHEAD = GEMM_STAGES - 1, BK = Product::BK;
    using room = halo_shared<Product, B, 2>;
    using small_room = halo_shared<Product, B, 1>;
    using loader = halo_loader<Product, A>;
    room &s = a.channels > BK ? shared<room>()
                              : reinterpret_cast<room &>(shared<small_room>());
    int m = (int)blockIdx.x * GEMM_BM, n = (int)blockIdx.y * Product::BN;
    int steps = a.channels / BK * HALO_TAPS, step = 0;
    loader from_a(a, m);
    tile_loader<Product, B, Product::BN> from_b(b, n);
    halo_lines<Product> lines(a, m);
    pack<typename A::element, A::width> moved;
    Product product;

    static_assert((int)GEMM_STAGES == (int)HALO_SIDE, "x is a stage");
    static_assert(loader::SHARES < HALO_TAPS, "all before the last tap");
    s.zeros.fill();
    from_a.bring(s.a[0]);
    for (int i = 0; i < AHEAD; i++) {
        from_b.fetch(s.b[i], a.template depth<BK>(i));
        from_b.put(s.b[i]);
        async_commit();
    }
#pragma unroll 1
    for (int y = 0, channel = 0; channel < a.channels;) {
        halo_tile<Product> &here = s.a[channel / BK % 2];
        halo_tile<Product> &later = s.a[1 - channel / BK % 2];
        int shares = channel + BK < a.channels ? loader::SHARES : 0;

#pragma unroll
        for (int x = 0; x < HALO_SIDE; x++, step++) {
            typename Product::template tile<Product::BN, B::along_k> &next
                = s.b[(x + AHEAD) % GEMM_STAGES];
            int share = y * HALO_SIDE + x;
            bool more = step + AHEAD < steps;

            async_wait<AHEAD - 1>();
            __syncthreads();
            if (more)
                from_b.fetch(next, a.template depth<BK>(step + AHEAD));
            if (share < shares)
                from_a.fetch(later, channel + BK, share, moved);
            async_commit();
            product.add(lines.seen(here, s.zeros, a.image_width(), y, x),
                        s.b[x]);
            if (more)
                from_b.put(next);
            if (share < shares)
                from_a.put(later, channel + BK, share, moved);
        }
        if (++y == HALO_SIDE) {
            y = 0;
            channel += BK;
        }
    }
    output.take(product, s.columns, m, n);
}

template <typename Product, typename A, typename B, typename Output>
static void halo_launch(struct queue *q, const A &a, const B &b, int columns,
                        const Output &output)
{
    using room = halo_shared<Product, B, 2>;
    using small_room = halo_shared<Product, B, 1>;
    size_t bytes = a.channels > Product::BK ? sizeof(room)
                                            : sizeof(small_room);

    static_assert(sizeof(room) <= 48 * 1024,
                  "two blocks of 49 KiB");
    launch(q,
           dim3((unsigned)((a.rows + GEMM_BM - 1) / GEMM_BM),
                (unsigned)((columns + Product::BN - 1) / Product::BN)),
           Product::THREADS, bytes, halo_gemm<Product, A, B, Output>, a, b,
           output);
}

/* Whether tiles with their halo are of use for patches of a tensor. */
template <typename Product>
static bool halo_fits(const struct conv_shape &s, const struct operand *tensor)
{
    return s.taps == HALO_TAPS && s.kw == HALO_SIDE && s.stride == 1
           && s.pad == 1 && s.w <= HALO_WIDTH
           && tensor->dim[3] % Product::BK == 0;
}

/* Multiplies the patches of a tensor, of this kind and loaded as they lie if
 * DIRECT, by `weights`, with as many columns. */
template <typename Product, int W, patch_kind KIND, bool DIRECT, typename B,
          typename Output>
static void conv_multiply(struct queue *q, const struct conv_shape &s,
                          const struct operand *tensor, const B &weights,
                          int columns, const Output &output)
{
    using T = typename Product::element;
    patches<T, W, KIND, true, DIRECT> seen(tensor, s);

    if constexpr (W > 1 && KIND != SPREAD_PATCHES && Product::LINES > 0)
        if (halo_fits<Product>(s, tensor)) {
            pixels<T, W, KIND == TRANSPOSED_PATCHES, DIRECT> all(tensor);

            halo_launch<Product>(q, all, weights, columns, output);
            return;
        }
    gemm_launch<Product>(q, seen, weights, seen.rows, columns, seen.columns,
                         seen.columns, output);
}

#endif
