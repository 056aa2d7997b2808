/*
 * The operation list. One line is one operation. Every backend supplies one
 * kernel per line, in a file of the same name, and a missing one is a link
 * error. The list is included several times, with OP() defined differently.
 *
 *   OP(name, cpu, cuda, access, slots...)
 *
 * cpu, cuda: SCRATCH if the backend's kernel needs workspace, else NONE. With
 * SCRATCH a function returns the bytes: on the CPU beside the kernel, for CUDA
 * in cuda/scratch.c. On the CPU a PRODUCT of matrices needs workspace too, and
 * is compiled for every instruction set.
 *
 * access: one letter per operand slot.
 *   r  read
 *   l  read; may be loaded through a saved batch norm: relu(scale*x + shift)
 *   L  the same; may also be stored in blocks of fewer bits (squeeze.h)
 *   q  read; may be stored in blocks of fewer bits, but not be loaded through a
 *      batch norm
 *   s  read, element i before element i of the output is written, so that the
 *      output may take over its storage when it dies here
 *   w  write, every element
 *   u  update in place (accumulate, or state that persists between steps)
 *   o  write, every element, but only where a later step reads it; else the
 *      slot is empty
 *
 * An operand whose slot a graph leaves empty has rank 0. Every operation that
 * writes the gradient of an activation has an `add` slot, so that gradients of
 * a value with several readers need no operation to add them. Shapes are in the
 * header comment of each kernel's file.
 */
OP(load, SCRATCH, NONE, "wwwwww", LOAD_STREAM_0, LOAD_STREAM_1, LOAD_STREAM_2,
   LOAD_STREAM_3, LOAD_STREAM_4, LOAD_STREAM_5)
OP(pick, NONE, NONE, "rrrrww", PICK_IMAGES, PICK_LABELS, PICK_COUNT, PICK_NORM,
   PICK_X, PICK_PICKED)
OP(zero, NONE, NONE, "w", ZERO_X)
OP(report, NONE, NONE, "rr", REPORT_METRICS, REPORT_TRANSLATIONS)

OP(conv, SCRATCH, NONE, "lrswo", CONV_X, CONV_W, CONV_ADD, CONV_Y, CONV_SUMS)
OP(conv_dgrad, SCRATCH, NONE, "rrswrro",
   CONV_DGRAD_DY, CONV_DGRAD_W, CONV_DGRAD_ADD, CONV_DGRAD_DX, CONV_DGRAD_X,
   CONV_DGRAD_STAT, CONV_DGRAD_SUMS)
OP(conv_wgrad, SCRATCH, SCRATCH, "Lru",
   CONV_WGRAD_X, CONV_WGRAD_DY, CONV_WGRAD_DW)

OP(bn_stats, SCRATCH, SCRATCH, "rrruwr", BN_STATS_X, BN_STATS_GAMMA,
   BN_STATS_BETA, BN_STATS_RUNNING, BN_STATS_STAT, BN_STATS_SUMS)
OP(bn_running, NONE, NONE, "rrrw", BN_RUNNING_GAMMA, BN_RUNNING_BETA,
   BN_RUNNING_RUNNING, BN_RUNNING_STAT)
OP(bn_relu, NONE, NONE, "srw", BN_RELU_X, BN_RELU_STAT, BN_RELU_Z)
OP(bn_relu_grad, SCRATCH, SCRATCH, "sqrsuuwr", BN_RELU_GRAD_DZ, BN_RELU_GRAD_X,
   BN_RELU_GRAD_STAT, BN_RELU_GRAD_ADD, BN_RELU_GRAD_DGAMMA,
   BN_RELU_GRAD_DBETA, BN_RELU_GRAD_DX, BN_RELU_GRAD_SUMS)

OP(avg_pool, NONE, NONE, "lw", AVG_POOL_X, AVG_POOL_Y)
OP(avg_pool_grad, NONE, NONE, "rsw",
   AVG_POOL_GRAD_DY, AVG_POOL_GRAD_ADD, AVG_POOL_GRAD_DX)

OP(linear, PRODUCT, NONE, "lrrw", LINEAR_X, LINEAR_W, LINEAR_B, LINEAR_Y)
OP(linear_dgrad, PRODUCT, NONE, "rrsw", LINEAR_DGRAD_DY, LINEAR_DGRAD_W,
   LINEAR_DGRAD_ADD, LINEAR_DGRAD_DX)
OP(linear_wgrad, PRODUCT, SCRATCH, "lruu", LINEAR_WGRAD_X, LINEAR_WGRAD_DY,
   LINEAR_WGRAD_DW, LINEAR_WGRAD_DB)

OP(embedding, NONE, NONE, "rrrrw", EMBEDDING_TOKENS, EMBEDDING_W,
   EMBEDDING_ENDS, EMBEDDING_POSITION, EMBEDDING_Y)
OP(embedding_wgrad, NONE, NONE, "rru", EMBEDDING_WGRAD_TOKENS,
   EMBEDDING_WGRAD_DY, EMBEDDING_WGRAD_DW)
OP(dropout, NONE, NONE, "srsw", DROPOUT_X, DROPOUT_ENDS, DROPOUT_ADD,
   DROPOUT_Y)
OP(relu, NONE, NONE, "sw", RELU_X, RELU_Y)
OP(relu_grad, NONE, NONE, "srsw", RELU_GRAD_DY, RELU_GRAD_Y, RELU_GRAD_ADD,
   RELU_GRAD_DX)

OP(layer_norm, NONE, NONE, "srrow", LAYER_NORM_X, LAYER_NORM_GAMMA,
   LAYER_NORM_BETA, LAYER_NORM_STAT, LAYER_NORM_Y)
