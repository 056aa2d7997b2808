/*
 * The interface between the engine and the backends, and all that kernels see:
 * plain operand structs, the operation codes, and the backend interface.
 *
 * A kernel gets a `struct call`: operands that already point into the arena,
 * its attributes, its scratch (also in the arena), and the state of the run.
 * It allocates nothing, keeps nothing, and writes nothing else. For a given
 * number of threads and bytes of scratch it gives the same bits every time.
 */
#ifndef MEMDIAL_KERNELS_H
#define MEMDIAL_KERNELS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/portable.h"

enum op_code {
#define OP(name, cpu, cuda, access, ...) OP_##name,
#include "kernels/op_list.h"
#undef OP
    OP_COUNT
};

/* The operand slots of each operation: CONV_X, CONV_W, ... */
#define OP(name, cpu, cuda, access, ...) enum name##_slot { __VA_ARGS__ };
#include "kernels/op_list.h"
#undef OP

enum { CALL_MAX_OPERANDS = 12, OPERAND_MAX_RANK = 4,
       MAX_MOMENTS = REWIRE_MOMENT_1 - REWIRE_MOMENT_0 + 1,
       LOAD_STREAMS = LOAD_STREAM_5 + 1 };

/* Arithmetic is in DTYPE_F32 or better; the 16-bit types only store, and so do
 * DTYPE_I8 and DTYPE_U8, codes that stand for multiples of a block's scale:
 * scaled.h has their layout. Of DTYPE_8BIT and DTYPE_4BIT (squeeze.h) a tensor
 * is stored in blocks that have all within them. */
enum dtype { DTYPE_F32, DTYPE_F64, DTYPE_I32, DTYPE_BF16, DTYPE_F16, DTYPE_I8,
             DTYPE_U8, DTYPE_8BIT, DTYPE_4BIT, DTYPE_COUNT };

static inline const char *dtype_name(enum dtype dtype)
{
    static const char *const names[DTYPE_COUNT] = {
        "fp32", "fp64", "int32", "bf16", "fp16", "int8", "uint8", "8bit", "4bit"
    };

    return names[dtype];
}

/* A block: two floats, which say what its codes stand for, and a code for each
 * of its numbers. */
enum { BLOCK_NUMBERS = 256, BLOCK_HEAD_BYTES = 8,
       BLOCK_8BIT_BYTES = BLOCK_HEAD_BYTES + BLOCK_NUMBERS,
       BLOCK_4BIT_BYTES = BLOCK_HEAD_BYTES + BLOCK_NUMBERS / 2 };

static inline bool dtype_in_blocks(enum dtype dtype)
{
    return dtype == DTYPE_8BIT || dtype == DTYPE_4BIT;
}

/* Bytes of an element, without scales; of a type in blocks, of a whole block.
 */
static inline size_t dtype_size(enum dtype dtype)
{
    switch (dtype) {
    case DTYPE_F64:
        return 8;
    case DTYPE_BF16:
    case DTYPE_F16:
        return 2;
    case DTYPE_I8:
    case DTYPE_U8:
        return 1;
    case DTYPE_8BIT:
        return BLOCK_8BIT_BYTES;
    case DTYPE_4BIT:
        return BLOCK_4BIT_BYTES;
    default:
        return 4;
    }
}

/* Bytes of n elements; the last block is whole. */
static inline size_t dtype_bytes(enum dtype dtype, size_t n)
{
    size_t each = dtype_in_blocks(dtype) ? BLOCK_NUMBERS : 1;

    return (n + each - 1) / each * dtype_size(dtype);
}

static inline bool dtype_is_narrow(enum dtype dtype)
{
    return dtype_size(dtype) == 2;
}

static inline bool dtype_is_scaled(enum dtype dtype)
{
    return dtype == DTYPE_I8 || dtype == DTYPE_U8;
}

