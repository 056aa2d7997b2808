#include "tests/op_trial.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)0)
#endif

#include "kernels/scaled.h"
#include "kernels/half.h"
#include "tests/op_blocks.h"

enum { GUARD = 256, POISON = 0xFF };

/* The scale of an element of a dense tensor in 8 bits. */
static double scale_of(const struct operand *o, size_t i)
{
    size_t codes = (operand_elements(o) + 3) / 4 * 4;

    return ((const float *)(const void *)((const char *)o->data
                                          + codes))[i / 256];
}

static double element(const struct operand *o, size_t i)
{
    switch (o->dtype) {
    case DTYPE_F32:
        return ((const float *)o->data)[i];
    case DTYPE_I32:
        return ((const int32_t *)o->data)[i];
    case DTYPE_BF16:
    case DTYPE_F16:
        return float_load(o->data, i, o->dtype);
    case DTYPE_I8:
        return scale_of(o, i) * ((const int8_t *)o->data)[i];
    case DTYPE_U8:
        return scale_of(o, i) * ((const uint8_t *)o->data)[i];
    case DTYPE_8BIT:
    case DTYPE_4BIT:
        return blocks_element(o, i);
    default:
        return ((const double *)o->data)[i];
    }
}

static void store_scaled(const struct operand *o, const double *value)
{
    size_t n = operand_elements(o);
    float *floats = calloc(n, sizeof(*floats));

    for (size_t i = 0; i < n; i++)
        floats[i] = (float)value[i];
    scaled_encode(o, floats);
    free(floats);
}

static void store(const struct operand *o, const double *value)
{
    if (dtype_in_blocks(o->dtype)) {
        blocks_store(o, value);
        return;
    }
    if (dtype_is_scaled(o->dtype)) {
        store_scaled(o, value);
        return;
    }
    for (size_t i = 0; i < operand_elements(o); i++)
        switch (o->dtype) {
        case DTYPE_F32:
            ((float *)o->data)[i] = (float)value[i];
            break;
        case DTYPE_I32:
            ((int32_t *)o->data)[i] = (int32_t)value[i];
            break;
        case DTYPE_BF16:
        case DTYPE_F16:
            float_store(o->data, i, o->dtype, (float)value[i]);
            break;
        default:
            ((double *)o->data)[i] = value[i];
        }
}

/* The storages of a trial: the operands of a call, its scratch, and the stat
 * that one operand is loaded through. */
enum { SCRATCH = CALL_MAX_OPERANDS, THROUGH, STORAGES };

/* The place of a storage, with a guard on either side. */
struct storage {
    size_t at, bytes;
};

/* Tokens of translations, at most, that a call reports. */
enum { REPORTED = 64 };

/* One call of a kernel, in an arena of its own. */
struct trial {
    const struct target *target;
    struct device *device;
    enum op_code op;
    struct call call;
    struct batch batch;
    double report[METRIC_COUNT];
    int32_t translations[REPORTED];
    int shared;          /* slot whose storage the output takes, or -1 */
    struct storage storage[STORAGES];
    size_t bytes;
    char *arena;
    unsigned char *before, *after; /* the call: copies of the arena */
};

static void reserve(struct trial *t, int i, size_t bytes)
{
    t->storage[i] = (struct storage){ t->bytes + GUARD, bytes };
    t->bytes += 2 * GUARD + round_up(bytes, GUARD);
}

/* The scratch of a plan, which asks before it knows that an operand is loaded
 * through a stat. */
static size_t planned_scratch(const struct trial *t, enum op_code op)
{
    struct call c = t->call;

    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        c.operand[s].through = NULL;
    return t->target->backend->scratch(op, &c);
}

static void lay_out(struct trial *t, const struct problem *p)
{
    int through = p->with_through ? through_slot(p->op) : -1;

    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        reserve(t, s, operand_bytes(&t->call.operand[s]));
    reserve(t, SCRATCH, planned_scratch(t, p->op));
    reserve(t, THROUGH, through < 0 ? 0 : STAT_ROWS * sizeof(float)
                * (size_t)t->call.operand[through].dim[
                      t->call.operand[through].rank - 1]);
}

/* A slot as the host sees it before the call. */
static struct operand slot_before(const struct trial *t, int s)
{
    struct operand o = t->call.operand[s];

    o.data = t->before + t->storage[s].at;
    return o;
}

/* The same after it: the output where it is. */
static struct operand slot_after(const struct trial *t, int s)
{
    struct operand o = t->call.operand[s];

    if (t->shared >= 0 && s == output_slot(t->op))
        s = t->shared;
    o.data = t->after + t->storage[s].at;
    return o;
}

