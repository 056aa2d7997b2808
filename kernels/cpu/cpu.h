/*
 * The declarations that the files of the CPU backend share. Kernels are
 * compiled once for each instruction set, with CPU_ISA naming it, and KERNEL()
 * keeps the copies apart: cpu_generic_conv, cpu_avx2_conv, ... Scratch sizes
 * depend on shapes and threads only, never on the instruction set, so that a
 * plan made on one machine holds on another.
 *
 * An instruction set that differs from another, CPU_BASE, in products of
 * matrices alone has the other's kernels for all else.
 *
 * Work is divided by the number of threads of the call, not by the number
 * that OpenMP happens to give, so the same call gives the same bits.
 */
#ifndef MEMDIAL_CPU_H
#define MEMDIAL_CPU_H

#ifdef _OPENMP
#include <omp.h>
#endif

#include "kernels/kernels.h"

/* The kernels of one instruction set, and its conversions of 16-bit types.
 * isa.h has them. */
struct cpu_kernels {
    void (*run[OP_COUNT])(const struct call *);
    size_t (*scratch[OP_COUNT])(const struct call *); /* NULL: needs none */
    void (*widen)(enum dtype, const uint16_t *from, float *to, size_t n);
    void (*narrow)(enum dtype, const float *from, uint16_t *to, size_t n);
    /* Multiply-adds of factors that are stored in a type: peak.c. */
    float (*peak)(enum dtype, long loops, float one);
    double (*peak_flops)(enum dtype);      /* operations of a loop of it */
};

#ifdef CPU_ISA

#define CPU_PASTE(isa, name) cpu_##isa##_##name
#define CPU_EXPAND(isa, name) CPU_PASTE(isa, name)
#define KERNEL(name) CPU_EXPAND(CPU_ISA, name)

#ifndef CPU_BASE
#define CPU_BASE CPU_ISA
#endif
#define BASE_KERNEL(name) CPU_EXPAND(CPU_BASE, name)

#define CPU_DECLARE_NONE(name) \
    void BASE_KERNEL(name)(const struct call *);
#define CPU_DECLARE_SCRATCH(name) \
    CPU_DECLARE_NONE(name) \
    size_t BASE_KERNEL(name##_scratch)(const struct call *);
#define CPU_DECLARE_PRODUCT(name) \
    void KERNEL(name)(const struct call *); \
    size_t KERNEL(name##_scratch)(const struct call *);
#define OP(name, cpu, cuda, access, ...) CPU_DECLARE_##cpu(name)
#include "kernels/op_list.h"
#undef OP

float KERNEL(peak)(enum dtype, long loops, float one);
double KERNEL(peak_flops)(enum dtype);

#endif

enum { CPU_ALIGNMENT = 64 }; /* of values in the arena, bytes */

static inline int int_min(int a, int b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The share of 0..n-1 that falls to thread `index` of `threads`. */
struct range {
    size_t begin, end;
};

static inline struct range range_share(size_t n, int index, int threads)
{
    size_t each = n / (size_t)threads, left = n % (size_t)threads;
    size_t i = (size_t)index, begin = i * each + (i < left ? i : left);

    return (struct range){ begin, begin + each + (i < left) };
}

/* The number of the calling thread, among those that run a kernel. */
static inline int this_thread(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* The last items, which share_out() leaves for threads that have time. */
static inline size_t share_late(size_t items, int threads)
{
    size_t all = (size_t)threads;

    return threads > 1 && items > all ? (items - all) / 4 : 0;
}

/* The most pieces of the last items for each thread. */
enum { SHARE_PIECES = 4 };

/* Shares that share_out() makes at most. */
static inline int share_count(int threads)
{
    return (1 + SHARE_PIECES) * threads;
}

/*
 * Shares items among the threads of a parallel region. All of them call this;
 * `own` is each thread's data. Any thread gives an item the same bits. Most
 * items are assigned beforehand, at least one to each thread, and stay near its
 * caches. The rest goes in pieces to threads that have time: processors are not
 * always equally fast, or always there. Shares are numbered, and which items
 * they have depends on the numbers of items and threads only. Waits for all
 * threads.
 */
static inline void share_out(size_t items, int threads,
                             void (*run)(const void *own, int share,
                                         struct range items),
                             const void *own)
{
    size_t rest = share_late(items, threads), fixed = items - rest;
    int pieces = (int)size_min(rest, SHARE_PIECES * (size_t)threads);

#pragma omp for schedule(static) nowait
    for (int t = 0; t < threads; t++)
        run(own, t, range_share(fixed, t, threads));
#pragma omp for schedule(dynamic)
    for (int i = 0; i < pieces; i++) {
        struct range piece = range_share(rest, i, pieces);

        run(own, threads + i,
            (struct range){ fixed + piece.begin, fixed + piece.end });
    }
}

/* Bytes of scratch that a call may use; no limit while these are asked for. */
static inline size_t scratch_room(const struct call *c)
{
    return c->scratch ? c->scratch_bytes : SIZE_MAX;
}

/* A thread's part of scratch, `bytes` for each thread. */
static inline void *scratch_part(const struct call *c, size_t bytes,
                                 int thread)
{
    return (char *)c->scratch + (size_t)thread * bytes;
}

#endif
