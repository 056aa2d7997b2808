/*
 * Products of matrices that are never stored: sum (M, N) = A (M, K) times
 * B (K, N). Sources find the elements of A and B, and an output takes the sums.
 * Convolution and its gradients are such products (patches.h).
 *
 * A block computes a tile of BM by BN sums from tiles of A and B, BK deep, in
 * shared memory. There is room for GEMM_STAGES pairs of tiles: while one pair
 * is multiplied, the next are on their way. Elements that are used as they lie
 * in memory are copied while the threads work (async.h). Elements that a source
 * changes on the way, or that a product reads in another order, go through
 * registers.
 *
 * A source has an element type, and gives `width` elements in a row at once.
 * Its rows and columns count such packs: `along_k` says whether columns are
 * along K. load() loads a pack, and a `filter` turns it into the matrix's
 * elements. A source that is `direct` needs no filter, and find() says where
 * its packs are. Both functions return false beyond the matrix, where the tile
 * has zeros.
 */
#ifndef MEMDIAL_CUDA_GEMM_H
#define MEMDIAL_CUDA_GEMM_H

#include "kernels/cuda/async.h"
#include "kernels/cuda/mma.h"

enum { GEMM_BM = 128, GEMM_STAGES = 3 };

/* n / divisor for 0 <= n < 2^31 (Granlund and Montgomery, "Division by
 * invariant integers using multiplication", 1994). */
struct divider {
    uint32_t divisor, factor, shift;

    explicit divider(int d) : divisor((uint32_t)d), factor(1), shift(0)
    {
        while ((uint64_t)1 << shift < divisor)
            shift++;
        factor = (uint32_t)(((((uint64_t)1 << shift) - divisor) << 32)
                            / divisor + 1);
    }

    __device__ int quotient(int n) const
    {
        return (int)((__umulhi((uint32_t)n, factor) + (uint32_t)n) >> shift);
    }

    __device__ int remainder(int n) const
    {
        return n - quotient(n) * (int)divisor;
    }
};

/*
 * Tiles in shared memory. X is the extent that is not BK. Rows are padded, so
 * that lanes which read a fragment, or a matrix for load_matrices(), never meet
 * in a bank.
 */

/* A tile with the rows and columns of its source. */
template <typename T, int X, int BK, bool ALONG_K> struct straight_tile {
    static constexpr bool straight = true;
    static constexpr int ROWS = ALONG_K ? X : BK;
    static constexpr int PAD = ALONG_K ? 16 / (int)sizeof(T) : 8;

    alignas(16) T at[ROWS][(ALONG_K ? BK : X) + PAD];

    template <int W>
    __device__ void put(int row, int column, const pack<T, W> &p)
    {
        *reinterpret_cast<pack<T, W> *>(&at[row][column]) = p;
    }

    /* The element at depth k. */
    __device__ T element(int x, int k) const
    {
        return ALONG_K ? at[x][k] : at[k][x];
    }
};

/* A tile of a source along K, with one row for each k. */
template <int X, int BK> struct turned_tile {
    static constexpr bool straight = false;

    alignas(16) float at[BK][X + 8];

    template <int W>
    __device__ void put(int row, int column, const pack<float, W> &p)
    {
#pragma unroll
        for (int i = 0; i < W; i++)
            at[column + i][row] = p.element[i];
    }
};

/* LINES rows of such a tile, wherever they are. */
template <typename T, int LINES> struct tile_lines {
    const T *line[LINES];
};

/*
 * Ways to multiply tiles, by blocks of THREADS. add() adds the product of two
 * tiles to a thread's sums, ROWS by COLUMNS of them. at(i, j) is in row(i) and
 * column(j) of the block's tile; if j is even, at(i, j + 1) is in the column
 * beside it. Lanes that are ACROSS apart have the same columns.
 *
 * Warps share out the rows of a tile. A tile of few rows is DEEP instead: every
 * warp has sums for all of it, over a share of the depth (warp_tiles).
 *
 * The first factor may also be lines: a thread's own, LINES of them. They take
 * the places of rows line(i) of a tile with its rows along K. Products without
 * matrix units have no LINES.
 */

