/*
 * conv_wgrad: dw (KH, KW, Ci, Co) += the gradient of a convolution's weights,
 * the sum over images and output pixels of x (N, H, W, Ci), which may be read
 * through a saved batch norm and may be stored in blocks of fewer bits, times
 * dy (N, Ho, Wo, Co).
 *
 * The pixels are cut into parts, which blocks sum in parallel. Neighbouring
 * parts make a group. The block of a group that ends last adds up the group's
 * parts, and of the groups of a tile the one that is done last adds up the
 * groups, always in the order of their numbers: so it does not matter which
 * block it is. Blocks take tickets to know.
 *
 * scratch: the sum of each part, (parts, KH, KW, Ci, Co) floats; a group's sum
 * then takes the place of its first part's.
 */
#include "kernels/cuda/patches.h"
#include "kernels/cuda/partial_sums.h"
#include "kernels/cuda/parts.h"

/* A tile has one ticket for each group and one for the groups. Where a sum has
 * parts, it has so few tiles (parts.h) that these are enough. */
enum { TICKETS = 1 << 15 };

/* Every ticket is 0 again when a kernel ends. */
static __device__ unsigned tickets[TICKETS];

/* Adds W numbers that other blocks have written. */
template <int W>
static __device__ void add_written(float (&sum)[W], const float *from)
{
    if constexpr (W == 4) {
        float4 v = __ldcg(reinterpret_cast<const float4 *>(from));

        sum[0] += v.x;
        sum[1] += v.y;
        sum[2] += v.z;
        sum[3] += v.w;
    } else {
        sum[0] += __ldcg(from);
    }
}

/* Stores the sums of a part, and adds them up to those of a group and to the
 * gradient. A member of a pool has only its nonzeros there. */
struct weight_gradient : partial_sums {
    int parts, group;            /* parts of a group */
    elements<char> where;
    enum dtype dtype;
    void *dw;

    /* Whether this block is the last of `count` that come here; then it can
     * read what the others have written. */
    __device__ bool comes_last(unsigned &seen, unsigned *ticket,
                               int count) const
    {
        __threadfence();
        __syncthreads();
        if (count == 1)
            return true;
        if (threadIdx.x == 0)
            seen = atomicInc(ticket, (unsigned)count - 1);
        __syncthreads();
        __threadfence();
        return seen == (unsigned)count - 1;
    }

    __device__ float *part_at(int part) const
    {
        return to + (size_t)part * (size_t)rows * (size_t)columns;
    }

    /* Calls f(i, sums) for all elements i.. of the tile that begins in row m
     * and column n, W at once, with their sums over `count` parts, `step`
     * apart. */
    template <typename Product, int W, typename F>
    __device__ void add_up(int m, int n, int first, int step, int count,
                           F f) const
    {
        constexpr int ACROSS = Product::BN / W;
        int row = m + (int)threadIdx.x / ACROSS;
        int column = n + (int)threadIdx.x % ACROSS * W;
        int end = rows - m < Product::BM ? rows : m + Product::BM;

        if (column >= columns)
            return;
        for (; row < end; row += Product::THREADS / ACROSS) {
            size_t i = (size_t)row * (size_t)columns + (size_t)column;
            float sum[W] = {};

#pragma unroll 8
            for (int k = 0; k < count; k++)
                add_written(sum, part_at(first + k * step) + i);
            f(i, sum);
        }
    }

    /* Adds to element i of the gradient. There is much code to find a nonzero,
     * so that every kernel has it once. */
    OUT_OF_LINE __device__ void add_to_dw(size_t i, float sum) const
    {
        size_t at;

        if (!where.find(i, &at))
            return;
        with_stored(dtype, [&](auto number) {
            auto *to = static_cast<decltype(number) *>(dw) + at;

            narrow(to, widen(*to) + sum);
        });
    }