/* Writes the contents of the arena before the call. */
static void fill(struct trial *t, const struct problem *p)
{
    memset(t->before, POISON, t->bytes);
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        struct operand o = slot_before(t, s);

        if (operand_given(&o) && !strchr("wo", op_access[p->op][s]))
            store(&o, p->before[s].value);
    }
    if (p->through)
        memcpy(t->before + t->storage[THROUGH].at, p->through,
               t->storage[THROUGH].bytes);
}

static void bind(struct trial *t)
{
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        struct operand *o = &t->call.operand[s];

        o->data = t->arena + t->storage[s].at;
        if (o->through)
            o->through = (const float *)(const void *)
                (t->arena + t->storage[THROUGH].at);
    }
    if (t->shared >= 0)
        t->call.operand[output_slot(t->op)].data
            = t->call.operand[t->shared].data;
    t->call.scratch_bytes = t->storage[SCRATCH].bytes;
    if (t->storage[SCRATCH].bytes)
        t->call.scratch = t->arena + t->storage[SCRATCH].at;
}

/* Tells the address sanitizer that bytes outside of storages must not be read;
 * or ends that. */
static void guard(const struct trial *t)
{
    for (int i = 0; t->target->in_host_memory && i < STORAGES; i++) {
        ASAN_POISON_MEMORY_REGION(t->arena + t->storage[i].at - GUARD, GUARD);
        ASAN_POISON_MEMORY_REGION(
            t->arena + t->storage[i].at + t->storage[i].bytes, GUARD);
    }
}

static void unguard(const struct trial *t)
{
    if (t->target->in_host_memory)
        ASAN_UNPOISON_MEMORY_REGION(t->arena, t->bytes);
}

/* Makes a trial that has not run. */
static struct trial trial_new(const struct problem *p,
                              const struct target *target,
                              struct device *device, int threads, int shared)
{
    struct trial t = { .target = target, .device = device, .op = p->op,
                       .call = p->call, .batch = p->batch, .shared = shared };

    t.call.threads = threads;
    lay_out(&t, p);
    t.before = malloc(t.bytes);
    fill(&t, p);
    return t;
}

static void trial_run(struct trial *t)
{
    const struct backend *backend = t->target->backend;
    char why[WHY_SIZE] = "";

    t->batch.report = t->report;
    t->batch.translations = t->translations;
    t->call.batch = &t->batch;
    t->after = malloc(t->bytes);
    t->arena = backend->alloc(t->device, t->bytes, why);
    cr_assert_not_null(t->arena, "%s", why);
    backend->write(t->device, t->arena, t->before, t->bytes);
    bind(t);
    guard(t);
    backend->run(t->device, t->op, &t->call);
    unguard(t);
    backend->read(t->device, t->after, t->arena, t->bytes);
    cr_assert(backend->healthy(t->device, why), "%s", why);
    backend->free(t->device, t->arena, t->bytes);
}

/* Whether nothing was written outside of storages. */
static bool guards_intact(const struct trial *t)
{
    for (int i = 0; i < STORAGES; i++)
        for (size_t k = 0; k < GUARD; k++) {
            const unsigned char *data = t->after + t->storage[i].at;

            if (data[k - GUARD] != POISON
                || data[t->storage[i].bytes + k] != POISON)
                return false;
        }
    return true;
}

/* The slot of the result whose sums a slot has; else the slot itself. */
static int summed_slot(const struct problem *p, int slot)
{
    int out = output_slot(p->op);

    return op_access[p->op][slot] == 'o' && out >= 0 ? out : slot;
}

/* The error that rounding of the terms may give a sum, by its magnitude. */
static double sums_error(const struct problem *p, int slot)
{
    enum dtype dtype = p->call.operand[summed_slot(p, slot)].dtype;

    if (summed_slot(p, slot) == slot)
        return 0;
    return dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0;
}

/* The error that storing in 16 bits may give a result: half a unit in the last
 * place if it is rounded to nearest, a whole one if stochastically. */
static double storage_error(const struct problem *p, int slot, double value)
{
    enum dtype dtype = p->call.operand[slot].dtype;
    int weights = p->subject->weights;
    bool random = weights && !(slot == weights && p->shape->master);
    double half = dtype == DTYPE_BF16 ? 0x1p-8 * fabs(value)
                  : dtype == DTYPE_F16
                        ? fmax(0x1p-11 * fabs(value), 0x1p-25) : 0;

    return random ? 2 * half : half;
}

/* The error that storing in 8 bits may give element i: a unit. The largest
 * element of a block has as many units as a code can count. */
