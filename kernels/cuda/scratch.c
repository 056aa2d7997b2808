#include "kernels/cuda/parts.h"
#include "kernels/cuda/token_parts.h"

/* One function for each operation to which the list gives scratch. */
#define DECLARE_NONE(name)
#define DECLARE_SCRATCH(name) \
    size_t cuda_##name##_scratch(const struct operand o[]);
#define OP(name, cpu, cuda, access, ...) DECLARE_##cuda(name)
#include "kernels/op_list.h"
#undef OP

static size_t wgrad_bytes(const struct operand *dw, const struct operand *dy)
{
    return (size_t)wgrad_parts(dw, operand_rows(dy)) * operand_elements(dw)
           * sizeof(float);
}

size_t cuda_conv_wgrad_scratch(const struct operand o[])
{
    return wgrad_bytes(&o[CONV_WGRAD_DW], &o[CONV_WGRAD_DY]);
}

size_t cuda_bn_stats_scratch(const struct operand o[])
{
    return sums_bytes(&o[BN_STATS_X], &o[BN_STATS_SUMS]);
}

size_t cuda_bn_relu_grad_scratch(const struct operand o[])
{
    return sums_bytes(&o[BN_RELU_GRAD_X], &o[BN_RELU_GRAD_SUMS])
           + 2 * (size_t)o[BN_RELU_GRAD_STAT].dim[1] * sizeof(float);
}

size_t cuda_layer_norm_grad_scratch(const struct operand o[])
{
    const struct operand *x = &o[LAYER_NORM_GRAD_X];

    return tiles_of(operand_rows(x), TILE_ROWS) * 2 * (size_t)x->dim[1]
           * sizeof(float);
}

/* conv_wgrad's scratch, in which the rows' sums then take its place. */
size_t cuda_linear_wgrad_scratch(const struct operand o[])
{
    return wgrad_bytes(&o[LINEAR_WGRAD_DW], &o[LINEAR_WGRAD_DY]);
}

size_t cuda_softmax_xent_scratch(const struct operand o[])
{
    return 2 * (size_t)o[SOFTMAX_XENT_LOGITS].dim[0] * sizeof(double);
}

size_t cuda_beam_scratch(const struct operand o[])
{
    int beam = o[BEAM_SCORES].dim[0] / o[BEAM_BEST].dim[0];

    return (size_t)o[BEAM_X].dim[0] * (size_t)beam_tiles_of(o[BEAM_W].dim[1])
           * beam_kept_bytes(beam);
}

/* A number for each target row and head. */
size_t cuda_attention_grad_scratch(const struct operand o[])
{
    return operand_elements(&o[ATTENTION_GRAD_LSE]) * sizeof(float);
}

size_t cuda_token_loss_scratch(const struct operand o[])
{
    return token_loss_parts(&o[TOKEN_LOSS_X], &o[TOKEN_LOSS_W]).bytes;
}

size_t cuda_token_loss_eval_scratch(const struct operand o[])
{
    return token_eval_parts(&o[TOKEN_LOSS_EVAL_X],
                            &o[TOKEN_LOSS_EVAL_W]).bytes;
}

size_t cuda_scratch(enum op_code op, const struct call *c)
{
#define ENTRY_NONE(name)
#define ENTRY_SCRATCH(name) [OP_##name] = cuda_##name##_scratch,
    static size_t (*const scratch[OP_COUNT])(const struct operand[]) = {
#define OP(name, cpu, cuda, access, ...) ENTRY_##cuda(name)
#include "kernels/op_list.h"
#undef OP
    };

    return scratch[op] ? scratch[op](c->operand) : 0;
}
