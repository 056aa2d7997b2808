/*
 * Convolutions as products of matrices (gemm.h). P has a row for every pixel of
 * the output and a column for every tap of the filter and input channel: the
 * input that the tap sees there. W is the weights (taps, Ci, Co) as a matrix of
 * as many rows. Then
 *
 *     conv         y (pixels, Co) = P W
 *     conv_wgrad   dw (taps x Ci, Co) = P^T dy
 *     conv_dgrad   dx (pixels, Ci) = P' W'
 *
 * where P' holds the elements of dy that the transposed filter sees, a column
 * for every tap and output channel, and W' is W with Ci and Co swapped. No such
 * matrix is written: these sources find their elements in the tensors.
 */
#ifndef MEMDIAL_CUDA_CONV_H
#define MEMDIAL_CUDA_CONV_H

#include <climits>

#include "kernels/cuda/bn.h"
#include "kernels/cuda/gemm.h"
#include "kernels/pool.h"
#include "kernels/squeeze.h"

/* The extents of a convolution, and how they are taken apart. */
struct conv_shape {
    int samples, h, w, ci;
    int taps, kw, co;
    int ho, wo;
    int stride, pad;

    int inputs() const
    {
        return samples * h * w;
    }

    int outputs() const
    {
        return samples * ho * wo;
    }
};

static inline struct conv_shape conv_shape_of(const struct call *c,
                                              const struct operand *x,
                                              const struct operand *w,
                                              const struct operand *y)
{
    return { x->dim[0], x->dim[1], x->dim[2], x->dim[3],
             w->dim[0] * w->dim[1], w->dim[1], w->dim[3], y->dim[1],
             y->dim[2], c->attr.conv.stride, c->attr.conv.pad };
}

/* Elements of a tensor that is dense or a member of a pool. */
template <typename T> struct elements {
    const T *values;
    bool sparse;
    struct pool_index index;
    size_t first;                /* place of element 0 */

    explicit elements(const struct operand *o)
        : values(data_of<T>(o)), sparse(o->pool), index(), first(0)
    {
        if (sparse) {
            index = pool_index_of(o->pool, o->index);
            first = pool_member_place(&o->pool->member[o->member]);
        }
    }

    /* Whether element i is stored, and its place. */
    __device__ bool find(size_t i, size_t *at) const
    {
        struct pool_piece piece;

        *at = i;
        if (!sparse)
            return true;
        piece = pool_piece(&index, first + i, 1);
        *at = piece.first;
        return piece.mask;
    }

    /* W elements from element i on, if any of them is stored. */
    template <int W> __device__ bool load(size_t i, pack<T, W> &p) const
    {
        struct pool_piece piece;

        if (!sparse) {
            p = *reinterpret_cast<const pack<T, W> *>(values + i);
            return true;
        }
        piece = pool_piece(&index, first + i, W);
#pragma unroll
        for (int k = 0; k < W; k++)
            if (piece.mask >> k & 1)
                p.element[k] = values[piece.first++];
        return piece.mask;
    }
};

/* Elements of a tensor that is dense. */
template <typename T> struct dense {
    const T *values;

    explicit dense(const struct operand *o) : values(data_of<T>(o))
    {
    }

    template <int W> __device__ bool load(size_t i, pack<T, W> &p) const
    {
        p = *reinterpret_cast<const pack<T, W> *>(values + i);
        return true;
    }
};

/* Elements stored as S, in a tensor that is dense or a member of a pool,
 * converted to T. */
template <typename T, typename S> struct converted {
    elements<S> stored;

    explicit converted(const struct operand *o) : stored(o)
    {
    }

    template <int W> __device__ bool load(size_t i, pack<T, W> &p) const
    {
        pack<S, W> found = {};

        if (!stored.load(i, found))
            return false;
#pragma unroll
        for (int k = 0; k < W; k++)
            narrow(&p.element[k], widen(found.element[k]));
        return true;
    }
};

/* Whether elements can be copied from memory as they lie. */
template <typename Elements> constexpr bool is_direct = false;
template <typename T> constexpr bool is_direct<dense<T>> = true;

/* For sources that give elements as they are. */
template <typename T, int W> struct no_filter {
    template <typename Source, typename At>
    __device__ no_filter(const Source &, const At &)
    {
    }

    __device__ void apply(pack<T, W> &) const
    {
    }
};

/* Loads W channels through a stat. Elements stored in 16 bits are rounded
 * again. */
template <typename T, int W> struct stat_filter {
    const bool through;
    float scale[W] = {}, shift[W] = {};

    template <typename Source, typename At>
    __device__ stat_filter(const Source &s, const At &c)
        : through(s.stat && c.channel >= 0)
    {
        if (through) {
            ::load(scale, s.stat + STAT_SCALE * s.channels + c.channel);
            ::load(shift, s.stat + STAT_SHIFT * s.channels + c.channel);
        }
    }

    __device__ void apply(pack<T, W> &v) const
    {
        if (through)
#pragma unroll
            for (int i = 0; i < W; i++)
                narrow(&v.element[i],
                       relu(fmaf(scale[i], widen(v.element[i]), shift[i])));
    }
};

