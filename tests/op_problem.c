#include "tests/op_problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/philox.h"
#include "kernels/scaled.h"
#include "tests/op_blocks.h"

static const char *const name_of[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = #name,
#include "kernels/op_list.h"
#undef OP
};

bool is_output(enum op_code op, int slot)
{
    return strchr("wuo", op_access[op][slot]) != NULL;
}

int slots_of(enum op_code op)
{
    return (int)strlen(op_access[op]);
}

int output_slot(enum op_code op)
{
    const char *last = strrchr(op_access[op], 'w');

    return last ? (int)(last - op_access[op]) : -1;
}

/* The slot of an operation with one of these letters, or -1. */
static int slot_with(enum op_code op, const char *letters)
{
    size_t slot = strcspn(op_access[op], letters);

    return op_access[op][slot] ? (int)slot : -1;
}

int through_slot(enum op_code op)
{
    return slot_with(op, "lL");
}

int saved_slot(enum op_code op)
{
    return slot_with(op, "qL");
}

double uniform(uint32_t stream, size_t i)
{
    struct philox p = philox(7, i / 4, PHILOX_DRAW, stream);

    return 2 * (double)philox_unit(p.x[i % 4]) - 1;
}

/* The nearest number that the type can hold, by its definition: a number of
 * binary digits, and a least exponent. */
static double round_to(enum dtype dtype, double x)
{
    int digits = dtype == DTYPE_BF16 ? 8 : 11;
    int least = dtype == DTYPE_BF16 ? -126 : -14, exponent;
    double unit;

    if (dtype == DTYPE_F32 || x == 0 || !isfinite(x))
        return (float)x;
    exponent = ilogb(x) > least ? ilogb(x) : least;
    unit = ldexp(1, exponent - digits + 1);
    return rint(x / unit) * unit;
}

/* The same for blocks of 8 bits. */
static void round_scaled(const struct operand *o, double *value)
{
    size_t n = operand_elements(o);
    float *floats = calloc(n, sizeof(*floats));
    struct operand stored = *o;

    stored.data = calloc(1, operand_bytes(o));
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)value[i];
    scaled_encode(&stored, floats);
    scaled_decode(&stored, floats);
    for (size_t i = 0; i < n; i++)
        value[i] = floats[i];
    free(stored.data);
    free(floats);
}

void round_values(const struct operand *o, double *value)
{
    if (dtype_in_blocks(o->dtype)) {
        blocks_round(o, value);
        return;
    }
    if (dtype_is_scaled(o->dtype)) {
        round_scaled(o, value);
        return;
    }
    for (size_t i = 0; i < operand_elements(o); i++)
        if (o->dtype == DTYPE_I32)
            value[i] = round(value[i]);
        else if (o->dtype != DTYPE_F64)
            value[i] = round_to(o->dtype, value[i]);
}

/* Loads the samples that the reference of load expects. */
static void load_sample(void *arg, int index, float *values, int32_t *label)
{
    const struct problem *p = arg;

    for (size_t i = 0; i < p->loading.elements; i++)
        values[i] = (float)(index * 1000 + (int)(i % 1000));
    *label = index + 7;
}

/* Random values, or for outputs zeros, and room for magnitudes. */
static struct exact exact_new(const struct problem *p, int slot)
{
    const struct operand *o = &p->call.operand[slot];
    size_t n = operand_elements(o);
    double offset = slot == 0 ? p->shape->offset : 0;
    struct exact t = { calloc(n, sizeof(double)), calloc(n, sizeof(double)) };

    if (!strchr("wo", op_access[p->op][slot]))
        for (size_t i = 0; i < n; i++)
            t.value[i] = offset + uniform((uint32_t)slot, i);
    return t;
}

struct exact exact_copy(const struct exact *t, size_t n)
{
    struct exact copy = { calloc(n, sizeof(double)),
                          calloc(n, sizeof(double)) };

    for (size_t i = 0; i < n; i++)
        copy.value[i] = t->value[i];
    return copy;
}

void exact_free(struct exact *t)
{
    free(t->value);
    free(t->magnitude);
}

/* A stat to load operand o through. It cuts off some values, and gives an x of
 * zero another result than a zero of padding. */
static float *through_new(const struct operand *o)
{
    size_t c = (size_t)o->dim[o->rank - 1];
    float *stat = calloc(STAT_ROWS * c, sizeof(*stat));

    for (size_t i = 0; i < c; i++) {
        stat[STAT_MEAN * c + i] = stat[STAT_RSTD * c + i] = NAN;
        stat[STAT_SCALE * c + i] = (float)(2 * uniform(200, i));
        stat[STAT_SHIFT * c + i] = (float)(uniform(201, i) + 0.25);
    }
    return stat;
}