/*
 * A pool of sparse tensors, its members: storage for their nonzeros only, all
 * in one array, one member after the other, in row-major order. One index has
 * their places; its layout is in pool_index.h. The number of nonzeros never
 * changes; each member's share of it may.
 */
struct pool_member {
    size_t word;         /* of the bitmap, in which its elements begin */
    size_t elements;
};

struct pool {
    int members;
    struct pool_member *member; /* [members] */
    size_t words;        /* 64-bit words of the bitmap */
    size_t elements;
    size_t nonzeros;
    int low_bits;        /* of the index; 0: it is a bitmap */
};

/* Bits of a word of the bitmap; places of a group, whose nonzeros an index
 * counts. */
enum { POOL_WORD = 64, POOL_GROUP = 512 };

PORTABLE size_t pool_groups(const struct pool *p)
{
    return (p->words * POOL_WORD + POOL_GROUP - 1) / POOL_GROUP;
}

/* In place of a member: the nonzeros of all, one after the other. */
enum { POOL_ALL = -1 };

/* A tensor, row-major, the last dimension contiguous; dense, or a member of a
 * pool, without storage of its own. */
struct operand {
    void *data;          /* NULL while only scratch is asked for; of a member:
                            the pool's values */
    const void *index;   /* of a member: the pool's index */
    const struct pool *pool; /* NULL: the tensor is dense */
    int member;          /* or POOL_ALL */
    const float *through; /* NULL, or a stat (STAT_ROWS, C), C the last
                             dimension: load relu(scale*x + shift) */
    enum dtype dtype;
    int rank;            /* 0: the slot is empty */
    int dim[OPERAND_MAX_RANK];
};

/* Rows of a batch norm's saved statistics, a (STAT_ROWS, C) float tensor.
 * scale = gamma * rstd, shift = beta - mean * scale. */
enum stat_row { STAT_MEAN, STAT_RSTD, STAT_SCALE, STAT_SHIFT, STAT_ROWS };

/*
 * Two sums for each channel over each tile, some rows of a matrix (rows, C) or
 * the rest of them: a (tiles, SUM_ROWS, C) float tensor. The operation that
 * writes a tensor so sums the figures that a batch norm needs of it. For the
 * batch norm's input they are the mean and the squared deviations from it. For
 * the gradient dz of its result they are dy, which is dz where the result is
 * not 0, and dy (x - mean). The rows of a tile are the backend's: those that
 * one block of threads makes, or all of them.
 */
enum { TILE_ROWS = 128, TILE_ALL_ROWS = INT_MAX };
enum sum_row { SUM_MEAN, SUM_SQUARES, SUM_ROWS,
               SUM_DY = SUM_MEAN, SUM_DY_X = SUM_SQUARES };

static inline size_t tiles_of(size_t rows, int tile_rows)
{
    return (rows + (size_t)tile_rows - 1) / (size_t)tile_rows;
}

/* Columns of a layer norm's saved statistics, (rows, LAYER_STATS). */
enum layer_stat { LAYER_MEAN, LAYER_RSTD, LAYER_STATS };

/* Rows of a batch norm's running statistics, (RUNNING_ROWS, C). */
enum running_row { RUNNING_MEAN, RUNNING_VAR, RUNNING_ROWS };

/*
 * Elements of a dynamic loss scale, a (LOSS_SCALE_COUNT) float tensor: the
 * factor that gradients carry, a power of two; the number of updates since it
 * last changed; and whether a gradient of this step is not finite, 0 or 1.
 */
enum loss_scale { LOSS_SCALE_FACTOR, LOSS_SCALE_CLEAN, LOSS_SCALE_OVERFLOW,
                  LOSS_SCALE_COUNT };

/* The factor at the start and its bounds, and the clean updates after which
 * it doubles. */
enum { LOSS_SCALE_START = 1 << 16, LOSS_SCALE_MIN = 1,
       LOSS_SCALE_MAX = 1 << 24, LOSS_SCALE_PERIOD = 2000 };

