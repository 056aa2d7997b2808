/*
 * Every kernel of every instruction set that works here or is emulated, and of
 * CUDA, on an emulated device and on a real one if there is one, against the
 * double-precision reference; and every gradient's reference against finite
 * differences of its forward operation's. op_cases.h says which shapes; add
 * operands, loading through a stat and sharing of storage are tried wherever
 * the operation list allows them, with 1, 2 and 3 threads on the CPU.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/isa.h"
#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_trial.h"
#include "tests/sanitized.h"

static const struct target cpu_targets[] = {
#ifdef __x86_64__
    { "avx512", &cpu_backend, 3, NULL, true, 8 },
    { "avx2", &cpu_backend, 3, NULL, true, 8 },
#endif
    { "generic", &cpu_backend, 3, NULL, true, 8 }
};

enum { CPU_TARGETS = sizeof(cpu_targets) / sizeof(cpu_targets[0]) };

/* Dot products of bf16, by the processor and emulated. */
static const struct target dot_targets[] = {
    { "avx512-bf16", &cpu_backend, 3, NULL, true, 8 },
    { "avx512-bf16-emulated", &cpu_backend, 3, NULL, true, 8 }
};

enum { DOT_TARGETS = sizeof(dot_targets) / sizeof(dot_targets[0]) };

static const struct target emulated_target = {
    "emulated", &cuda_backend, 1, "MEMDIAL_CUDA_EMULATED", true, 8
};

/* Matrix units truncate the terms of a sum, and do not round them. */
static const struct target device_target = {
    "cuda", &cuda_backend, 1, "MEMDIAL_CUDA_BUILT", false, 32
};

static bool may_share(const struct problem *p, int slot)
{
    return op_access[p->op][slot] == 's'
           && operand_given(&p->call.operand[slot]);
}

/* Stops at the first failure, so that each row of the table has one. */
static bool check_device(const struct problem *p, const struct target *target,
                         int threads)
{
    struct device *device = target_open(target, threads);
    bool good;

    if (!device)
        return true;
    good = check_call(p, target, device, threads, -1);
    for (int s = 0; good && s < slots_of(p->op); s++)
        if (may_share(p, s))
            good = check_call(p, target, device, threads, s);
    target_close(target, device);
    return good;
}

/* The kernels of every instruction set must ask for the scratch that the plan
 * has. */
static void check_scratch(const struct problem *p, const struct target *target,
                          int threads)
{
    const struct isa *isa = isa_named(target->name);
    size_t (*scratch)(const struct call *);
    struct call call = p->call;

    if (!isa)
        return;
    scratch = isa->kernels->scratch[p->op];
    call.threads = threads;
    call.batch = NULL;
    cr_expect_eq(scratch ? scratch(&call) : 0,
                 cpu_backend.scratch(p->op, &call), "%s: scratch for %s",
                 problem_text(p), target->name);
}

/* Whether it is enough that each kernel of the best instruction set runs: on
 * one thread, in one way, on nothing large. */
static bool is_short(void)
{
    return getenv("MEMDIAL_OPS_SHORT") != NULL;
}

static int threads_for(const struct target *target)
{
    if (is_short() && !target->module)
        return isa_named(target->name) == isa_at(0);
    return target->max_threads;
}

static void check_problem(const struct problem *p,
                          const struct target *targets, int count)
{
    if (targets == cpu_targets && !p->with_add && !p->shape->large
        && p->storage == DTYPE_F32 && !dtype_in_blocks(p->saved)
        && !is_short())
        check_derivatives(p);
    for (int i = 0; i < count; i++)
        for (int threads = 1; threads <= threads_for(&targets[i]);
             threads += SANITIZED ? 2 : 1) {
            check_scratch(p, &targets[i], threads);
            if (!check_device(p, &targets[i], threads))
                return;
        }
}

/* Bytes that a convolution of n images needs; it is given `room`, or is asked
 * beforehand if that is 0. */
static size_t part_scratch(enum op_code op, struct call c, int x, int y, int n,
                           size_t room)
{
    static char somewhere;

    c.operand[x].dim[0] = c.operand[y].dim[0] = n;
    c.scratch = room > 0 ? &somewhere : NULL;
    c.scratch_bytes = room;
    return cpu_backend.scratch(op, &c);
}

/* The scratch that is planned for the largest part of a batch is enough for
 * every part, whichever way a kernel then goes. */
