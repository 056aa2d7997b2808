/*
 * The graph of a model: operations over values, forward first, then the
 * backward and update operations that follow from them (grad.c). Flat arrays
 * with integer ids, const once built.
 *
 * A value has a shape, a type of element and a kind of memory. It is written
 * by one operation per program (training, evaluation, translation) and never
 * again, but
 * for state (weights, optimizer, running statistics) and accumulators
 * (gradients, metrics), which operations update in place. The graph knows
 * nothing of microbatches, recomputation or addresses: dimensions that depend
 * on the number of samples in a part are symbolic extents. It may offer a
 * second way to a value, by a copy in fewer bits (squeeze.h).
 *
 * Values are numbered from 1 on. 0 is none, so an initialiser may leave out an
 * empty slot, or the owner of a value that belongs to nothing.
 */
#ifndef MEMDIAL_GRAPH_H
#define MEMDIAL_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/kind.h"
#include "graph/op.h"
#include "graph/optimizer.h"
#include "kernels/kernels.h"

/* A dimension d < 0 stands for extent number -1 - d, which is known only when a
 * plan is made. */
enum { DIM_SAMPLES = -1 - EXTENT_SAMPLES, DIM_SOURCE = -1 - EXTENT_SOURCE,
       DIM_TARGET = -1 - EXTENT_TARGET,
       DIM_HYPOTHESES = -1 - EXTENT_HYPOTHESES };

/* The passes of a training step. Preparing and updating happen once per batch,
 * forward and backward once per part of it. A translation decodes a part, one
 * token after the other: PASS_DECODE is one step of it. Operations of PASS_SAVE
 * are in no pass but where a schedule puts them. */
enum pass { PASS_PREPARE, PASS_FORWARD, PASS_BACKWARD, PASS_UPDATE,
            PASS_DECODE, PASS_SAVE };

/* A program is a walk over the graph; an operation belongs to some. */
enum program { PROGRAM_TRAIN, PROGRAM_EVAL, PROGRAM_TRANSLATE, PROGRAM_COUNT };
_Static_assert((int)PROGRAM_COUNT <= (int)MAX_PROGRAMS, "programs of a device");
enum { IN_TRAIN = 1 << PROGRAM_TRAIN, IN_EVAL = 1 << PROGRAM_EVAL,
       IN_BOTH = IN_TRAIN | IN_EVAL, IN_TRANSLATE = 1 << PROGRAM_TRANSLATE };

/* INIT_RUNNING: mean 0, variance 1, rows as in enum running_row. INIT_FIRST:
 * all zero but the first element. INIT_COPY: a copy of the weight that the
 * value belongs to. INIT_POOL: each nonzero as its view would have it.
 * INIT_INDEX: every member equally dense, at random. */
enum init_rule { INIT_CONSTANT, INIT_NORMAL, INIT_UNIFORM, INIT_RUNNING,
                 INIT_FIRST, INIT_COPY, INIT_POOL, INIT_INDEX };

struct init {
    enum init_rule rule;
    float scale;         /* the constant, the deviation, or the half-range */
};

enum { VALUE_NONE };

struct value {
    int layer;
    const char *name;    /* within the layer; static storage */
    enum kind kind;
    enum dtype dtype;
    int rank;
    int dim[OPERAND_MAX_RANK];
    int of;              /* the weight a gradient or moment belongs to */
    int gradient;        /* of a weight: its gradient, once there is one */
    int moment;          /* of a weight: its latest moment; of a moment: the
                            one before; VALUE_NONE: there is none */
    int part_of;         /* of a view: the pool's value that stores it */
    int member;          /* of a view: which member of the pool it is, or
                            POOL_ALL */
    int tiles_of;        /* of sums of tiles: the value that is summed, which
                            gives the number of tiles, ... */
    int tile_rows;       /* ... and their rows */
    bool stays;          /* an input that all programs share: written once, and
                            no part of a snapshot */
    int ordinal;         /* among the values of its kind */
    struct init init;    /* of state */
};

struct op {
    enum op_code code;
    enum pass pass;
    int programs;        /* IN_... */
    int layer;
    int forward;         /* of a forward operation: its own id; of a backward
                            one: whose gradient it computes; of one of
                            PASS_SAVE: whose result it saves; else -1 */
    bool begins_block;   /* a good place to cut the forward pass */
    int operand[CALL_MAX_OPERANDS]; /* values, or VALUE_NONE */
    union attr attr;
};