/* Elements of the metrics, float64: sums that softmax_xent adds to; then, in
 * graphs with a loss scale, whether the update was skipped and the factor that
 * its gradients had, else zeros. */
enum metric { METRIC_LOSS, METRIC_HITS, METRIC_SKIPPED, METRIC_LOSS_SCALE,
              METRIC_COUNT };

/* Which nonzeros of a pool are dropped, to grow others: none; those below an
 * adapted threshold (dynamic sparse reparameterization, Mostafa and Wang 2019);
 * a tenth of each member's (sparse evolutionary training, Mocanu et al.
 * 2018). */
enum rewire_method { REWIRE_NONE, REWIRE_DSR, REWIRE_SET };

/* The constants of an optimizer. */
struct sgd {
    float momentum, weight_decay;
    bool nesterov;
};

struct adam {
    float beta1, beta2, eps;
    float weight_decay;  /* of the weights themselves, times the learning
                            rate */
};

/* How much of x joins y. */
struct blend {
    uint32_t stream;     /* of random numbers, y's */
    float keep, share;   /* the factors of y and x */
    bool root;           /* y is the root of a mean of squares */
    bool by_rate;        /* the share is of the learning rate */
    bool of_part;        /* done for each part, which rounds anew */
};

/* Dropout (dropout.h): each element with this probability. */
struct dropping {
    float rate;          /* 0: nothing is dropped */
    uint32_t stream;     /* of random numbers */
};

union attr {
    struct { bool augment; } pick;
    /* tf32: products of floats may be of 10 bits' mantissa. */
    struct { bool tf32; int stride, pad; } conv;
    struct { bool tf32; } linear;
    struct { float eps, momentum; } norm; /* momentum: per whole batch */
    struct { float scale; } embedding;
    struct dropping dropout; /* dynconv and attention begin with it */
    struct { uint32_t stream; } squeeze; /* of random numbers */
    /* Kernels of `taps` weights, one for each head; causal: the last tap is the
     * row itself, else the middle one. */
    struct { struct dropping dropout; int heads, taps; bool causal; } dynconv;
    struct {
        struct dropping dropout;
        int heads;
        int sentence;    /* mean tokens of a source sentence, for counts of
                            operations */
    } attention;
    struct { bool tf32; float smoothing; } token_loss;
    /* A translation of n source tokens has at most ratio * n + extra tokens
     * before its end mark, at least 1, and no more than there is room for. */
    struct {
        int beam;        /* hypotheses of a sentence */
        float length_penalty;
        float ratio;
        int extra;
    } beam;
    struct {
        uint32_t stream; /* of random numbers, the weight's */
        union {
            struct sgd sgd;
            struct adam adam;
        };
    } update;
    struct blend blend;
    struct { const struct pool *pool; enum rewire_method method; } rewire;
};

/* Extents whose sizes the data decide: samples, which are images or sentences;
 * the tokens of these sentences in the source and the target language; and the
 * sentences that a translation is chosen from. */
enum extent { EXTENT_SAMPLES, EXTENT_SOURCE, EXTENT_TARGET, EXTENT_HYPOTHESES,
              EXTENT_COUNT };

struct extents {
    int of[EXTENT_COUNT];
};

static inline bool extents_equal(const struct extents *a,
                                 const struct extents *b)
{
    for (int i = 0; i < EXTENT_COUNT; i++)
        if (a->of[i] != b->of[i])
            return false;
    return true;
}

static inline struct extents extents_sum(const struct extents *a,
                                         const struct extents *b)
{
    struct extents sum;

    for (int i = 0; i < EXTENT_COUNT; i++)
        sum.of[i] = a->of[i] + b->of[i];
    return sum;
}

/* A part of a batch, worked on at once: a microbatch. */
struct part {
    struct extents first;    /* counts of the batch before it */
    struct extents count;    /* its own */
};