    template <typename Product, int W>
    __device__ void finish(unsigned &seen, int m, int n) const
    {
        int at = (int)blockIdx.z / group, groups = (parts + group - 1) / group;
        int first = at * group;
        int own = parts - first < group ? parts - first : group;
        unsigned tile = blockIdx.y * gridDim.x + blockIdx.x;
        unsigned *ticket = tickets + tile * (unsigned)(groups + 1);
        float *sums = part_at(first);

        if (!comes_last(seen, ticket + 1 + at, own))
            return;
        if (groups > 1) {
            add_up<Product, W>(m, n, first, 1, own,
                               [=](size_t i, float (&sum)[W]) {
                store(sums + i, sum);
            });
            if (!comes_last(seen, ticket, groups))
                return;
        }
        add_up<Product, W>(m, n, 0, groups > 1 ? group : 1,
                           groups > 1 ? groups : own,
                           [this](size_t i, float (&sum)[W]) {
            for (int k = 0; k < W; k++)
                add_to_dw(i + (size_t)k, sum[k]);
        });
    }

    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &s, int m,
                         int n) const
    {
        unsigned &seen = *reinterpret_cast<unsigned *>(&s);

        partial_sums::take(p, s, m, n);
        if (columns % 4 == 0)
            finish<Product, 4>(seen, m, n);
        else
            finish<Product, 1>(seen, m, n);
    }
};

/* About the root of the parts. */
static int group_of(int parts)
{
    int group = 1;

    while (group * group < parts)
        group++;
    return group;
}

/* The sum over the pixels of products of `seen` and dy, whose packs have W
 * elements. */
template <typename Product, int W, typename Seen>
static void add_gradient(struct queue *q, const struct call *c,
                         const struct conv_shape &s, const Seen &seen)
{
    using T = typename Product::element;
    const struct operand *dy = &c->operand[CONV_WGRAD_DY];
    const struct operand *dw = &c->operand[CONV_WGRAD_DW];
    int rows = s.taps * s.ci, depth = s.outputs();
    int least = wgrad_part((size_t)depth, wgrad_parts(dw, (size_t)depth));
    int part = (least + Product::BK - 1) / Product::BK * Product::BK;
    int parts = (depth + part - 1) / part;
    plain<T, W, dense<T>> gradient = { dense<T>(dy), depth, s.co };
    weight_gradient to = { { static_cast<float *>(c->scratch), rows, s.co },
                           parts, group_of(parts), elements<char>(dw),
                           dw->dtype, dw->data };

    gemm_launch<Product>(q, seen, gradient, rows, s.co, depth, part, to);
}

/* Whether a gradient is of few rows of few columns, as of a convolution of
 * images of three channels. Products of few rows are deep. */
enum { FEW_ROWS = 32, FEW_COLUMNS = 16 };

static bool is_of_few(const struct conv_shape &s, const struct operand *x)
{
    return s.taps * s.ci <= FEW_ROWS && s.ci % 8 != 0
           && s.co <= FEW_COLUMNS && s.co % 8 == 0
           && !dtype_in_blocks(x->dtype);
}

static void add_gradient_of_few(struct queue *q, const struct call *c,
                                const struct conv_shape &s,
                                const struct operand *x)
{
    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);
        constexpr int W = FULL_WIDTH<T>;
        patches<T, 1, PATCHES, false, false> seen(x, s);

        if constexpr (!std::is_same<T, float>::value)
            add_gradient<half_product<T, FEW_COLUMNS, FEW_ROWS>, W>(q, c, s,
                                                                    seen);
        else if (has_tf32(q, c))
            add_gradient<tf32_product<FEW_COLUMNS, FEW_ROWS>, W>(q, c, s,
                                                                 seen);
        else
            add_gradient<float_product<32, FEW_ROWS>, W>(q, c, s, seen);
    });
}

void cuda_conv_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[CONV_WGRAD_X];
    const struct operand *dy = &o[CONV_WGRAD_DY], *dw = &o[CONV_WGRAD_DW];
    struct conv_shape s = conv_shape_of(c, x, dw, dy);

    if (is_of_few(s, x)) {
        add_gradient_of_few(q, c, s, x);
        return;
    }
    conv_choose(q, c, dtype_in_blocks(x->dtype) ? dy : x, dy, s, s.co,
                [&](auto product, auto width) {
        using Product = decltype(product);
        using T = typename Product::element;
        constexpr int W = decltype(width)::value;

        if (dtype_in_blocks(x->dtype))
            add_gradient<Product, W>(q, c, s, saved_patches<T, W>(x, s));
        else
            with_direct<W>(x, [&](auto direct) {
                add_gradient<Product, W>(
                    q, c, s,
                    patches<T, W, PATCHES, false, decltype(direct)::value>(
                        x, s));
            });
    });
}