OP(layer_norm_grad, SCRATCH, SCRATCH, "srrrsuuw", LAYER_NORM_GRAD_DY,
   LAYER_NORM_GRAD_X, LAYER_NORM_GRAD_STAT, LAYER_NORM_GRAD_GAMMA,
   LAYER_NORM_GRAD_ADD, LAYER_NORM_GRAD_DGAMMA, LAYER_NORM_GRAD_DBETA,
   LAYER_NORM_GRAD_DX)

OP(dynconv, SCRATCH, NONE, "rrrw", DYNCONV_X, DYNCONV_LOGITS, DYNCONV_ENDS,
   DYNCONV_Y)
OP(dynconv_dgrad, SCRATCH, NONE, "rrrsw", DYNCONV_DGRAD_DY,
   DYNCONV_DGRAD_LOGITS, DYNCONV_DGRAD_ENDS, DYNCONV_DGRAD_ADD,
   DYNCONV_DGRAD_DX)
OP(dynconv_wgrad, SCRATCH, NONE, "rrrrw", DYNCONV_WGRAD_DY, DYNCONV_WGRAD_X,
   DYNCONV_WGRAD_LOGITS, DYNCONV_WGRAD_ENDS, DYNCONV_WGRAD_DLOGITS)

OP(attention, SCRATCH, NONE, "rrrrrow", ATTENTION_Q, ATTENTION_K, ATTENTION_V,
   ATTENTION_TARGET_ENDS, ATTENTION_SOURCE_ENDS, ATTENTION_LSE, ATTENTION_Y)
OP(attention_grad, SCRATCH, SCRATCH, "rrrrrrrrwww", ATTENTION_GRAD_DY,
   ATTENTION_GRAD_Q, ATTENTION_GRAD_K, ATTENTION_GRAD_V, ATTENTION_GRAD_Y,
   ATTENTION_GRAD_LSE, ATTENTION_GRAD_TARGET_ENDS, ATTENTION_GRAD_SOURCE_ENDS,
   ATTENTION_GRAD_DQ, ATTENTION_GRAD_DK, ATTENTION_GRAD_DV)

OP(softmax_xent, SCRATCH, SCRATCH, "srruw", SOFTMAX_XENT_LOGITS,
   SOFTMAX_XENT_LABELS, SOFTMAX_XENT_SCALE, SOFTMAX_XENT_METRICS,
   SOFTMAX_XENT_DLOGITS)

OP(token_loss, PRODUCT, SCRATCH, "rrrruuw", TOKEN_LOSS_X, TOKEN_LOSS_W,
   TOKEN_LOSS_LABELS, TOKEN_LOSS_SCALE, TOKEN_LOSS_METRICS, TOKEN_LOSS_DW,
   TOKEN_LOSS_DX)
OP(token_loss_eval, PRODUCT, SCRATCH, "rrru", TOKEN_LOSS_EVAL_X,
   TOKEN_LOSS_EVAL_W, TOKEN_LOSS_EVAL_LABELS, TOKEN_LOSS_EVAL_METRICS)

OP(beam_start, NONE, NONE, "rwwwwwwwww", BEAM_START_SOURCE_ENDS,
   BEAM_START_TARGET_ENDS, BEAM_START_STEP, BEAM_START_UNFINISHED,
   BEAM_START_SCORES, BEAM_START_TOKENS, BEAM_START_STATE, BEAM_START_BEST,
   BEAM_START_HISTORY, BEAM_START_PARENTS)
OP(dynconv_step, NONE, NONE, "srrruw", DYNCONV_STEP_X, DYNCONV_STEP_LOGITS,
   DYNCONV_STEP_PARENTS, DYNCONV_STEP_STEP, DYNCONV_STEP_RING, DYNCONV_STEP_Y)
OP(beam, SCRATCH, SCRATCH, "rruuuuuuuu", BEAM_X, BEAM_W, BEAM_STEP,
   BEAM_UNFINISHED, BEAM_SCORES, BEAM_TOKENS, BEAM_STATE, BEAM_BEST,
   BEAM_HISTORY, BEAM_PARENTS)
OP(beam_end, NONE, NONE, "rrrw", BEAM_END_STATE, BEAM_END_HISTORY,
   BEAM_END_PARENTS, BEAM_END_TRANSLATIONS)

OP(squeeze, NONE, NONE, "rrw", SQUEEZE_X, SQUEEZE_STAT, SQUEEZE_STORED)
OP(expand, NONE, NONE, "rw", EXPAND_STORED, EXPAND_X)

OP(check_finite, NONE, NONE, "ru", CHECK_FINITE_GRADIENT, CHECK_FINITE_SCALE)
OP(sgd, NONE, NONE, "rruuu", SGD_GRADIENT, SGD_SCALE, SGD_MASTER,
   SGD_MOMENTUM, SGD_W)
OP(adam, NONE, NONE, "rruuuu", ADAM_GRADIENT, ADAM_SCALE, ADAM_MASTER,
   ADAM_MEAN, ADAM_ROOT, ADAM_W)
OP(blend, NONE, NONE, "ru", BLEND_X, BLEND_Y)
OP(adam_apply, NONE, NONE, "rru", ADAM_APPLY_MEAN, ADAM_APPLY_ROOT,
   ADAM_APPLY_W)
OP(loss_scale, NONE, NONE, "uu", LOSS_SCALE_METRICS, LOSS_SCALE_SCALE)
OP(rewire, SCRATCH, NONE, "uuuuuu", REWIRE_THRESHOLD, REWIRE_MASTER,
   REWIRE_MOMENT_0, REWIRE_MOMENT_1, REWIRE_W, REWIRE_INDEX)