/* Which product's patches: P, or P' for a stride of 1, or for more. */
enum patch_kind { PATCHES, TRANSPOSED_PATCHES, SPREAD_PATCHES };

/*
 * P or P': the elements of a tensor (N, H, W, C) that a filter sees at the
 * pixels of another (N, H', W', ...). ALONG_K as in gemm.h; DIRECT if the
 * tensor is not loaded through a stat.
 */
template <typename T, int W_, patch_kind KIND, bool ALONG_K, bool DIRECT>
struct patches {
    static constexpr bool TRANSPOSED = KIND != PATCHES;
    using element = T;
    static constexpr int width = W_;
    static constexpr bool along_k = ALONG_K;
    static constexpr bool direct = DIRECT;
    using filter = std::conditional_t<DIRECT, no_filter<T, W_>,
                                      stat_filter<T, W_>>;

    const T *data;
    const float *stat;           /* to load the tensor through, or NULL */
    int h, w, channels;
    int stride, pad;
    int rows, columns;
    divider across, high;        /* of pixels: W' and H' */
    divider deep, kw;            /* of columns: C and the filter's width */
    divider step;                /* stride */

    patches(const struct operand *tensor, const struct conv_shape &s)
        : data(data_of<T>(tensor)), stat(tensor->through), h(tensor->dim[1]),
          w(tensor->dim[2]), channels(tensor->dim[3]), stride(s.stride),
          pad(s.pad), rows(TRANSPOSED ? s.inputs() : s.outputs()),
          columns(s.taps * channels), across(TRANSPOSED ? s.w : s.wo),
          high(TRANSPOSED ? s.h : s.ho), deep(channels), kw(s.kw),
          step(s.stride)
    {
    }

    struct row {
        int line;                /* of the tensor: the sample's first */
        int y, x;                /* seen by tap (0, 0); if there is no such row,
                                    so low that no tap sees anything */
    };

    struct column {
        int y, x;                /* of the tap */
        int channel;             /* -1: no such column */
    };

    __device__ row row_at(int i) const
    {
        int line = across.quotient(i), sample = high.quotient(line);
        int y = line - sample * (int)high.divisor;
        int x = i - line * (int)across.divisor;

        if (i >= rows)
            return { 0, INT_MIN / 2, 0 };
        if (TRANSPOSED)
            return { sample * h, y + pad, x + pad };
        return { sample * h, y * stride - pad, x * stride - pad };
    }

    __device__ column column_at(int i) const
    {
        int tap = deep.quotient(i), y = kw.quotient(tap);

        if (i >= columns)
            return { 0, 0, -1 };
        return { y, tap - y * (int)kw.divisor,
                 i - tap * (int)deep.divisor };
    }

    __device__ bool find(const row &r, const column &c, const T **at) const
    {
        int y = TRANSPOSED ? r.y - c.y : r.y + c.y;
        int x = TRANSPOSED ? r.x - c.x : r.x + c.x;

        *at = data;
        if (c.channel < 0 || y < 0 || x < 0)
            return false;
        if (KIND == SPREAD_PATCHES) {
            int down = step.quotient(y), right = step.quotient(x);

            if (down * stride != y || right * stride != x)
                return false;
            y = down;
            x = right;
        }
        if (y >= h || x >= w)
            return false;
        *at += (uint64_t)(uint32_t)((r.line + y) * w + x) * (uint32_t)channels
               + (uint32_t)c.channel;
        return true;
    }

    __device__ bool load(const row &r, const column &c,
                         pack<T, width> &p) const
    {
        const T *at;

        if (!find(r, c, &at))
            return false;
        p = *reinterpret_cast<const pack<T, width> *>(at);
        return true;
    }
};

/* P of a tensor in blocks of fewer bits, whose numbers become those that expand
 * makes of them. */
template <typename T, int W_>
struct saved_patches : patches<T, W_, PATCHES, false, false> {
    using base = patches<T, W_, PATCHES, false, false>;

    enum dtype dtype;

    saved_patches(const struct operand *tensor, const struct conv_shape &s)
        : base(tensor, s), dtype(tensor->dtype)
    {
    }

    __device__ bool load(const typename base::row &r,
                         const typename base::column &c,
                         pack<T, W_> &p) const
    {
        const T *at;

        if (!this->find(r, c, &at))
            return false;
#pragma unroll
        for (int i = 0; i < W_; i++)
            narrow(&p.element[i],
                   squeeze_load(this->data, (size_t)(at - this->data) + i,
                                dtype));
        return true;
    }
};