static double scaled_error(const struct problem *p, int slot, size_t i)
{
    const struct operand *o = &p->call.operand[slot];
    size_t begin = i / 256 * 256, n = operand_elements(o);
    double most = 0;

    if (!dtype_is_scaled(o->dtype))
        return 0;
    for (size_t k = begin; k < begin + 256 && k < n; k++)
        most = fmax(most, fabs(p->after[slot].value[k]));
    return 1.001 * most / (o->dtype == DTYPE_I8 ? 127 : 255);
}

/* The type whose rounding the terms of a result may have: that of the operand
 * that is loaded through a stat, or, if this is in blocks, of the result.
 * token_loss may round the gradients of logits to the type of its results. */
static enum dtype rounded_type(const struct problem *p, int slot)
{
    enum dtype own = p->call.operand[slot].dtype, loaded;

    if (p->op == OP_token_loss)
        return own;
    if (!p->with_through)
        return DTYPE_F32;
    loaded = p->call.operand[through_slot(p->op)].dtype;
    return dtype_in_blocks(loaded) ? own : loaded;
}

/* The error that rounding of loaded operands may give a sum, by its magnitude.
 * TF32 rounds both factors of a product. */
static double load_error(const struct problem *p, int slot)
{
    enum dtype dtype = rounded_type(p, slot);

    if (p->with_tf32)
        return 0x1p-10;
    return dtype == DTYPE_BF16 ? 0x1p-8 : dtype == DTYPE_F16 ? 0x1p-11 : 0;
}

/* The error of a number that no call changes: its scale has been rounded. */
static double stored_error(const struct problem *p, int slot, double value)
{
    return dtype_is_scaled(p->call.operand[slot].dtype)
               ? (double)FLT_EPSILON * fabs(value) : 0;
}

/* As near as allowed; a NaN is near no number but another NaN. */
static bool agree(double found, double expected, double allowed)
{
    return (isnan(found) && isnan(expected))
           || fabs(found - expected) <= allowed;
}

/* Whether slot s has the expected result; says so if not. */
static bool check_slot(const struct problem *p, const struct trial *t, int s)
{
    const struct operand o = slot_after(t, s);
    const struct exact *expected = &p->after[s];
    bool output = is_output(p->op, s);
    double relative = t->target->tolerance * (double)FLT_EPSILON
                      + load_error(p, summed_slot(p, s))
                      + sums_error(p, s);

    for (size_t i = 0; i < operand_elements(&o); i++) {
        double value = expected->value[i], found = element(&o, i), allowed;

        if (found == value)
            continue;
        allowed = output ? relative * expected->magnitude[i]
                         : stored_error(p, s, value);
        if (output)
            allowed += storage_error(p, s, fabs(value) + allowed)
                       + scaled_error(p, s, i);
        if (!agree(found, value, allowed)) {
            cr_expect_fail("%s, %s, %d threads, shared %d: slot %d, element "
                           "%zu is %.9g, not %.9g; allowed %.3g",
                           problem_text(p), t->target->name, t->call.threads,
                           t->shared, s, i, found, value, allowed);
            return false;
        }
    }
    return true;
}

static void check_report(const struct problem *p, const struct trial *t)
{
    const struct operand *o = &p->call.operand[REPORT_TRANSLATIONS];

    cr_expect_arr_eq(t->report, p->before[REPORT_METRICS].value,
                     sizeof(t->report));
    for (size_t i = 0; i < operand_elements(o); i++)
        cr_expect_eq(t->translations[i],
                     (int32_t)p->before[REPORT_TRANSLATIONS].value[i]);
}

static bool check_trial(const struct problem *p, const struct trial *t)
{
    bool good = guards_intact(t);

    cr_expect(good, "%s, %s, %d threads, shared %d: written outside",
              problem_text(p), t->target->name, t->call.threads, t->shared);
    for (int s = 0; good && s < slots_of(p->op); s++)
        if (s != t->shared)
            good &= check_slot(p, t, s);
    if (p->op == OP_report)
        check_report(p, t);
    return good;
}

static bool same_bits(const struct trial *a, const struct trial *b)
{
    for (int s = 0; s < CALL_MAX_OPERANDS; s++)
        if (memcmp(a->after + a->storage[s].at, b->after + b->storage[s].at,
                   b->storage[s].bytes))
            return false;
    return true;
}

bool check_call(const struct problem *p, const struct target *target,
                struct device *device, int threads, int shared)
{
    struct trial first = trial_new(p, target, device, threads, shared);
    struct trial again = first;
    bool good;

    trial_run(&first);
    trial_run(&again);
    good = check_trial(p, &first);
    if (good && !same_bits(&first, &again)) {
        cr_expect_fail("%s, %s, %d threads, shared %d: other bits when run "
                       "again", problem_text(p), target->name, threads,
                       shared);
        good = false;
    }
    free(first.before);
    free(first.after);
    free(again.after);
    return good;
}
