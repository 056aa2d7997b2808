#include "graph/op.h"

#include <string.h>

#include "kernels/pool.h"

const struct op_row op_table[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) { #name, access, sizeof(access) - 1 },
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

bool op_loads_through(enum op_code code, int slot)
{
    char access = op_table[code].access[slot];

    return access == 'l' || access == 'L';
}

bool op_repeatable(enum op_code code)
{
    return !strchr(op_access(code), 'u') && code != OP_load;
}

/*
 * The arithmetic of an operation. In a product every element of `out` sums one
 * term for each element of the weight of its output channel. Zeros of a sparse
 * weight are skipped where less than one in `skip` is nonzero, as pool_skips()
 * says. Besides, each element of some slots takes a few more operations. An
 * operation without a row, or a slot that is empty, takes none.
 */
struct flops_row {
    struct {
        signed char out, w;
        int skip;        /* 0: there is no product */
    } product;
    struct {
        signed char slot, per; /* operations on each element; 0: no term */
    } term[2];
    /* Operations on each element of the first operand. */
    double (*first)(const struct operand o[], const union attr *);
};

/* A multiply-add with each tap. */
static double of_taps(const struct operand o[], const union attr *a)
{
    (void)o;
    return 2.0 * a->dynconv.taps;
}

/* A multiply-add with the key of each source token, and with its value. */
static double of_sources(const struct operand o[], const union attr *a)
{
    (void)o;
    return 4.0 * a->attention.sentence;
}

/* The scores again, and four products for gradients. */
static double of_source_gradients(const struct operand o[],
                                  const union attr *a)
{
    (void)o;
    return 10.0 * a->attention.sentence;
}

/* The logits twice, and two products for gradients. */
static double of_words(const struct operand o[], const union attr *a)
{
    (void)a;
    return 8.0 * o[TOKEN_LOSS_W].dim[1];
}

static double of_words_once(const struct operand o[], const union attr *a)
{
    (void)a;
    return 2.0 * o[TOKEN_LOSS_EVAL_W].dim[1];
}

static double of_words_searched(const struct operand o[], const union attr *a)
{
    (void)a;
    return 2.0 * o[BEAM_W].dim[1];
}

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
    [OP_embedding] = { .term = { { EMBEDDING_Y, 2 } } },
    [OP_embedding_wgrad] = { .term = { { EMBEDDING_WGRAD_DY, 1 } } },
    [OP_dropout] = { .term = { { DROPOUT_X, 1 }, { DROPOUT_ADD, 1 } } },
    [OP_relu] = { .term = { { RELU_X, 1 } } },
    [OP_relu_grad] = { .term = { { RELU_GRAD_DY, 1 }, { RELU_GRAD_ADD, 1 } } },
    [OP_layer_norm] = { .term = { { LAYER_NORM_X, 8 } } },
    [OP_layer_norm_grad] = { .term = { { LAYER_NORM_GRAD_X, 14 },
                                       { LAYER_NORM_GRAD_ADD, 1 } } },
    [OP_dynconv] = { .term = { { DYNCONV_LOGITS, 4 } },
                     .first = of_taps },
    [OP_dynconv_dgrad] = { .term = { { DYNCONV_DGRAD_LOGITS, 4 },
                                     { DYNCONV_DGRAD_ADD, 1 } },
                           .first = of_taps },
    [OP_dynconv_wgrad] = { .term = { { DYNCONV_WGRAD_LOGITS, 8 } },
                           .first = of_taps },
    [OP_dynconv_step] = { .term = { { DYNCONV_STEP_LOGITS, 4 } },
                          .first = of_taps },
    [OP_attention] = { .first = of_sources },
    [OP_attention_grad] = { .first = of_source_gradients },
    [OP_softmax_xent] = { .term = { { SOFTMAX_XENT_LOGITS, 5 } } },
    [OP_token_loss] = { .first = of_words },
    [OP_token_loss_eval] = { .first = of_words_once },
    [OP_beam] = { .first = of_words_searched },
    [OP_squeeze] = { .term = { { SQUEEZE_X, 8 } } },
    [OP_expand] = { .term = { { EXPAND_X, 2 } } },
    [OP_check_finite] = { .term = { { CHECK_FINITE_GRADIENT, 1 } } },
    [OP_sgd] = { .term = { { SGD_W, 8 } } },
    [OP_adam] = { .term = { { ADAM_W, 14 } } },
    [OP_blend] = { .term = { { BLEND_Y, 3 } } },
    [OP_adam_apply] = { .term = { { ADAM_APPLY_W, 6 } } },
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

static double product_flops(const struct operand *out, const struct operand *w,
                            int skip)
{
    return 2.0 * (double)operand_elements(out) * worked_on(w, skip) *
           (double)operand_elements(w) / w->dim[w->rank - 1];
}

double op_flops(enum op_code code, const struct operand o[CALL_MAX_OPERANDS],
                const union attr *attr)
{
    const struct flops_row *row = &flops_table[code];
    double sum = 0;

    if (row->product.skip)
        sum = product_flops(&o[row->product.out], &o[row->product.w],
                            row->product.skip);
    for (int i = 0; i < 2; i++)
        sum += row->term[i].per *
               (double)operand_elements(&o[row->term[i].slot]);
    if (row->first)
        sum += row->first(o, attr) * (double)operand_elements(&o[0]);
    return sum;
}

bool op_skips(enum op_code code, const struct operand o[CALL_MAX_OPERANDS])
{
    const struct flops_row *row = &flops_table[code];

    return row->product.skip &&
           pool_skips(o[row->product.w].pool, row->product.skip);
}
