/*
 * Products of matrices that exist nowhere as such: sum (M, N) = A (M, K) times
 * B (K, N), where sources say how an element of A or B is found, and an
 * output what becomes of the sums. Convolution and its gradients are such
 * products (conv.h).
 *
 * A block computes a tile of BM by BN sums. Tiles of A and B, BK deep, go
 * through registers to shared memory, where there are two of each: while one
 * pair is multiplied, the next is on its way. A source applies to its elements
 * what they are to be loaded through on that way.
 *
 * A source has an element type, loads `width` elements that lie in a row at
 * once, and gives a tile as rows and columns of those: `along_k` says whether
 * columns are along K. Where it has no elements and load() is false, the tile
 * has zeros.
 */
#ifndef MEMDIAL_CUDA_GEMM_H
#define MEMDIAL_CUDA_GEMM_H

#include "mma.h"

enum { GEMM_THREADS = 128, GEMM_WARPS = GEMM_THREADS / WARP_LANES,
       GEMM_BM = 128, GEMM_PAD = 8 };

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
 * How tiles are multiplied. A tile keeps its elements in an order that the
 * arithmetic likes; add() adds the product of two tiles to the sums of a
 * thread; each() hands every two sums that are side by side to
 * f(row, column, first, second).
 */

/* The sums of matrix units, 32 rows for each warp. */
template <int N> struct warp_sums {
    static constexpr int BN = N;
    static constexpr int HIGH = GEMM_BM / GEMM_WARPS / 16, ACROSS = BN / 8;

    float sum[HIGH][ACROSS][4] = {};

    /* The first of the warp's rows 16i.. */
    static __device__ int row_of(int i)
    {
        return ((int)threadIdx.x / WARP_LANES * HIGH + i) * 16;
    }

    template <typename F> __device__ void each(F f) const
    {
        int g = warp_lane() / 4, t = warp_lane() % 4;

#pragma unroll
        for (int i = 0; i < HIGH; i++)
#pragma unroll
            for (int j = 0; j < ACROSS; j++) {
                int row = row_of(i) + g, column = j * 8 + 2 * t;

                f(row, column, sum[i][j][0], sum[i][j][1]);
                f(row + 8, column, sum[i][j][2], sum[i][j][3]);
            }
    }
};

