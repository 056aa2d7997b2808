#include "kernels/cuda/parts.h"

static size_t wgrad_bytes(const struct operand *dw, const struct operand *dy)
{
    return (size_t)wgrad_parts(dw, operand_rows(dy)) * operand_elements(dw)
           * sizeof(float);
}

/* cuBLAS's and, in floats, a matrix that is stored otherwise. */
static size_t linear_bytes(const struct operand *w)
{
    return BLAS_WORKSPACE
           + (w->dtype == DTYPE_F32 ? 0 : operand_elements(w) * sizeof(float));
}

size_t cuda_scratch(enum op_code op, const struct call *c)
{
    const struct operand *o = c->operand;

    switch (op) {
    case OP_conv_wgrad:
        return wgrad_bytes(&o[CONV_WGRAD_DW], &o[CONV_WGRAD_DY]);
    case OP_bn_stats:
        return sums_bytes(&o[BN_STATS_X], &o[BN_STATS_SUMS]);
    case OP_bn_relu_grad:
        return sums_bytes(&o[BN_RELU_GRAD_X], &o[BN_RELU_GRAD_SUMS])
               + 2 * (size_t)o[BN_RELU_GRAD_STAT].dim[1] * sizeof(float);
    case OP_linear:
        return linear_bytes(&o[LINEAR_W]);
    case OP_linear_dgrad:
        return linear_bytes(&o[LINEAR_DGRAD_W]);
    case OP_linear_wgrad:
        return linear_bytes(&o[LINEAR_WGRAD_DW]);
    case OP_softmax_xent:
        return 2 * (size_t)o[SOFTMAX_XENT_LOGITS].dim[0] * sizeof(double);
    default:
        return 0;
    }
}