struct layer {
    char name[40];       /* "g2.b1.conv1" */
};

/* Images in the arena, from which an operation picks samples (pick): values of
 * the graph, all VALUE_NONE where there are none. Their owner writes them. */
struct image_set {
    int images, labels, count, norm;
};

/*
 * A graph has at most one pool of sparse weights. The pool's values, gradients
 * and moments are values of their own, with a dimension for all nonzeros. A
 * layer's weight, or its gradient, is a view of these: it has the dense shape,
 * and no storage.
 */
struct graph {
    int holders;
    struct layer *layers;
    int layer_count;
    struct value *values; /* the first is VALUE_NONE */
    int value_count;
    int kind_count[KIND_COUNT]; /* values of each */
    struct op *ops;      /* in an order that can be run */
    int op_count;
    bool at_block;       /* while building: the next operation begins one */
    const struct optimizer *optimizer; /* NULL: nothing is updated */
    struct pool *pool;   /* owned; NULL: every weight is dense */
    int pool_values, pool_index; /* values of the graph */
    struct image_set set;
    int unfinished;      /* (1) int32: a translation decodes until it is 0;
                            VALUE_NONE: nothing is translated */
};

/* An empty graph, held once. */
struct graph *graph_new(void);

/* Adds a holder, of the same thread; returns the graph. */
struct graph *graph_hold(struct graph *);

/* Takes a holder away; frees a graph without holders. */
void graph_free(struct graph *);

int graph_layer(struct graph *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a value, all but its ordinal and moments given; returns its id.
 * Dimensions are fixed numbers or DIM_.... */
int graph_value(struct graph *, const struct value *);

/* A value of the shape, type and layer of another, not yet added. */
struct value graph_like(const struct graph *, int value, const char *name,
                        enum kind);

/* Adds an operation, all but `begins_block` given; `forward` is given only for
 * operations that have one of another. */
void graph_op(struct graph *, const struct op *);

/* The accumulator of a weight's gradient, set to zero when a batch is prepared;
 * the first call makes it. The gradient of a view is the same view of the
 * pool's gradient. */
int graph_gradient(struct graph *, int weight);

/* Says that the next operation begins a block: a part of the model that little
 * more than one value leads into. */
void graph_begin_block(struct graph *);

/* Opens a pool. Until it is closed, values of one type can join it, each as a
 * view of one member. Closing it makes its index and the value of its nonzeros,
 * at least one per member. */
void graph_pool_open(struct graph *);
void graph_pool_join(struct graph *, int value);
void graph_pool_close(struct graph *, int layer, double sparsity);

/* Whether the pool, if there is one, is small enough to be indexed. If not, no
 * plan may be made of the graph. */
bool graph_pool_fits(const struct graph *);

static inline bool graph_is_view(const struct graph *g, int value)
{
    return g->values[value].part_of != VALUE_NONE;
}

/* Whether a value lives at every step of every program. */
bool graph_persists(const struct graph *, int value);

/* A value as kernels see it: its shape at these extents, without data. */
struct operand graph_operand(const struct graph *, int value,
                             const struct extents *);

/* Bytes of a value at these extents. */
size_t graph_bytes(const struct graph *, int value, const struct extents *);

/* Room for any name of a value, and a suffix. */
enum { GRAPH_NAME_SIZE = 96 };

/* "g1.b1.conv1.w", "g1.b1.conv1.w.momentum"; writes at most size bytes. */
void graph_value_name(const struct graph *, int value, char *name,
                      size_t size);

/* The moment of that name which the optimizer keeps for a weight, or
 * VALUE_NONE. */
int graph_moment(const struct graph *, int weight, const char *name);

/* Whether a value is of the pool as a whole: its values, index, gradient or
 * moments. */
bool graph_is_pool(const struct graph *, int value);

/* Trained parameters, elements of all weights that have a gradient: sparse
 * weights as if they were dense; and those of them that are stored. */
int64_t graph_parameters(const struct graph *);
int64_t graph_nonzeros(const struct graph *);

/* Floating-point operations of an operation (op_flops) at these extents. */
double graph_flops(const struct graph *, const struct op *,
                   const struct extents *);

#endif