/* Numbers of 16 bits, on matrix units. */
template <typename T, int N> struct half_product : warp_sums<N> {
    using element = T;
    using warp_sums<N>::BN, warp_sums<N>::HIGH, warp_sums<N>::ACROSS;
    static constexpr int BK = 32;

    template <int X, bool ALONG_K> struct tile {
        static constexpr int ROWS = ALONG_K ? X : BK;
        static constexpr int COLUMNS = (ALONG_K ? BK : X) + GEMM_PAD;

        T at[ROWS][COLUMNS];

        template <int W>
        __device__ void put(int row, int column, const pack<T, W> &p)
        {
            *reinterpret_cast<pack<T, W> *>(&at[row][column]) = p;
        }
    };

    /* Rows 16i.. and depth k.. of the warp's part of a. */
    template <bool ALONG_K>
    static __device__ void load_a(const tile<GEMM_BM, ALONG_K> &a, int i,
                                  int k, uint32_t (&r)[4])
    {
        int lane = warp_lane(), low = lane % 8, m = warp_sums<N>::row_of(i);

        if (ALONG_K)
            load_matrices<false>(
                r, &a.at[m + low + lane / 8 % 2 * 8][k + lane / 16 * 8]);
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

    template <bool A_ALONG_K, bool B_ALONG_K>
    __device__ void add(const tile<GEMM_BM, A_ALONG_K> &a,
                        const tile<BN, B_ALONG_K> &b)
    {
#pragma unroll
        for (int k = 0; k < BK; k += 16) {
            uint32_t fa[HIGH][4];

#pragma unroll
            for (int i = 0; i < HIGH; i++)
                load_a(a, i, k, fa[i]);
#pragma unroll
            for (int j = 0; j < ACROSS; j += 2) {
                uint32_t fb[4];

                load_b(b, j * 8, k, fb);
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

/* Floats in shared memory, always one row for each k. */
template <int X, int BK, bool ALONG_K> struct float_tile {
    float at[BK][X + GEMM_PAD];

    template <int W>
    __device__ void put(int row, int column, const pack<float, W> &p)
    {
        if (ALONG_K)
#pragma unroll
            for (int i = 0; i < W; i++)
                at[column + i][row] = p.element[i];
        else
            *reinterpret_cast<pack<float, W> *>(&at[row][column]) = p;
    }
};

/* Floats cut to TF32, on matrix units. */
template <int N> struct tf32_product : warp_sums<N> {
    using element = float;
    using warp_sums<N>::BN, warp_sums<N>::HIGH, warp_sums<N>::ACROSS;
    static constexpr int BK = 16;

    template <int X, bool ALONG_K> using tile = float_tile<X, BK, ALONG_K>;

    template <bool A_ALONG_K, bool B_ALONG_K>
    __device__ void add(const tile<GEMM_BM, A_ALONG_K> &a,
                        const tile<BN, B_ALONG_K> &b)
    {
        int g = warp_lane() / 4, t = warp_lane() % 4;

#pragma unroll
        for (int k = 0; k < BK; k += 8) {
            uint32_t fa[HIGH][4];

#pragma unroll
            for (int i = 0; i < HIGH; i++)
#pragma unroll
                for (int r = 0; r < 4; r++)
                    fa[i][r] = to_tf32(
                        a.at[k + t + r / 2 * 4][warp_sums<N>::row_of(i) + g
                                                + r % 2 * 8]);
#pragma unroll
            for (int j = 0; j < ACROSS; j++) {
                uint32_t fb[2] = { to_tf32(b.at[k + t][j * 8 + g]),
                                   to_tf32(b.at[k + t + 4][j * 8 + g]) };

#pragma unroll
                for (int i = 0; i < HIGH; i++)
                    multiply_add_tf32(this->sum[i][j], fa[i], fb);
            }
        }
    }
};

/* Floats as they are. A thread has 8 rows, four and four, by BN / 8 columns,
 * in fours. */
template <int N> struct float_product {
    using element = float;
    static constexpr int BN = N, BK = 16, GROUPS = N / 32;

    template <int X, bool ALONG_K> using tile = float_tile<X, BK, ALONG_K>;

    float sum[8][4 * GROUPS] = {};

    static __device__ int row_of(int i)
    {
        return (int)threadIdx.x / 8 * 4 + i / 4 * (GEMM_BM / 2) + i % 4;
    }

    static __device__ int column_of(int j)
    {
        return (int)threadIdx.x % 8 * 4 + j / 4 * 32 + j % 4;
    }

    template <bool A_ALONG_K, bool B_ALONG_K>
    __device__ void add(const tile<GEMM_BM, A_ALONG_K> &a,
                        const tile<BN, B_ALONG_K> &b)
    {
#pragma unroll
        for (int k = 0; k < BK; k++) {
            float x[2][4], y[GROUPS][4];

#pragma unroll
            for (int i = 0; i < 2; i++)
                load(x[i], &a.at[k][row_of(4 * i)]);
#pragma unroll
            for (int j = 0; j < GROUPS; j++)
                load(y[j], &b.at[k][column_of(4 * j)]);
#pragma unroll
            for (int i = 0; i < 8; i++)
#pragma unroll
                for (int j = 0; j < 4 * GROUPS; j++)
                    sum[i][j] = fmaf(x[i / 4][i % 4], y[j / 4][j % 4],
                                     sum[i][j]);
        }
    }

    template <typename F> __device__ void each(F f) const
    {
#pragma unroll
        for (int i = 0; i < 8; i++)
#pragma unroll
            for (int j = 0; j < 4 * GROUPS; j += 2)
                f(row_of(i), column_of(j), sum[i][j], sum[i][j + 1]);
    }
};

/* Brings tiles of a source to shared memory; X is the extent of a tile that is
 * not BK. */
template <typename Product, typename Source, int X> struct tile_loader {
    using T = typename Source::element;
    static constexpr bool ALONG_K = Source::along_k;
    static constexpr int W = Source::width;
    static constexpr int ROWS = ALONG_K ? X : Product::BK;
    static constexpr int ACROSS = (ALONG_K ? Product::BK : X) / W;
    static constexpr int HIGH = GEMM_THREADS / ACROSS, COUNT = ROWS / HIGH;

    const Source &source;
    int row, column;             /* the first of this thread's in a tile */
    typename Source::row rows[ALONG_K ? COUNT : 1];
    typename Source::column at;
    pack<T, W> moved[COUNT];
    uint32_t found;              /* a bit for each of these */

    __device__ tile_loader(const Source &from, int x)
        : source(from), row((int)threadIdx.x / ACROSS),
          column((int)threadIdx.x % ACROSS * W)
    {
        if (ALONG_K)
#pragma unroll
            for (int i = 0; i < (ALONG_K ? COUNT : 1); i++)
                rows[i] = source.row_at(x + row + i * HIGH);
        else
            at = source.column_at(x + column);
    }

    /* Starts to load the tile at depth k. */
    __device__ void fetch(int k)
    {
        found = 0;
        if (ALONG_K)
            at = source.column_at(k + column);
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            typename Source::row r = ALONG_K
                ? rows[ALONG_K ? i : 0] : source.row_at(k + row + i * HIGH);

            moved[i] = {};
            if (source.load(r, at, moved[i]))
                found |= 1u << i;
        }
    }

    template <typename Tile> __device__ void put(Tile &tile)
    {
        typename Source::filter filter(source, at);

#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            if (found >> i & 1)
                filter.apply(moved[i]);
            tile.put(row + i * HIGH, column, moved[i]);
        }
    }
};

template <typename Product, typename A, typename B> struct gemm_shared {
    struct {
        alignas(16) typename Product::template tile<GEMM_BM, A::along_k> a;
        alignas(16) typename Product::template tile<Product::BN, B::along_k> b;
    } stage[2];
};

/* Block (x, y, z) computes tile x of M and y of N; it goes through part z of
 * K, of `part` each. */
template <typename Product, typename A, typename B, typename Output>
static __global__ void __launch_bounds__(GEMM_THREADS)
    gemm(A a, B b, int k_end, int part, Output output)
{
    gemm_shared<Product, A, B> &s = shared<gemm_shared<Product, A, B>>();
    int m = (int)blockIdx.x * GEMM_BM, n = (int)blockIdx.y * Product::BN;
    int k = (int)blockIdx.z * part, now = 0;
    tile_loader<Product, A, GEMM_BM> from_a(a, m);
    tile_loader<Product, B, Product::BN> from_b(b, n);
    Product product;

    k_end = k_end - k < part ? k_end : k + part;
    from_a.fetch(k);
    from_b.fetch(k);
    while (k < k_end) {
        from_a.put(s.stage[now].a);
        from_b.put(s.stage[now].b);
        __syncthreads();
        k += Product::BK;
        if (k < k_end) {
            from_a.fetch(k);
            from_b.fetch(k);
        }
        product.add(s.stage[now].a, s.stage[now].b);
        now = 1 - now;
    }
    product.each([&](int row, int column, float first, float second) {
        output.put((int)blockIdx.z, m + row, n + column, first, second);
    });
}

template <typename Product, typename A, typename B, typename Output>
static void gemm_launch(struct queue *q, const A &a, const B &b, int m, int n,
                        int k, int part, const Output &output)
{
    int parts = part < k ? (k + part - 1) / part : 1;

    launch(q,
           dim3((unsigned)((m + GEMM_BM - 1) / GEMM_BM),
                (unsigned)((n + Product::BN - 1) / Product::BN),
                (unsigned)parts),
           GEMM_THREADS, sizeof(gemm_shared<Product, A, B>),
           gemm<Product, A, B, Output>, a, b, k, part, output);
}

#endif