static __device__ inline int warp_in_block()
{
    return (int)threadIdx.x / WARP_LANES;
}

/* The sums of matrix units. Where a tile is wide, or deep, more warps share it,
 * so that enough registers are left for several blocks. */
template <int N, int M> struct warp_sums {
    static constexpr int BM = M, BN = N;
    static constexpr bool DEEP = BM < GEMM_BM;
    static constexpr int THREADS = BN > 32 || DEEP ? 256 : 128;
    static constexpr int WARPS = THREADS / WARP_LANES;
    static constexpr int HIGH = BM / (DEEP ? 1 : WARPS) / 16, WIDE = BN / 8;
    static constexpr int ROWS = 2 * HIGH, COLUMNS = 2 * WIDE, ACROSS = 4;

    float sum[HIGH][WIDE][4] = {};

    /* The first of the warp's rows 16i.. */
    static __device__ int row_of(int i)
    {
        return ((DEEP ? 0 : warp_in_block() * HIGH) + i) * 16;
    }

    static __device__ int row(int i)
    {
        return row_of(i / 2) + warp_lane() / ACROSS + i % 2 * 8;
    }

    static __device__ int column(int j)
    {
        return j / 2 * 8 + warp_lane() % ACROSS * 2 + j % 2;
    }

    __device__ float &at(int i, int j)
    {
        return sum[i / 2][j / 2][i % 2 * 2 + j % 2];
    }
};

/* Multiplies numbers of 16 bits, on matrix units. */
template <typename T, int N, int M = GEMM_BM>
struct half_product : warp_sums<N, M> {
    using element = T;
    using sums = warp_sums<N, M>;
    using sums::BM, sums::BN, sums::HIGH, sums::WIDE, sums::DEEP;
    static constexpr int DEPTH = DEEP ? 16 : 32;  /* of a warp */
    static constexpr int BK = DEEP ? DEPTH * sums::WARPS : DEPTH;
    static constexpr int LINES = HIGH;

    template <int X, bool ALONG_K>
    using tile = straight_tile<T, X, BK, ALONG_K>;

    static __device__ int line(int i)
    {
        return sums::row_of(i) + warp_lane() % 16;
    }

    /* Rows 16i.. and depth k.. of the warp's part of a. */
    static __device__ void load_a(const tile_lines<T, LINES> &a, int i, int k,
                                  uint32_t (&r)[4])
    {
        load_matrices<false>(r, a.line[i] + k + warp_lane() / 16 * 8);
    }

    template <bool ALONG_K>
    static __device__ void load_a(const tile<BM, ALONG_K> &a, int i, int k,
                                  uint32_t (&r)[4])
    {
        int lane = warp_lane(), low = lane % 8, m = sums::row_of(i);

        if (ALONG_K)
            load_matrices<false>(r, &a.at[line(i)][k + lane / 16 * 8]);
        else
            load_matrices<true>(
                r, &a.at[k + low + lane / 16 * 8][m + lane / 8 % 2 * 8]);
    }

    /* Columns n.. and depth k.., of 16 each. */
    template <bool ALONG_K>
    static __device__ void load_b(const tile<BN, ALONG_K> &b, int n, int k,
                                  uint32_t (&r)[4])
    {
        int lane = warp_lane(), low = lane % 8;

        if (ALONG_K)
            load_matrices<false>(
                r, &b.at[n + low + lane / 16 * 8][k + lane / 8 % 2 * 8]);
        else
            load_matrices<true>(
                r, &b.at[k + low + lane / 8 % 2 * 8][n + lane / 16 * 8]);
    }