/* Room for some samples of one of the data's streams (images, labels, tokens),
 * whose rows lie one after the other. The rows of sample number `sample` of the
 * part begin at `data`. */
struct stream {
    void *data;
    int sample;
};

/*
 * The source of a batch. `next` turns a part of it into the part that follows,
 * and an empty part into the first; false: there is none. `fill` writes samples
 * [begin, end) of a part to streams, one for each slot of `load`: floats where
 * the slot stores floats of any type. It is called from several threads at
 * once, for different samples.
 */
struct loader {
    bool (*next)(void *arg, struct part *);
    void (*fill)(void *arg, const struct part *, int begin, int end,
                 const struct stream stream[]);
    void *arg;
    bool repeats;        /* every batch has parts of the same sizes, */
    bool goes_on;        /* and the next step's batch follows this one; a device
                            may ask for it while it works on this one */
};

/* The state beside a call that kernels may depend on: the batch that is worked
 * on, and the state of the run. */
struct batch {
    uint64_t seed;
    int64_t step;            /* optimizer steps done so far */
    struct extents whole;    /* all parts together */
    int terms;               /* of the loss of the whole batch, which is their
                                mean */
    float learning_rate;
    bool rewire;         /* pools are rewired after this step */
    const struct loader *loader;
    /* On the host, `report` fills what its operands are of: [METRIC_COUNT]; the
     * tokens of translations. */
    double *report;
    int32_t *translations;
};

struct call {
    struct operand operand[CALL_MAX_OPERANDS];
    union attr attr;
    void *scratch;       /* aligned as the arena is; NULL if none is needed */
    size_t scratch_bytes; /* of it: what the largest part needs, so that smaller
                            ones know what they have */
    int threads;
    /* NULL while only scratch is asked for: */
    const struct batch *batch;
    const struct part *part;
};

static inline bool operand_given(const struct operand *o)
{
    return o->rank > 0;
}

static inline size_t operand_elements(const struct operand *o)
{
    size_t n = o->rank > 0;

    for (int i = 0; i < o->rank; i++)
        n *= (size_t)o->dim[i];
    return n;
}

/* Rows of a tensor seen as a matrix of its last dimension. */
static inline size_t operand_rows(const struct operand *o)
{
    return operand_elements(o) / (size_t)o->dim[o->rank - 1];
}

/* Elements of one sample, where samples are the first dimension. */
static inline size_t operand_sample_elements(const struct operand *o)
{
    return operand_elements(o) / (size_t)o->dim[0];
}

static inline size_t round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Elements of a scaled tensor that share a scale, unless those are the nonzeros
 * of a group of a pool's index. */
enum { SCALED_BLOCK = 256 };

static inline size_t scaled_count(size_t elements, const struct pool *pool)
{
    return pool ? pool_groups(pool)
                : (elements + SCALED_BLOCK - 1) / SCALED_BLOCK;
}

/* Bytes of a tensor; of a member of a pool, as if it were dense. */
static inline size_t operand_bytes(const struct operand *o)
{
    size_t n = operand_elements(o);

    if (!dtype_is_scaled(o->dtype))
        return dtype_bytes(o->dtype, n);
    return round_up(n, sizeof(float))
           + scaled_count(n, o->pool) * sizeof(float);
}