Test(ops, smaller_parts_need_no_more_scratch)
{
    static const struct { enum op_code op; int x, w, y, sums; } products[] = {
        { OP_conv, CONV_X, CONV_W, CONV_Y, CONV_SUMS },
        { OP_conv_dgrad, CONV_DGRAD_DX, CONV_DGRAD_W, CONV_DGRAD_DY,
          CONV_DGRAD_SUMS },
        { OP_conv_wgrad, CONV_WGRAD_X, CONV_WGRAD_DW, CONV_WGRAD_DY, -1 }
    };
    static const struct { int side, in, out, kernel, stride; } layers[] = {
        { 32, 16, 16, 3, 1 }, { 32, 32, 32, 3, 1 }, { 16, 64, 64, 3, 1 },
        { 8, 128, 128, 3, 1 }, { 32, 16, 64, 3, 1 }, { 32, 16, 128, 3, 1 },
        { 18, 16, 64, 3, 1 }, { 96, 16, 16, 3, 1 }, { 16, 64, 128, 3, 2 },
        { 32, 16, 48, 1, 1 }, { 8, 160, 320, 1, 2 }
    };
    enum { PRODUCTS = 3, LAYERS = 11, THREADS = 200, IMAGES = 40 };

    for (int i = 0; i < 2 * PRODUCTS * LAYERS * THREADS; i++) {
        enum dtype dtype = i % 2 ? DTYPE_BF16 : DTYPE_F32;
        int p = i / 2 % PRODUCTS, l = i / 2 / PRODUCTS % LAYERS;
        int side = layers[l].side, out = side / layers[l].stride;
        struct call c = { .attr.conv = { .stride = layers[l].stride,
                                         .pad = layers[l].kernel / 2 },
                          .threads = 1 + i / 2 / PRODUCTS / LAYERS };
        struct operand x = { .dtype = dtype, .rank = 4,
                             .dim = { 1, side, side, layers[l].in } };
        struct operand y = { .dtype = dtype, .rank = 4,
                             .dim = { 1, out, out, layers[l].out } };
        struct operand filter = { .dtype = dtype, .rank = 4,
                                  .dim = { layers[l].kernel, layers[l].kernel,
                                           layers[l].in, layers[l].out } };

        c.operand[products[p].x] = x;
        c.operand[products[p].y] = y;
        c.operand[products[p].w] = filter;
        if (products[p].sums >= 0)
            c.operand[products[p].sums].rank = 3; /* they are wanted */
        for (int n = 2; n <= IMAGES; n++) {
            size_t planned = part_scratch(products[p].op, c, products[p].x,
                                          products[p].y, n, 0);

            for (int part = n - 1; part > 0; part /= 2)
                cr_assert(part_scratch(products[p].op, c, products[p].x,
                                       products[p].y, part, planned)
                              <= planned,
                          "operation %d, %d of %d images of %d, %d to %d "
                          "channels, type %d, %d threads", products[p].op,
                          part, n, side, layers[l].in, layers[l].out, dtype,
                          c.threads);
        }
    }
}

static struct operand matrix(enum dtype dtype, int rows, int columns)
{
    return (struct operand){ .dtype = dtype, .rank = 2,
                             .dim = { rows, columns } };
}

/* The scratch of a loss of tokens, of numbers of a type. */
static size_t loss_scratch(const struct backend *backend, bool trains,
                           enum dtype dtype, int tokens, int depth, int words)
{
    struct call c = { .threads = 3 };
    struct operand x = matrix(dtype, tokens, depth);
    struct operand w = matrix(dtype, depth, words);

    if (trains) {
        c.operand[TOKEN_LOSS_X] = c.operand[TOKEN_LOSS_DX] = x;
        c.operand[TOKEN_LOSS_W] = c.operand[TOKEN_LOSS_DW] = w;
        return backend->scratch(OP_token_loss, &c);
    }
    c.operand[TOKEN_LOSS_EVAL_X] = x;
    c.operand[TOKEN_LOSS_EVAL_W] = w;
    return backend->scratch(OP_token_loss_eval, &c);
}

Test(ops, fewer_tokens_need_no_more_scratch)
{
    static const int depths[] = { 1, 100, 512, 1100 };
    static const int vocabularies[] = { 7, 300, 1100, 6632 };
    enum { TOKENS = 700 };

    for (int i = 0; i < 4 * 4 * 2 * 2 * 2; i++) {
        const struct backend *backend = i & 1 ? &cuda_backend : &cpu_backend;
        enum dtype dtype = i & 4 ? DTYPE_BF16 : DTYPE_F32;
        int depth = depths[i / 8 % 4], words = vocabularies[i / 32];
        size_t before = 0;

        for (int tokens = 1; tokens <= TOKENS; tokens++) {
            size_t bytes = loss_scratch(backend, i & 2, dtype, tokens, depth,
                                        words);

            cr_assert(bytes >= before, "%s, %d tokens of %d, %d words",
                      backend->name, tokens, depth, words);
            before = bytes;
        }
    }
}

/* Whether the CPU's kernel is a product of matrices. */
static bool is_product(enum op_code op)
{
#define PRODUCT_NONE false
#define PRODUCT_SCRATCH false
#define PRODUCT_PRODUCT true
    static const bool products[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = PRODUCT_##cpu,
#include "kernels/op_list.h"
#undef OP
    };

    return products[op];
}