    template <typename A, typename B>
    __device__ void add(const A &a, const B &b)
    {
        int first = DEEP ? warp_in_block() * DEPTH : 0;

#pragma unroll
        for (int k = 0; k < DEPTH; k += 16) {
            uint32_t fa[HIGH][4];

#pragma unroll
            for (int i = 0; i < HIGH; i++)
                load_a(a, i, first + k, fa[i]);
#pragma unroll
            for (int j = 0; j < WIDE; j += 2) {
                uint32_t fb[4];

                load_b(b, j * 8, first + k, fb);
#pragma unroll
                for (int i = 0; i < HIGH; i++) {
                    multiply_add(T(), this->sum[i][j], fa[i],
                                 { fb[0], fb[1] });
                    multiply_add(T(), this->sum[i][j + 1], fa[i],
                                 { fb[2], fb[3] });
                }
            }
        }
    }
};

/* Multiplies floats cut to TF32, on matrix units. */
template <int N, int M = GEMM_BM> struct tf32_product : warp_sums<N, M> {
    using element = float;
    using sums = warp_sums<N, M>;
    using sums::BM, sums::BN, sums::HIGH, sums::WIDE, sums::DEEP;
    static constexpr int DEPTH = DEEP ? 8 : 16;   /* of a warp */
    static constexpr int BK = DEEP ? DEPTH * sums::WARPS : DEPTH;

    static constexpr int LINES = sums::ROWS;

    template <int X, bool ALONG_K>
    using tile = straight_tile<float, X, BK, ALONG_K>;

    static __device__ int line(int i)
    {
        return sums::row(i);
    }

    static __device__ float load_a(const tile_lines<float, LINES> &a, int i,
                                   int k)
    {
        return a.line[i][k];
    }

    template <bool ALONG_K>
    static __device__ float load_a(const tile<BM, ALONG_K> &a, int i, int k)
    {
        return a.element(line(i), k);
    }

    template <typename A, typename B>
    __device__ void add(const A &a, const B &b)
    {
        int g = warp_lane() / 4;
        int t = warp_lane() % 4 + (DEEP ? warp_in_block() * DEPTH : 0);

#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            uint32_t fa[HIGH][4];

#pragma unroll
            for (int i = 0; i < HIGH; i++)
#pragma unroll
                for (int r = 0; r < 4; r++)
                    fa[i][r] = to_tf32(
                        load_a(a, 2 * i + r % 2, k + t + r / 2 * 4));
#pragma unroll
            for (int j = 0; j < WIDE; j++) {
                uint32_t fb[2] = { to_tf32(b.element(j * 8 + g, k + t)),
                                   to_tf32(b.element(j * 8 + g, k + t + 4)) };

#pragma unroll
                for (int i = 0; i < HIGH; i++)
                    multiply_add_tf32(this->sum[i][j], fa[i], fb);
            }
        }
    }
};

/* Multiplies floats as they are. A thread has 8 rows, four and four, by BN / 8
 * columns, in fours. */
