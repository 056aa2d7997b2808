/*
 * The parts that programs which time kernels share: their end when an argument
 * is wrong, the options of those that run a kernel of the CPU by itself, a
 * clock, and tensors.
 *
 *     --isa NAME --threads N --repeats N --precision fp32|bf16|fp16
 *
 * One thread is timed by the processor's clock, which stands while others run.
 */
#ifndef MEMDIAL_BENCH_H
#define MEMDIAL_BENCH_H

#include <err.h>
#include <getopt.h>
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernels/cpu/isa.h"
#include "kernels/half.h"

enum { BENCH_REPEATS = 999, BENCH_OPTIONS = 8 };

/* Options, and their defaults. */
struct bench {
    const struct isa *isa;
    enum dtype dtype;
    int threads, repeats;
};

/* A program's own option: a whole number, at least 1. */
struct bench_option {
    const char *name;    /* NULL after the last */
    int *value;
};

static inline _Noreturn void die(const char *what)
{
    errx(2, "%s", what);
}

/* A number of an option, at least 1. */
static inline int number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (*end || end == text || n < 1 || n > INT_MAX)
        die("an option takes a number from 1 on");
    return (int)n;
}

static inline enum dtype precision_named(const char *name)
{
    static const enum dtype all[] = { DTYPE_F32, DTYPE_BF16, DTYPE_F16 };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (strcmp(name, dtype_name(all[i])) == 0)
            return all[i];
    die("--precision takes fp32, bf16 or fp16");
}

static inline const struct isa *instructions_named(const char *name)
{
    const struct isa *isa = isa_named(name);

    if (!isa)
        die("this processor does not have the instruction set of --isa");
    return isa;
}

/* Reads the shared options, and the program's own (NULL: it has none). */
static inline void bench_options(struct bench *b, int argc, char **argv,
                                 const struct bench_option *own)
{
    enum { ISA, THREADS, REPEATS, PRECISION, SHARED };
    struct option list[SHARED + BENCH_OPTIONS] = {
        [ISA] = { "isa", required_argument, NULL, 0 },
        [THREADS] = { "threads", required_argument, NULL, 0 },
        [REPEATS] = { "repeats", required_argument, NULL, 0 },
        [PRECISION] = { "precision", required_argument, NULL, 0 }
    };
    int which, option;

    for (int i = 0; own && own[i].name; i++)
        list[SHARED + i] = (struct option){ own[i].name, required_argument,
                                            NULL, 0 };
    while ((option = getopt_long(argc, argv, "", list, &which)) == 0)
        switch (which) {
        case ISA: b->isa = instructions_named(optarg); break;
        case THREADS: b->threads = number(optarg); break;
        case REPEATS: b->repeats = number(optarg); break;
        case PRECISION: b->dtype = precision_named(optarg); break;
        default: *own[which - SHARED].value = number(optarg);
        }
    if (option != -1 || optind < argc)
        die("an argument is not known");
    if (b->repeats > BENCH_REPEATS)
        die("--repeats takes at most 999");
}

static inline struct bench bench_start(int argc, char **argv,
                                       const struct bench_option *own)
{
    struct bench b = { isa_at(0), DTYPE_F32, omp_get_num_procs(), 9 };

    bench_options(&b, argc, argv, own);
    return b;
}

/* Seconds since some moment in the past. */
static inline double bench_now(const struct bench *b)
{
    struct timespec t;

    clock_gettime(b->threads == 1 ? CLOCK_PROCESS_CPUTIME_ID
                                  : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Zeros, as an arena has them: on huge pages, where one tensor follows another,
 * so that they do not all begin in the same set of a cache. They last as long
 * as the program. */
static inline void *bench_room(size_t bytes)
{
    enum { HUGE_PAGE = 2 << 20, PAGES = 32 };
    static char *next;
    static size_t left;
    char *room;

    bytes = round_up(bytes + 64, 64);
    if (left < bytes) {
        left = round_up(bytes, PAGES * HUGE_PAGE);
        next = aligned_alloc(HUGE_PAGE, left);
        if (!next)
            die("out of memory");
        madvise(next, left, MADV_HUGEPAGE);
    }
    room = next;
    next += bytes;
    left -= bytes;
    return memset(room, 0, bytes);
}

/* Gives a tensor room, with numbers of up to `most`, of either sign. */
static inline void bench_fill(struct operand *o, float most)
{
    o->data = bench_room(operand_bytes(o));
    for (size_t i = 0; i < operand_elements(o); i++)
        float_store(o->data, i, o->dtype,
                    most * ((float)(i * 2654435761u % 1024) / 512 - 1));
}

/* Operations per second of multiply-adds on all threads. It takes about as long
 * as a kernel, so that other load meets both alike. */
static inline double bench_peak(const struct bench *b, enum dtype dtype)
{
    enum { LOOPS = 200000 };
    const struct cpu_kernels *k = b->isa->kernels;
    volatile float one = 1, sink = 0;
    double start = bench_now(b);

#pragma omp parallel num_threads(b->threads)
    {
        float result = k->peak(dtype, LOOPS, one);

#pragma omp critical
        sink += result;
    }
    return k->peak_flops(dtype) * LOOPS * b->threads / (bench_now(b) - start);
}

#endif