/* A tensor as a matrix, its rows along K. */
template <typename T, int W_, typename Elements> struct plain {
    using element = T;
    static constexpr int width = W_;
    static constexpr bool along_k = false;
    static constexpr bool direct = is_direct<Elements>;
    using row = int;
    using column = int;
    using filter = no_filter<T, W_>;

    Elements data;
    int rows, columns;

    __device__ int row_at(int i) const
    {
        return i;
    }

    __device__ int column_at(int i) const
    {
        return i;
    }

    __device__ size_t index(int r, int c) const
    {
        return (size_t)r * (size_t)columns + (size_t)c;
    }

    __device__ bool find(int r, int c, const T **at) const
    {
        bool there = r < rows && c < columns;

        *at = data.values + (there ? index(r, c) : 0);
        return there;
    }

    __device__ bool load(int r, int c, pack<T, width> &p) const
    {
        return r < rows && c < columns && data.load(index(r, c), p);
    }
};

/* W' from weights (taps, Ci, Co): a row for each input channel, a column for
 * each tap and output channel. */
template <typename T, int W_, typename Elements> struct swapped_weights {
    using element = T;
    static constexpr int width = W_;
    static constexpr bool along_k = true;
    static constexpr bool direct = is_direct<Elements>;
    using row = int;
    using filter = no_filter<T, W_>;

    Elements data;
    int ci, co, columns;
    divider deep;

    swapped_weights(const Elements &weights, const struct conv_shape &s)
        : data(weights), ci(s.ci), co(s.co),
          columns(s.taps * s.co), deep(s.co)
    {
    }

    struct column {
        int tap;                 /* -1: no such column */
        int channel;
    };

    __device__ int row_at(int i) const
    {
        return i;
    }

    __device__ column column_at(int i) const
    {
        int tap = deep.quotient(i);

        if (i >= columns)
            return { -1, 0 };
        return { tap, i - tap * co };
    }

    __device__ size_t index(int r, const column &c) const
    {
        return (size_t)(c.tap * ci + r) * (size_t)co + (size_t)c.channel;
    }

    __device__ bool find(int r, const column &c, const T **at) const
    {
        bool there = r < ci && c.tap >= 0;

        *at = data.values + (there ? index(r, c) : 0);
        return there;
    }

    __device__ bool load(int r, const column &c, pack<T, width> &p) const
    {
        return r < ci && c.tap >= 0 && data.load(index(r, c), p);
    }
};

/*
 * Functions that choose kernels by how an operand is loaded. f is called with
 * the operand's elements, or with whether it is loaded as it lies. Where many
 * elements are moved at once, dense operands and operands loaded as they lie
 * have kernels of their own; others would gain nothing. Elements stored in
 * fewer bits than the product's type have kernels that move one at a time.
 */
template <typename T, int W, typename F>
static void with_elements(const struct operand *o, F f)
{
    if constexpr (W > 1)
        if (!o->pool) {
            f(dense<T>(o));
            return;
        }
    if constexpr (W == 1 && std::is_same<T, float>::value)
        if (o->dtype != DTYPE_F32) {
            if (o->dtype == DTYPE_BF16)
                f(converted<T, bf16>(o));
            else
                f(converted<T, fp16>(o));
            return;
        }
    f(elements<T>(o));
}

template <int W, typename F>
static void with_direct(const struct operand *o, F f)
{
    if constexpr (W > 1)
        if (!o->through) {
            f(std::true_type());
            return;
        }
    f(std::false_type());
}

/* f is called with the kind of patches that a data gradient sees. */
template <typename F>
static void with_transposed(const struct conv_shape &s, F f)
{
    if (s.stride > 1)
        f(std::integral_constant<patch_kind, SPREAD_PATCHES>());
    else
        f(std::integral_constant<patch_kind, TRANSPOSED_PATCHES>());
}

/* A convolution that also adds a float to each output channel, or NULL. */
void conv_with_bias(struct queue *, const struct call *, const float *bias);

static inline bool has_tf32(const struct queue *q, const struct call *c)
{
    return q->capability >= 80 && c->attr.conv.tf32;
}

/* Calls f with the product that suits a tensor's type and number of columns,
 * and with the width in which elements are moved. */
template <int BN, int FULL, typename F>
static void conv_choose_product(struct queue *q, const struct call *c,
                                enum dtype dtype, F f)
{
    with_number(dtype, [&](auto number) {
        using T = decltype(number);
        std::integral_constant<int, FULL ? FULL_WIDTH<T> : 1> width;

        if constexpr (!std::is_same<T, float>::value)
            f(half_product<T, BN>(), width);
        else if (has_tf32(q, c))
            f(tf32_product<BN>(), width);
        else
            f(float_product<BN>(), width);
    });
}

/* For the product of two tensors; the second may be of 16 bits where the first
 * is of floats. */
template <typename F>
static void conv_choose(struct queue *q, const struct call *c,
                        const struct operand *a, const struct operand *b,
                        const struct conv_shape &s, int columns, F f)
{
    bool full = s.ci % 8 == 0 && s.co % 8 == 0 && a->dtype == b->dtype;

    if (full && columns > 32)
        conv_choose_product<64, true>(q, c, a->dtype, f);
    else if (full)
        conv_choose_product<32, true>(q, c, a->dtype, f);
    else
        conv_choose_product<32, false>(q, c, a->dtype, f);
}

#endif