template <int N, int M = GEMM_BM> struct float_product {
    using element = float;
    static constexpr int THREADS = 128, WARPS = THREADS / WARP_LANES;
    static constexpr int BM = M, BN = N, GROUPS = N / 32;
    static constexpr bool DEEP = BM < GEMM_BM;
    static constexpr int DEPTH = DEEP ? 8 : 16;   /* of a warp */
    static constexpr int BK = DEEP ? DEPTH * WARPS : DEPTH;
    static constexpr int ROWS = 8, COLUMNS = 4 * GROUPS, ACROSS = 8;
    static constexpr int LINES = 0;

    template <int X, bool ALONG_K>
    using tile = std::conditional_t<ALONG_K, turned_tile<X, BK>,
                                    straight_tile<float, X, BK, false>>;

    float sum[ROWS][COLUMNS] = {};

    static __device__ int row(int i)
    {
        int at = DEEP ? warp_lane() : (int)threadIdx.x;

        return at / ACROSS * 4 + i / 4 * (BM / 2) + i % 4;
    }

    static __device__ int column(int j)
    {
        return (int)threadIdx.x % ACROSS * 4 + j / 4 * 32 + j % 4;
    }

    __device__ float &at(int i, int j)
    {
        return sum[i][j];
    }

    template <typename A, typename B>
    __device__ void add(const A &a, const B &b)
    {
        int first = DEEP ? warp_in_block() * DEPTH : 0;

#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            float x[2][4], y[GROUPS][4];

#pragma unroll
            for (int i = 0; i < 2; i++)
                load(x[i], &a.at[first + k][row(4 * i)]);
#pragma unroll
            for (int j = 0; j < GROUPS; j++)
                load(y[j], &b.at[first + k][column(4 * j)]);
#pragma unroll
            for (int i = 0; i < ROWS; i++)
#pragma unroll
                for (int j = 0; j < COLUMNS; j++)
                    sum[i][j] = fmaf(x[i / 4][i % 4], y[j / 4][j % 4],
                                     sum[i][j]);
        }
    }
};

/* Calls f(row, column, first, second) for every two sums of a thread that are
 * side by side. */
template <typename Product, typename F>
static __device__ void each_pair(Product &p, F f)
{
#pragma unroll
    for (int i = 0; i < Product::ROWS; i++)
#pragma unroll
        for (int j = 0; j < Product::COLUMNS; j += 2)
            f(p.row(i), p.column(j), p.at(i, j), p.at(i, j + 1));
}

/* The sums of each warp of a deep product. */
template <typename Product> struct warp_tiles {
    float of_warp[Product::WARPS][Product::BM][Product::BN];
};

/* A deep product's sums once those of its warps are added up, two side by side
 * at a time. */
template <typename Product> struct gathered_sums {
    static constexpr int BM = Product::BM, BN = Product::BN;
    static constexpr int THREADS = Product::THREADS, WARPS = Product::WARPS;
    static constexpr int ACROSS = BN / 2, APART = THREADS / ACROSS;
    static constexpr int ROWS = BM / APART, COLUMNS = 2;

    float sum[ROWS][COLUMNS] = {};

    static __device__ int row(int i)
    {
        return (int)threadIdx.x / ACROSS + i * APART;
    }

    static __device__ int column(int j)
    {
        return (int)threadIdx.x % ACROSS * 2 + j;
    }

    __device__ float &at(int i, int j)
    {
        return sum[i][j];
    }

    __device__ gathered_sums(Product &p, warp_tiles<Product> &room)
    {
        __syncthreads();
        each_pair(p, [&](int i, int j, float first, float second) {
            float (&to)[BN] = room.of_warp[warp_in_block()][i];

            to[j] = first;
            to[j + 1] = second;
        });
        __syncthreads();
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
            for (int k = 0; k < WARPS; k++)
                for (int j = 0; j < COLUMNS; j++)
                    sum[i][j] += room.of_warp[k][row(i)][column(j)];
    }
};

/* What an output takes. */
template <typename Product>
using whole_sums = std::conditional_t<Product::DEEP, gathered_sums<Product>,
                                      Product>;

/* Two sums of each column of the block's tile, added up from the sums over each
 * warp's rows. */
template <typename Product> struct column_sums {
    float of_warp[SUM_ROWS][Product::WARPS][Product::BN];

    /* Adds this thread's share of column(j). */
    __device__ void put(int which, int j, float sum)
    {
#pragma unroll
        for (int mask = WARP_LANES / 2; mask >= Product::ACROSS; mask /= 2)
            sum += __shfl_xor_sync(0xFFFFFFFF, sum, mask);
        if (warp_lane() < Product::ACROSS)
            of_warp[which][threadIdx.x / WARP_LANES][Product::column(j)] = sum;
    }

    /* Call it after a barrier. */
    __device__ float total(int which, int column) const
    {
        float sum = of_warp[which][0][column];

#pragma unroll
        for (int i = 1; i < Product::WARPS; i++)
            sum += of_warp[which][i][column];
        return sum;
    }
};