/* Products that may be of TF32. */
static bool multiplies(enum op_code op)
{
    return op == OP_conv || op == OP_conv_dgrad || op == OP_conv_wgrad
           || is_product(op);
}

/* Whether an operation is tried with sums of tiles: where there is something to
 * tell from a mean that its rounding to a float has not lost, and of an operand
 * as the test made it. */
static bool can_sum(enum op_code op, const struct shape *shape,
                    enum dtype saved)
{
    return op_subject(op)->sums > 0 && fabs(shape->offset) < 1000
           && !dtype_in_blocks(saved);
}

/* A large shape is too slow on an emulated device to be tried in all ways. */
static void check_shape(enum op_code op, const struct shape *shape,
                        enum dtype storage, enum dtype saved,
                        const struct target *targets, int count)
{
    bool can_add = op_subject(op)->add > 0;
    bool can_load_through = through_slot(op) >= 0;
    bool can_tf32 = targets->backend == &cuda_backend && storage == DTYPE_F32
                    && multiplies(op);
    bool few = is_short() || (shape->large && targets == &emulated_target);

    if (is_short() && shape->large)
        return;
    for (int add = few && can_add; add <= can_add; add++)
        for (int through = few && can_load_through;
             through <= can_load_through; through++)
            for (int tf32 = 0; tf32 <= can_tf32; tf32++)
                for (int sums = 0; sums <= can_sum(op, shape, saved);
                     sums++) {
                    struct problem p = {
                        .op = op, .subject = op_subject(op), .shape = shape,
                        .with_add = add, .with_through = through,
                        .with_tf32 = tf32,
                        .tile_rows = sums ? targets->backend->tile_rows : 0,
                        .storage = storage, .saved = saved
                    };

                    problem_init(&p);
                    check_problem(&p, targets, count);
                    problem_done(&p);
                }
}

/* Whether any operand of an operation may be stored in 16 bits. */
static bool stores(enum op_code op)
{
    struct problem p = { .op = op, .shape = op_subject(op)->shapes,
                         .storage = DTYPE_F16 };
    bool any = false;

    op_subject(op)->describe(&p);
    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        any |= p.call.operand[s].dtype == DTYPE_F16;
    return any;
}

static void check_op(enum op_code op, const struct target *targets, int count)
{
    static const enum dtype storage[] = { DTYPE_F32, DTYPE_BF16, DTYPE_F16 };
    static const enum dtype saved[] = { DTYPE_F32, DTYPE_8BIT, DTYPE_4BIT };
    const struct subject *subject = op_subject(op);

    for (int k = 0; k < (stores(op) ? 3 : 1); k++)
        for (int i = 0; i < subject->count; i++)
            for (int s = 0; s < (saved_slot(op) >= 0 ? 3 : 1); s++)
                check_shape(op, &subject->shapes[i], storage[k], saved[s],
                            targets, count);
}

/* Tries an operation of a module of CUDA's. */
static void check_cuda(enum op_code op, const struct target *target)
{
    struct device_info info;

    if (!target_choose(target))
        cr_skip_test("the module was not built");
    cuda_backend.list(&info, 1);
    if (!info.usable)
        cr_skip_test("%s", info.line);
    check_op(op, target, 1);
}

/* Tries a product of matrices where dot products of bf16 make it. All other
 * kernels must be those of AVX-512. */
static void check_dots(enum op_code op)
{
    const struct isa *base = isa_named("avx512");

    if (!base)
        cr_skip_test("the processor has no AVX-512 to emulate them with");
    for (int i = 0; i < DOT_TARGETS; i++) {
        const struct isa *isa = isa_named(dot_targets[i].name);

        for (int k = 0; isa && k < OP_COUNT; k++)
            cr_expect_eq(isa->kernels->run[k] == base->kernels->run[k],
                         !is_product((enum op_code)k), "operation %d of %s", k,
                         isa->name);
    }
    check_op(op, dot_targets, DOT_TARGETS);
}

#define DOTS_NONE(name)
#define DOTS_SCRATCH(name)
#define DOTS_PRODUCT(name) \
    Test(ops_dots, name) { check_dots(OP_##name); }
#define OP(name, cpu, cuda, access, ...) DOTS_##cpu(name)
#include "kernels/op_list.h"
#undef OP

#define OP(name, cpu, cuda, access, ...) \
    Test(ops, name) { check_op(OP_##name, cpu_targets, CPU_TARGETS); } \
    Test(ops_emulated, name) { check_cuda(OP_##name, &emulated_target); } \
    Test(ops_device, name) { check_cuda(OP_##name, &device_target); }
#include "kernels/op_list.h"
#undef OP