/* For messages. */
static inline double mebibytes(size_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* A device's figures about memory, in bytes. */
struct device_memory {
    size_t touched;      /* of the arena: bytes that are really backed */
    size_t os;           /* the operating system's or driver's own figure,
                            now ... */
    size_t os_peak;      /* ... and at most so far; 0: not known */
    size_t available;    /* that could be allocated; 0: not known */
    const char *limit;   /* " to this process's control group", or another limit
                            that allows less than the system has; else "" */
};

struct device;           /* an open device; its backend knows the rest */

enum { WHY_SIZE = 256 };

/* Facts about a device that are known without opening it. */
struct device_info {
    bool usable;
    bool automatic;      /* `auto` may choose it */
    char line[WHY_SIZE]; /* for people: its name, or why it cannot be used */
    size_t memory;       /* bytes; 0: not known */
    int major, minor;    /* CUDA's compute capability; 0 of other devices */
};

/* The highest rates of a device, in a second. */
struct ceilings {
    double copy;                     /* bytes, read and written */
    double product, tf32_product;    /* floating-point operations, on floats */
    double bf16_product, fp16_product;
};

/* The rate of products of numbers of a type. */
static inline double ceilings_product(const struct ceilings *c,
                                      enum dtype dtype, bool tf32)
{
    switch (dtype) {
    case DTYPE_BF16:
        return c->bf16_product;
    case DTYPE_F16:
        return c->fp16_product;
    default:
        return tf32 ? c->tf32_product : c->product;
    }
}

/* The most devices that a list has room for. */
enum { DEVICE_ANY = -1, BACKEND_DEVICES_MAX = 16 };

/*
 * A backend. Functions that can fail return false and write the reason, one
 * line, to why[]. `scratch` needs no device and no memory, so that a machine
 * without the device can still plan for it. A call with fewer samples may use
 * more, but needs no more: it does with what a larger one needs, if it has that
 * and says so.
 */
struct backend {
    const char *name;
    bool in_threads;     /* the host's threads share the work of a call; else
                            they only make samples (load) */
    size_t alignment;    /* of every value in the arena, bytes */
    int tile_rows;       /* of the tiles of their results that its convolutions
                            sum */
    /* Lists at most `max` devices, and at least one: if there is none, one
     * that is not usable says why. */
    int (*list)(struct device_info info[], int max);
    /* Opens the device of a number in this list; if that is DEVICE_ANY, the
     * first that can be used. */
    bool (*open)(struct device **, int number, int threads,
                 char why[WHY_SIZE]);
    void (*close)(struct device *);
    size_t (*scratch)(enum op_code, const struct call *);
    void *(*alloc)(struct device *, size_t bytes, char why[WHY_SIZE]);
    void (*free)(struct device *, void *arena, size_t bytes);
    /*
     * Runs a call, at once or, between `begin` and `end`, any time before `end`
     * returns. One run of a program of the device's arena, numbered from 0,
     * lies between these two. If `begin` returns false the device knows the
     * calls from before and none need be made.
     */
    void (*run)(struct device *, enum op_code, const struct call *);
    bool (*begin)(struct device *, int program, const struct batch *);
    void (*end)(struct device *, int program, const struct batch *);
    /* False once the device has failed; its results after that are wrong. */
    bool (*healthy)(struct device *, char why[WHY_SIZE]);
    /* Copy between host memory and the arena; both finish before returning. */
    void (*read)(struct device *, void *host, const void *from, size_t bytes);
    void (*write)(struct device *, void *to, const void *host, size_t bytes);
    void (*memory)(struct device *, const void *arena, size_t bytes,
                   struct device_memory *);
    /* Seconds that the device took for the last call that was run at once;
     * NULL: the time until `run` returned. */
    double (*seconds)(struct device *);
    /* Measures, in memory of its own beside the arena. */
    bool (*ceilings)(struct device *, struct ceilings *, char why[WHY_SIZE]);
    /* Names what the time of its kernels depends on, such as processor and
     * instruction set, or device and driver, without opening a device. */
    void (*hardware)(char name[WHY_SIZE]);
};

/* The most programs that an arena may have. */
enum { MAX_PROGRAMS = 4 };

/* NULL-terminated, best first; `auto` takes the first that opens. */
extern const struct backend *const backends[];

/* The one of that name, or of a name and a device's number, "cuda:1"; NULL:
 * there is none. */
const struct backend *backend_named(const char *name);

extern const struct backend cpu_backend;
extern const struct backend cuda_backend;

/* The default number of threads: the processors this process may use. */
int backend_default_threads(void);

#endif