/* A thread's share of each tile of a source: COUNT packs of elements, in rows
 * that are HIGH apart. */
template <typename Product, typename Source, int X> struct tile_share {
    static constexpr bool ALONG_K = Source::along_k;
    static constexpr int W = Source::width;
    static constexpr int ROWS = ALONG_K ? X : Product::BK;
    static constexpr int ACROSS = (ALONG_K ? Product::BK : X) / W;
    static constexpr int HIGH = Product::THREADS / ACROSS, COUNT = ROWS / HIGH;

    static_assert(COUNT * HIGH == ROWS, "equal shares");

    /* Whether the figures of the rows stay in registers. */
    static constexpr bool KEPT = ALONG_K && COUNT <= 8;

    using T = typename Source::element;
    using tile = typename Product::template tile<X, ALONG_K>;

    const Source &source;
    int first, row, column;      /* of the tiles' rows; of this thread's */
    typename Source::row rows[KEPT ? COUNT : 1];
    typename Source::column at;

    __device__ tile_share(const Source &from, int x)
        : source(from), first(x), row((int)threadIdx.x / ACROSS),
          column((int)threadIdx.x % ACROSS * W)
    {
        if (!ALONG_K)
            at = source.column_at(x + column);
        if (KEPT)
#pragma unroll
            for (int i = 0; i < (KEPT ? COUNT : 1); i++)
                rows[i] = source.row_at(x + row + i * HIGH);
    }

    /* Calls f(i, row, row in the tile) for each of the packs of the tile at
     * depth k; all are in column `at`. */
    template <typename F> __device__ void each(int k, F f)
    {
        if (ALONG_K)
            at = source.column_at(k + column);
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            int in_tile = row + i * HIGH;

            f(i, KEPT ? rows[KEPT ? i : 0]
                      : source.row_at((ALONG_K ? first : k) + in_tile),
              in_tile);
        }
    }
};

/* Copies tiles. */
template <typename Product, typename Source, int X>
struct tile_copier : tile_share<Product, Source, X> {
    using share = tile_share<Product, Source, X>;
    using typename share::T, typename share::tile;

    using share::share;

    /* Starts to bring the tile at depth k; put() ends this. */
    __device__ void fetch(tile &to, int k)
    {
        this->each(k, [&](int, const typename Source::row &r, int row) {
            const T *from;
            bool there = this->source.find(r, this->at, &from);

            copy_async<sizeof(T) * Source::width>(&to.at[row][this->column],
                                                  from, there);
        });
    }

    __device__ void put(tile &)
    {
    }
};

/* Loads tiles, and stores them once its filter has been applied. */
template <typename Product, typename Source, int X>
struct tile_mover : tile_share<Product, Source, X> {
    using share = tile_share<Product, Source, X>;
    using typename share::T, typename share::tile;

    pack<T, share::W> moved[share::COUNT];
    uint32_t found = 0;          /* a bit for each of these */

    using share::share;

    __device__ void fetch(tile &, int k)
    {
        found = 0;
        this->each(k, [&](int i, const typename Source::row &r, int) {
            moved[i] = {};
            if (this->source.load(r, this->at, moved[i]))
                found |= 1u << i;
        });
    }

    __device__ void put(tile &to)
    {
        typename Source::filter filter(this->source, this->at);

#pragma unroll
        for (int i = 0; i < share::COUNT; i++) {
            if (found >> i & 1)
                filter.apply(moved[i]);
            to.put(this->row + i * share::HIGH, this->column, moved[i]);
        }
    }
};

