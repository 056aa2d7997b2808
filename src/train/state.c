#include "train/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/pool_index.h"

static const struct graph *graph_of(const struct plan *plan)
{
    return plan->schedule->graph;
}

bool state_is(const struct plan *plan, int instance)
{
    return kind_persists(schedule_value(plan->schedule, instance)->kind);
}

/* Whether an operation has the value in a slot. */
static bool is_operand(const struct graph *g, int value, enum op_code code,
                       int slot)
{
    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == code && g->ops[i].operand[slot] == value)
            return true;
    return false;
}

/* Decodes the bitmap of delta codes, which may be anything: codes that lead out
 * of it are not followed. */
static void decode(const struct pool *p, const void *index, uint64_t *bits)
{
    struct pool_index x = pool_index_of(p, index);
    size_t codes = pool_bits_words(p) * POOL_WORD, n = 0;

    for (size_t at = 0; at < codes && n < p->nonzeros; at++) {
        size_t place;

        if (!pool_bit(x.bits, at))
            continue;
        place = (at - n) << p->low_bits |
                pool_read_bits(x.low, n * (size_t)p->low_bits, p->low_bits);
        if (place < p->words * POOL_WORD)
            pool_set_bit(bits, place);
        n++;
    }
}

/* Whether a member has nonzeros, and none beyond its end. */
static bool has_nonzeros(const struct pool_member *m, const uint64_t *bits)
{
    size_t words = pool_member_words(m), end = m->elements % POOL_WORD;
    uint64_t last = bits[m->word + words - 1];

    return pool_count(bits + m->word, words) > 0 && !(end && last >> end);
}

static bool check_bits(const struct pool *p, const uint64_t *bits)
{
    bool good = pool_count(bits, p->words) == p->nonzeros;

    for (int i = 0; i < p->members; i++)
        good = good && has_nonzeros(&p->member[i], bits);
    return good;
}

/* A bitmap has one valid index: the result of pool_encode(). */
static bool check_index(const struct pool *p, const void *index)
{
    uint64_t *bits = xcalloc(p->words, sizeof(*bits));
    void *again = xcalloc(1, pool_index_bytes(p));
    bool good;

    if (p->low_bits)
        decode(p, index, bits);
    else
        memcpy(bits, index, p->words * sizeof(*bits));
    good = check_bits(p, bits);
    if (good) {
        pool_encode(p, bits, again);
        good = memcmp(index, again, pool_index_bytes(p)) == 0;
    }
    free(bits);
    free(again);
    return good;
}

/* Between two steps the flag for gradients that overflow is clear. */
static bool check_loss_scale(const float *scale)
{
    float factor = scale[LOSS_SCALE_FACTOR], clean = scale[LOSS_SCALE_CLEAN];
    int exponent;

    return factor >= LOSS_SCALE_MIN && factor <= LOSS_SCALE_MAX &&
           frexpf(factor, &exponent) == 0.5f && clean >= 0 &&
           clean < LOSS_SCALE_PERIOD && clean == truncf(clean) &&
           scale[LOSS_SCALE_OVERFLOW] == 0;
}

/* Whether no element is below zero; -0 is not below. */
static bool check_positive(const void *x, size_t elements, enum dtype dtype)
{
    bool good = true;

    for (size_t i = 0; i < elements; i++)
        good &= float_load(x, i, dtype) >= 0;
    return good;
}

/* Whether a value is an optimizer's root of a mean of squares. */
static bool is_root(const struct graph *g, int value)
{
    const struct value *v = &g->values[value];

    for (int i = 0; g->optimizer && i < g->optimizer->moments; i++)
        if (v->kind == KIND_OPTIMIZER && g->optimizer->moment[i].root &&
            strcmp(v->name, g->optimizer->moment[i].name) == 0)
            return true;
    return false;
}

static bool is_finite(const void *data, size_t elements, enum dtype dtype)
{
    bool finite = true;

    for (size_t i = 0; i < elements; i++)
        finite &= isfinite(float_load(data, i, dtype)) != 0;
    return finite;
}

/* Codes may be any; scales are finite and not negative. */
static const char *fault_of_scales(const struct operand *o, const void *data,
                                   size_t bytes)
{
    size_t count = scaled_count(operand_elements(o), o->pool);
    const float *scale = (const float *)data + bytes / sizeof(float) - count;

    if (!is_finite(scale, count, DTYPE_F32))
        return STATE_NOT_FINITE;
    return check_positive(scale, count, DTYPE_F32) ? NULL
                                                   : "has a negative scale";
}

const char *state_fault_of_floats(const float *x, size_t count)
{
    return is_finite(x, count, DTYPE_F32) ? NULL : STATE_NOT_FINITE;
}

const char *state_fault(const struct plan *plan, int instance,
                        const void *data)
{
    const struct graph *g = graph_of(plan);
    enum dtype dtype = schedule_value(plan->schedule, instance)->dtype;
    size_t elements = plan->instances[instance].bytes / dtype_size(dtype);
    int value = plan->schedule->instances[instance];

    if (g->pool && value == g->pool_index)
        return check_index(g->pool, data) ? NULL :
               "does not say where the nonzeros are";
    if (dtype_is_scaled(dtype)) {
        struct operand o = graph_operand(g, value, NULL);

        return fault_of_scales(&o, data, plan->instances[instance].bytes);
    }
    if (!is_finite(data, elements, dtype))
        return STATE_NOT_FINITE;
    if (is_operand(g, value, OP_loss_scale, LOSS_SCALE_SCALE))
        return check_loss_scale(data) ? NULL : "is no loss scale";
    if (is_root(g, value) || is_operand(g, value, OP_rewire, REWIRE_THRESHOLD))
        return check_positive(data, elements, dtype) ? NULL : "is negative";
    if (is_operand(g, value, OP_bn_stats, BN_STATS_RUNNING))
        return check_positive((const float *)data + elements / 2,
                              elements / 2, dtype) ? NULL :
               "has a negative variance";
    return NULL;
}
