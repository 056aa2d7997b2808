/*
 * An operation on one shape with everything that a call of it needs: random
 * operands before the call, and the reference's results after it.
 */
#ifndef MEMDIAL_TESTS_OP_PROBLEM_H
#define MEMDIAL_TESTS_OP_PROBLEM_H

#include "tests/loading.h"
#include "tests/op_reference.h"

enum { MAX_SENTENCES = 8 };

struct shape {
    int n, h, w, c;      /* (N, H, W, C); h = 0: (N, C) */
    int kh, kw, co;      /* of convolutions; co also outputs and classes */
    int stride, pad;
    int parts;           /* microbatches in the batch; 0 is 1 */
    double offset;       /* added to the values of the first operand */
    enum dtype dtype;
    bool nesterov;
    bool scaled;         /* with a loss scale ... */
    bool overflow;       /* ... and a gradient that is not finite */
    bool master;         /* with a master copy of the weights */
    bool eight;          /* moments are stored in 8 bits */
    /* Of a blend: */
    bool root;           /* of means of squares */
    bool fades;          /* takes nothing */
    bool by_rate;
    bool floats;         /* a linear layer's rows are floats, whatever w is */
    bool bare;           /* a linear layer without a bias, attention without
                            its log-sum-exp */
    bool large;          /* too slow for finite differences */
    /* Of text, whose rows are packed sentences: */
    int sentences;
    int source[MAX_SENTENCES], target[MAX_SENTENCES]; /* tokens of each */
    int heads, taps;
    bool causal;
    bool placed;         /* tokens that all have one position */
    int beam;            /* hypotheses of a sentence */
    float rate;          /* of dropout */
    float scale;         /* of an embedding; 0 is 1 */
    /* Of losses: */
    bool coarse;         /* numbers are so few that many logits are equal */
    float smoothing;     /* of labels */
};

struct problem;

/* The cases of one operation. */
struct subject {
    const struct shape *shapes;
    int count;
    void (*describe)(struct problem *); /* sets shapes and attributes */
    void (*prepare)(struct problem *);  /* changes random values; or NULL */
    int add;             /* the slot of its addend; 0 if it has none */
    int sums;            /* the slot of the sums of tiles, written or read */
    int weights;         /* the slot of the weights that it updates, which are
                            stored in 16 bits by stochastic rounding unless
                            there is a master copy; 0: it updates none */
    const struct gradients *gradients; /* op_derivative.h; or NULL */
};

struct problem {
    enum op_code op;
    const struct subject *subject;
    const struct shape *shape;
    bool with_add, with_through, with_tf32;
    int tile_rows;       /* of the sums that are tried; 0: none are */
    enum dtype storage;  /* of operands that need not be floats */
    enum dtype saved;    /* of an operand that may be in blocks, if it is */
    struct call call;    /* no data, no scratch, no threads */
    struct batch batch;
    struct part part;
    struct loading loading;
    struct loader loader;
    struct exact before[CALL_MAX_OPERANDS], after[CALL_MAX_OPERANDS];
    float *through;
};

/* Makes the members below from those above the call, which the caller sets. */
void problem_init(struct problem *);
void problem_done(struct problem *);

/* A text for messages; overwritten by the next call. */
const char *problem_text(const struct problem *);

bool is_output(enum op_code, int slot);
int slots_of(enum op_code);

/* The output that may take over the storage of 's' operands: the last slot that
 * is written; -1 if there is none. */
int output_slot(enum op_code);

/* The slot that may be loaded through a stat, and the one that may be in blocks
 * of fewer bits; -1 if there is none. */
int through_slot(enum op_code);
int saved_slot(enum op_code);

/* A number in (-1, 1), uniform, the same in every run. */
double uniform(uint32_t stream, size_t i);

/* Rounds values to numbers that their dtype can hold. */
void round_values(const struct operand *, double *value);

/* A copy of the values, with room for magnitudes. */
struct exact exact_copy(const struct exact *, size_t n);
void exact_free(struct exact *);

#endif
