/*
 * One launch for many tensors. An update works on one tensor, and a step has
 * many updates in a row, most on few elements: a launch would take longer than
 * its work. Calls of one operation that follow each other are gathered in a
 * table, and its kernel gets the table as an argument. Several tables are
 * gathered side by side, for the tensors of a step take turns: one has moments
 * in 8 bits and the next in floats, and kernels differ. The module launches the
 * waiting calls before any other operation.
 *
 * Rows are done in any order. So a call that reads what one that waits writes,
 * or writes what that one has, first launches all that waits.
 *
 * Every block works on a stretch of one tensor, and finds its row by its
 * number.
 */
#ifndef MEMDIAL_CUDA_TABLE_H
#define MEMDIAL_CUDA_TABLE_H

#include "kernels/cuda/cuda.h"

enum { TABLE_ROWS = 128, TABLE_TENSORS = 5, TABLE_SHARED_BYTES = 64,
       TABLES = 4 };

struct table_tensor {
    void *data;                  /* NULL: not given */
    enum dtype dtype;
};

/* Some tensors of equal shape, which a call names in an order of its own. */
struct table_row {
    struct table_tensor tensor[TABLE_TENSORS];
    int read;                    /* tensors that are not written: the first */
    size_t n;                    /* elements, or other units */
    size_t elements;             /* where units are blocks of moments ... */
    const uint32_t *before;      /* ... that begin there (scaled.h) */
    uint32_t stream;             /* of random numbers */
    unsigned first;              /* block that works on it */

    template <typename T> __device__ T *data(int i) const
    {
        return static_cast<T *>(tensor[i].data);
    }
};

/* Kernels have at most 32,764 bytes of arguments. */
struct table {
    struct table_row row[TABLE_ROWS];
    int count;
    unsigned blocks;
};

/* Calls of one kernel that wait to be launched. */
struct gathering {
    void (*put)(struct queue *, const struct gathering *); /* NULL: none wait */
    struct table table;
    /* The arguments that all rows share, a struct of the operation's own. */
    alignas(16) char shared[TABLE_SHARED_BYTES];
};

/* Launches what waits. */
void table_flush(struct queue *);

/* Adds a row to the table of the same kernel that shares the same arguments,
 * all bytes of them, or to an empty one. A block works on `stretch` units. */
void table_add(struct queue *, void (*put)(struct queue *,
                                           const struct gathering *),
               const void *shared, size_t bytes, const struct table_row *,
               size_t stretch);

template <typename Shared>
static void table_gather(struct queue *q,
                         void (*put)(struct queue *,
                                     const struct gathering *),
                         const Shared &shared, const struct table_row &row,
                         size_t stretch)
{
    static_assert(sizeof(Shared) <= TABLE_SHARED_BYTES, "shared arguments");
    static_assert(std::is_trivially_copyable<Shared>::value, "compared");
    table_add(q, put, &shared, sizeof(shared), &row, stretch);
}

template <typename Shared>
static const Shared &table_shared(const struct gathering *g)
{
    return *reinterpret_cast<const Shared *>(g->shared);
}

/* The row that this block works on. */
static __device__ inline const table_row &table_find(const table &t)
{
    int low = 0, high = t.count;

    while (high - low > 1) {
        int middle = (low + high) / 2;

        if (t.row[middle].first <= blockIdx.x)
            low = middle;
        else
            high = middle;
    }
    return t.row[low];
}

/* This thread's number among all that work on the row. */
static __device__ inline size_t table_thread(const table_row &r)
{
    return (blockIdx.x - r.first) * (size_t)blockDim.x + threadIdx.x;
}

static inline struct table_tensor table_tensor(const struct operand *o)
{
    return { data_if_given<void>(o), o->dtype };
}

/* Elements in a row, n of at most four. Four are moved at once. */

/* Elements from element i on, of n, but at most four. */
static __device__ inline int four_at(size_t i, size_t n)
{
    return n - i < 4 ? (int)(n - i) : 4;
}

template <typename T>
static __device__ inline void load_four(float (&to)[4], const T *from, int n)
{
    if (n == 4)
        load(to, from);
    else
        for (int k = 0; k < n; k++)
            to[k] = widen(from[k]);
}

template <typename T>
static __device__ inline void store_four(T *to, const pack<T, 4> &p, int n)
{
    if (n == 4)
        *reinterpret_cast<pack<T, 4> *>(to) = p;
    else
        for (int k = 0; k < n; k++)
            to[k] = p.element[k];
}

#endif
