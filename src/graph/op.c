#include "graph/op.h"

#include <string.h>

#include "kernels/pool.h"

static const struct {
    const char *name, *access;
} op_table[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) { #name, access },
#include "kernels/op_list.h"
#undef OP
};

/* The list's access strings and slot names must agree in number. */
#define OP(name, cpu, cuda, access, ...) \
    enum { name##_slots = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int) }; \
    _Static_assert(sizeof(access) - 1 == (int)name##_slots && \
                   (int)name##_slots <= CALL_MAX_OPERANDS, #name);
#include "kernels/op_list.h"
#undef OP

const char *op_name(enum op_code code)
{
    return op_table[code].name;
}

const char *op_access(enum op_code code)
{
    return op_table[code].access;
}

int op_slots(enum op_code code)
{
    return (int)strlen(op_table[code].access);
}

bool op_writes(enum op_code code, int slot)
{
    char access = op_table[code].access[slot];

    return strchr("wou", access) != NULL;
}

bool op_reads(enum op_code code, int slot)
{
    return !strchr("wo", op_table[code].access[slot]);
}

bool op_repeatable(enum op_code code)
{
    return !strchr(op_access(code), 'u') && code != OP_load;
}

/*
 * The arithmetic of an operation. In a product every row of a tensor, seen as a
 * matrix of its last dimension, meets every element of a weight. Zeros of a
 * sparse weight are skipped where less than one in `skip` is nonzero, as
 * pool_skips() says. Besides, each element of some slots takes a few more
 * operations. An operation without a row, or a slot that is empty, takes none.
 */
struct flops_row {
    struct {
        signed char rows, w;
        int skip;        /* 0: there is no product */
        int more;        /* such products beside the first */
    } product;
    struct {
        signed char slot, per; /* operations on each element; 0: no term */
    } term[2];
};

static const struct flops_row flops_table[OP_COUNT] = {
    [OP_conv] = { { CONV_Y, CONV_W, POOL_SKIP }, { { CONV_ADD, 1 } } },
    [OP_conv_dgrad] = { { CONV_DGRAD_DY, CONV_DGRAD_W, POOL_SKIP },
                        { { CONV_DGRAD_ADD, 1 } } },
    [OP_conv_wgrad] = { { CONV_WGRAD_DY, CONV_WGRAD_DW,
                          POOL_SKIP_GRADIENT } },
    [OP_bn_stats] = { .term = { { BN_STATS_X, 3 } } },
    [OP_bn_running] = { .term = { { BN_RUNNING_GAMMA, 4 } } },
    [OP_bn_relu] = { .term = { { BN_RELU_X, 3 } } },
    [OP_bn_relu_grad] = { .term = { { BN_RELU_GRAD_X, 12 },
                                    { BN_RELU_GRAD_ADD, 1 } } },
    [OP_avg_pool] = { .term = { { AVG_POOL_X, 1 } } },
    [OP_avg_pool_grad] = { .term = { { AVG_POOL_GRAD_DX, 1 },
                                     { AVG_POOL_GRAD_ADD, 1 } } },
    [OP_linear] = { { LINEAR_Y, LINEAR_W, POOL_SKIP_NEVER },
                    { { LINEAR_Y, 1 } } },
    [OP_linear_dgrad] = { { LINEAR_DGRAD_DY, LINEAR_DGRAD_W, POOL_SKIP_NEVER },
                          { { LINEAR_DGRAD_ADD, 1 } } },
    [OP_linear_wgrad] = { { LINEAR_WGRAD_DY, LINEAR_WGRAD_DW, POOL_SKIP_NEVER },
                          { { LINEAR_WGRAD_DY, 1 } } },
    [OP_embedding_wgrad] = { .term = { { EMBEDDING_WGRAD_DY, 1 } } },
    [OP_softmax_xent] = { .term = { { SOFTMAX_XENT_LOGITS, 5 } } },
    [OP_token_loss] = { { TOKEN_LOSS_X, TOKEN_LOSS_W, POOL_SKIP_NEVER, 3 } },
    [OP_token_loss_eval] = { { TOKEN_LOSS_EVAL_X, TOKEN_LOSS_EVAL_W,
                               POOL_SKIP_NEVER } },
    [OP_check_finite] = { .term = { { CHECK_FINITE_GRADIENT, 1 } } },
    [OP_sgd] = { .term = { { SGD_W, 8 } } },
    [OP_rewire] = { .term = { { REWIRE_W, 1 } } },
};

/* The share of a weight that arithmetic is done for. For a sparse weight whose
 * zeros are skipped this is the pool's density. */
static double worked_on(const struct operand *w, int skip)
{
    return pool_skips(w->pool, skip)
               ? (double)w->pool->nonzeros / (double)w->pool->elements
               : 1;
}

static double product_flops(const struct operand *x, const struct operand *w,
                            int skip)
{
    return 2.0 * (double)operand_rows(x) * worked_on(w, skip) *
           (double)operand_elements(w);
}

double op_flops(enum op_code code, const struct operand o[CALL_MAX_OPERANDS])
{
    const struct flops_row *row = &flops_table[code];
    double sum = 0;

    if (row->product.skip)
        sum = (1 + row->product.more) *
              product_flops(&o[row->product.rows], &o[row->product.w],
                            row->product.skip);
    for (int i = 0; i < 2; i++)
        sum += row->term[i].per *
               (double)operand_elements(&o[row->term[i].slot]);
    return sum;
}