/* A copy moves at least 4 bytes. */
template <typename Product, typename Source, int X>
using tile_loader = std::conditional_t<
    Source::direct && tile_share<Product, Source, X>::tile::straight
        && sizeof(typename Source::element) * Source::width >= 4,
    tile_copier<Product, Source, X>, tile_mover<Product, Source, X>>;

/* The shared memory of a block: the stages, and after them sums of columns. Two
 * blocks fit at once where a multiprocessor has no more than 100 KiB, 1 KiB for
 * each block itself. */
template <typename Product, typename A, typename B> union gemm_shared {
    struct {
        typename Product::template tile<Product::BM, A::along_k> a;
        typename Product::template tile<Product::BN, B::along_k> b;
    } stage[GEMM_STAGES];
    std::conditional_t<Product::DEEP, warp_tiles<Product>, char> warps;
    column_sums<whole_sums<Product>> columns;

    static_assert(sizeof(stage) <= 48 * 1024, "two blocks of 49 KiB");
};

/*
 * Block (x, y, z) computes tile x of M and y of N over part z of K, each of
 * `part`. While one stage is multiplied the stage before it is filled again:
 * after the barrier nobody reads that one any more. Every stage is a group of
 * copies, even if nothing is left to copy. So the next stage is there once all
 * groups but those of later stages have arrived.
 *
 * output.take(product, columns, m, n) gets the sums of the tile that begins in
 * row m and column n.
 */
template <typename Product, typename A, typename B, typename Output>
static __global__ void __launch_bounds__(Product::THREADS)
    gemm(A a, B b, int k_end, int part, Output output)
{
    wait_for_earlier();

    constexpr int AHEAD = GEMM_STAGES - 1;
    gemm_shared<Product, A, B> &s = shared<gemm_shared<Product, A, B>>();
    int m = (int)blockIdx.x * Product::BM, n = (int)blockIdx.y * Product::BN;
    int k = (int)blockIdx.z * part, now = 0, next = 0;
    tile_loader<Product, A, Product::BM> from_a(a, m);
    tile_loader<Product, B, Product::BN> from_b(b, n);
    Product product;

    k_end = k_end - k < part ? k_end : k + part;
    for (; next < AHEAD; next++) {
        if (k + next * Product::BK < k_end) {
            from_a.fetch(s.stage[next].a, k + next * Product::BK);
            from_b.fetch(s.stage[next].b, k + next * Product::BK);
            from_a.put(s.stage[next].a);
            from_b.put(s.stage[next].b);
        }
        async_commit();
    }
    for (; k < k_end; k += Product::BK) {
        bool more = k + AHEAD * Product::BK < k_end;

        async_wait<AHEAD - 1>();
        __syncthreads();
        if (more) {
            from_a.fetch(s.stage[next].a, k + AHEAD * Product::BK);
            from_b.fetch(s.stage[next].b, k + AHEAD * Product::BK);
        }
        async_commit();
        product.add(s.stage[now].a, s.stage[now].b);
        if (more) {
            from_a.put(s.stage[next].a);
            from_b.put(s.stage[next].b);
        }
        next = now;
        now = now + 1 < GEMM_STAGES ? now + 1 : 0;
    }
    if constexpr (Product::DEEP) {
        gathered_sums<Product> sums(product, s.warps);

        output.take(sums, s.columns, m, n);
    } else {
        output.take(product, s.columns, m, n);
    }
}

template <typename Product, typename A, typename B, typename Output>
static void gemm_launch(struct queue *q, const A &a, const B &b, int m, int n,
                        int k, int part, const Output &output)
{
    int parts = part < k ? (k + part - 1) / part : 1;

    launch(q,
           dim3((unsigned)((m + Product::BM - 1) / Product::BM),
                (unsigned)((n + Product::BN - 1) / Product::BN),
                (unsigned)parts),
           Product::THREADS, sizeof(gemm_shared<Product, A, B>),
           gemm<Product, A, B, Output>, a, b, k, part, output);
}

#endif