/* The extents of one of the shape's parts. */
static struct extents extents_of(const struct shape *s)
{
    struct extents count = { { [EXTENT_SAMPLES] = s->sentences ? s->sentences
                                                               : s->n } };

    for (int i = 0; i < s->sentences; i++) {
        count.of[EXTENT_SOURCE] += s->source[i];
        count.of[EXTENT_TARGET] += s->target[i];
    }
    return count;
}

static struct extents extents_times(const struct extents *count, int times)
{
    struct extents all;

    for (int i = 0; i < EXTENT_COUNT; i++)
        all.of[i] = times * count->of[i];
    return all;
}

void problem_init(struct problem *p)
{
    const struct subject *subject = p->subject;
    const struct shape *shape = p->shape;
    enum op_code op = p->op;
    int parts = shape->parts ? shape->parts : 1;
    struct extents count = extents_of(shape);

    p->batch = (struct batch){
        .whole = extents_times(&count, parts),
        .terms = parts * (shape->sentences ? count.of[EXTENT_TARGET]
                                           : shape->n),
        .learning_rate = 0.1f, .seed = 11, .step = 5
    };
    p->part = (struct part){ extents_times(&count, parts - 1), count };
    p->loader = loading_loader(&p->loading);
    p->batch.loader = &p->loader;
    p->call.batch = &p->batch;
    p->call.part = &p->part;
    subject->describe(p);
    p->loading = (struct loading){
        load_sample, p,
        operand_given(&p->call.operand[0])
            ? operand_sample_elements(&p->call.operand[0]) : 0,
        parts * shape->n, shape->n
    };
    if (p->with_add) {
        const struct operand *out = &p->call.operand[output_slot(op)];

        p->call.operand[subject->add] = *out;
    }
    if (dtype_in_blocks(p->saved))
        p->call.operand[saved_slot(op)].dtype = p->saved;
    if (p->with_through) {
        int slot = through_slot(op);

        p->through = through_new(&p->call.operand[slot]);
        p->call.operand[slot].through = p->through;
    }
    for (int s = 0; s < slots_of(op); s++)
        p->before[s] = exact_new(p, s);
    if (dtype_in_blocks(p->saved))
        round_values(&p->call.operand[saved_slot(op)],
                     p->before[saved_slot(op)].value);
    if (subject->prepare)
        subject->prepare(p);
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        const struct operand *o = &p->call.operand[s];

        round_values(o, p->before[s].value);
        p->after[s] = exact_copy(&p->before[s], operand_elements(o));
    }
    op_reference(op, &p->call, p->after);
}

void problem_done(struct problem *p)
{
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        exact_free(&p->before[s]);
        exact_free(&p->after[s]);
    }
    free(p->through);
}

const char *problem_text(const struct problem *p)
{
    static char text[320];
    const struct shape *s = p->shape;

    snprintf(text, sizeof(text),
             "%s: (%d, %d, %d, %d) kernel %dx%d to %d, stride %d, pad %d, "
             "parts %d, offset %g, %d sentences, heads %d, taps %d, "
             "dropout %g, scale %g, smoothing %g%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s"
             "%s%s%s%s",
             name_of[p->op], s->n, s->h, s->w, s->c, s->kh, s->kw, s->co,
             s->stride, s->pad, s->parts, s->offset, s->sentences, s->heads,
             s->taps, (double)s->rate, (double)s->scale,
             (double)s->smoothing, s->coarse ? ", coarse" : "",
             s->causal ? ", causal" : "", s->nesterov ? ", nesterov" : "",
             s->scaled ? ", scaled" : "", s->overflow ? ", overflow" : "",
             s->master ? ", master" : "", s->floats ? ", floats" : "",
             s->bare ? ", bare" : "", s->eight ? ", 8 bits" : "",
             s->root ? ", root" : "", s->fades ? ", fades" : "",
             s->by_rate ? ", by rate" : "",
             p->storage == DTYPE_BF16 ? ", bf16"
             : p->storage == DTYPE_F16 ? ", fp16" : "",
             p->with_add ? ", add" : "",
             p->with_through ? ", through" : "",
             p->with_tf32 ? ", tf32" : "", p->tile_rows ? ", sums" : "",
             dtype_in_blocks(p->saved) ? ", saved in " : "",
             dtype_in_blocks(p->saved) ? dtype_name(p->saved) : "");
    return text;
}
