#include "plan/timed_call.h"

#include <math.h>
#include <string.h>

#include "base/json_print.h"

enum { KIND_OP, KIND_THREADS, KIND_TRAITS,
       KIND_SLOTS = KIND_TRAITS + TIMED_TRAITS };

/* Sizes that are no dimension: nonzeros in a million elements of a pool;
 * tokens of a source sentence. */
enum { SIZE_SHARE, SIZE_SENTENCE, SIZE_DIMS = TIMED_AMOUNTS };

enum { SHARE_WHOLE = 1000000 };

/* Bits of a slot's kind; 0: the slot is empty. */
enum { SLOT_GIVEN = 1, SLOT_THROUGH = 2, SLOT_SPARSE = 4, SLOT_DTYPE = 8 };

/* Of a convolution, whether it skips weights that are zero. No other operation
 * has that many traits. */
enum { TRAIT_SKIPS = 3 };

/* The attributes that choose code; those that are mere factors do not count. */
static void set_traits(int32_t trait[TIMED_TRAITS], enum op_code op,
                       const struct call *c)
{
    const union attr *a = &c->attr;

    switch (op) {
    case OP_conv:
    case OP_conv_dgrad:
    case OP_conv_wgrad:
        trait[0] = a->conv.tf32;
        trait[1] = a->conv.stride;
        trait[2] = c->operand[op == OP_conv_wgrad ? (int)CONV_WGRAD_DW
                                                  : (int)CONV_W].dim[0];
        trait[TRAIT_SKIPS] = op_skips(op, c->operand);
        break;
    case OP_linear:
    case OP_linear_dgrad:
    case OP_linear_wgrad:
        trait[0] = a->linear.tf32;
        break;
    case OP_dropout:
        trait[0] = a->dropout.rate > 0;
        break;
    case OP_dynconv:
    case OP_dynconv_dgrad:
    case OP_dynconv_wgrad:
        trait[0] = a->dynconv.dropout.rate > 0;
        trait[1] = a->dynconv.heads;
        trait[2] = a->dynconv.causal;
        break;
    case OP_attention:
    case OP_attention_grad:
        trait[0] = a->attention.dropout.rate > 0;
        trait[1] = a->attention.heads;
        break;
    case OP_token_loss:
    case OP_token_loss_eval:
        trait[0] = a->token_loss.tf32;
        break;
    case OP_sgd:
        trait[0] = a->update.sgd.nesterov;
        break;
    default:
        break;
    }
}

static int32_t slot_kind(const struct operand *o)
{
    if (!operand_given(o))
        return 0;
    return SLOT_GIVEN | (o->through ? SLOT_THROUGH : 0) |
           (o->pool ? SLOT_SPARSE : 0) | SLOT_DTYPE * (int)o->dtype;
}

/* Whether an operand's dimensions count: labels and the like are as many as
 * rows of other operands, and of sentences a plan knows only the most. */
static bool counts_size(enum op_code op, const struct operand *o)
{
    return o->dtype != DTYPE_I32 || op == OP_load;
}

struct timed_call timed_call_of(enum op_code op, const struct call *c)
{
    struct timed_call t = { .kind = { (int)op, c->threads } };

    set_traits(&t.kind[KIND_TRAITS], op, c);
    for (int i = 0; i < op_slots(op); i++) {
        const struct operand *o = &c->operand[i];
        t.kind[KIND_SLOTS + i] = slot_kind(o);
        for (int d = 0; d < o->rank && counts_size(op, o); d++)
            t.size[SIZE_DIMS + i * OPERAND_MAX_RANK + d] = o->dim[d];
        if (o->pool)
            t.size[SIZE_SHARE] =
                1 + (int32_t)((double)o->pool->nonzeros * SHARE_WHOLE /
                              (double)o->pool->elements);
    }
    if (op == OP_attention || op == OP_attention_grad)
        t.size[SIZE_SENTENCE] = c->attr.attention.sentence;
    return t;
}

enum op_code timed_call_op(const struct timed_call *t)
{
    return (enum op_code)t->kind[KIND_OP];
}

bool timed_call_same(const struct timed_call *a, const struct timed_call *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Mixes the first `count` numbers, and one more if that is odd, into a hash. */
static uint64_t mix_numbers(uint64_t hash, const int32_t *numbers, int count)
{
    uint64_t pair;

    for (int i = 0; i < count; i += 2) {
        memcpy(&pair, &numbers[i], sizeof(pair));
        hash = (hash ^ pair) * 0xbf58476d1ce4e5b9;
        hash ^= hash >> 29;
    }
    return hash;
}

/* Slots that the operation does not have are empty in all its calls. */
uint64_t timed_call_hash(const struct timed_call *t)
{
    int slots = op_slots(timed_call_op(t));
    uint64_t hash = 0x9e3779b97f4a7c15;

    _Static_assert(TIMED_KIND % 2 == 0 && TIMED_SIZES % 2 == 0,
                   "pairs of numbers");
    hash = mix_numbers(hash, t->kind, KIND_SLOTS + slots);
    return mix_numbers(hash, t->size, SIZE_DIMS + slots * OPERAND_MAX_RANK);
}

/* What a difference in kind adds to the square of a distance: code_apart where
 * other code runs, for other threads or to skip zeros, else kinds_apart. */
static const double code_apart = 64, kinds_apart = 9;

static bool chooses_code(int i)
{
    return i == KIND_THREADS || i == KIND_TRAITS + TRAIT_SKIPS;
}

/* Whether both calls have this size: the slot that it is of is given. */
static bool compares(const struct timed_call *a, const struct timed_call *b,
                     int i)
{
    int slot = KIND_SLOTS + (i - SIZE_DIMS) / OPERAND_MAX_RANK;

    return i < SIZE_DIMS ? a->size[i] && b->size[i]
                         : a->kind[slot] && b->kind[slot];
}

/* A dimension that one tensor lacks is 1. */
static double size_of(const struct timed_call *t, int i)
{
    return t->size[i] ? t->size[i] : 1;
}

double timed_call_apart(const struct timed_call *a, const struct timed_call *b)
{
    double sum = 0;

    for (int i = KIND_THREADS; i < TIMED_KIND; i++)
        if (a->kind[i] != b->kind[i])
            sum += chooses_code(i) ? code_apart : kinds_apart;
    return sum;
}

double timed_call_doublings(const struct timed_call *a,
                            const struct timed_call *b)
{
    double sum = 0;

    for (int i = 0; i < TIMED_SIZES; i++)
        if (a->size[i] != b->size[i] && compares(a, b, i)) {
            double doublings = log2(size_of(a, i) / size_of(b, i));
            sum += doublings * doublings;
        }
    return sum;
}

json_t *timed_call_json(const struct timed_call *t)
{
    json_t *slots = json_array();

    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        const int32_t *dim = &t->size[SIZE_DIMS + i * OPERAND_MAX_RANK];
        int slot[2 + OPERAND_MAX_RANK] = { i, t->kind[KIND_SLOTS + i] };
        int rank = 0;
        for (; rank < OPERAND_MAX_RANK && dim[rank]; rank++)
            slot[2 + rank] = dim[rank];
        if (slot[1])
            json_push(slots, json_integers(slot, 2 + rank));
    }
    return json_pack("{ss si so so so}", "op", op_name(timed_call_op(t)),
                     "threads", t->kind[KIND_THREADS], "traits",
                     json_integers(&t->kind[KIND_TRAITS], TIMED_TRAITS),
                     "amounts", json_integers(t->size, TIMED_AMOUNTS),
                     "slots", slots);
}

/* A whole number that an int32 holds, not below `least`. */
static bool read_int32(const json_t *value, int least, int32_t *whole)
{
    json_int_t n = json_integer_value(value);

    *whole = (int32_t)n;
    return json_is_integer(value) && n >= least && n <= INT32_MAX;
}

static bool read_int32s(const json_t *array, int32_t *to, size_t count)
{
    if (json_array_size(array) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_int32(json_array_get(array, i), 0, &to[i]))
            return false;
    return true;
}

static bool read_slot(struct timed_call *t, const json_t *slot)
{
    size_t length = json_array_size(slot);
    int32_t i, kind;

    if (length < 2 || length > 2 + OPERAND_MAX_RANK ||
        !read_int32(json_array_get(slot, 0), 0, &i) ||
        !read_int32(json_array_get(slot, 1), 1, &kind) ||
        i >= CALL_MAX_OPERANDS || t->kind[KIND_SLOTS + i])
        return false;
    t->kind[KIND_SLOTS + i] = kind;
    for (size_t d = 2; d < length; d++)
        if (!read_int32(json_array_get(slot, d), 1,
                        &t->size[SIZE_DIMS + i * OPERAND_MAX_RANK +
                                 (int)d - 2]))
            return false;
    return true;
}

static bool read_op(const char *name, int32_t *code)
{
    for (*code = 0; *code < OP_COUNT; ++*code)
        if (name && strcmp(name, op_name((enum op_code)*code)) == 0)
            return true;
    return false;
}

bool timed_call_read(struct timed_call *t, const json_t *json)
{
    const json_t *slots = json_object_get(json, "slots");

    *t = (struct timed_call){ .kind = { 0 } };
    if (!read_op(json_string_value(json_object_get(json, "op")),
                 &t->kind[KIND_OP]) ||
        !read_int32(json_object_get(json, "threads"), 1,
                    &t->kind[KIND_THREADS]) ||
        !read_int32s(json_object_get(json, "traits"), &t->kind[KIND_TRAITS],
                     TIMED_TRAITS) ||
        !read_int32s(json_object_get(json, "amounts"), t->size,
                     TIMED_AMOUNTS) ||
        json_array_size(slots) == 0)
        return false;
    for (size_t i = 0; i < json_array_size(slots); i++)
        if (!read_slot(t, json_array_get(slots, i)))
            return false;
    return true;
}
