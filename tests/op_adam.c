#include <math.h>

#include "tests/op_cases.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

static const struct shape adam_shapes[] = {
    { .n = 1, .h = 1, .w = 1, .c = 1 },
    { .n = 1, .h = 5, .w = 7, .c = 3 },
    { .n = 3, .h = 3, .w = 17, .c = 33, .scaled = true },
    { .n = 3, .h = 3, .w = 16, .c = 33, .master = true },
    { .n = 3, .h = 3, .w = 17, .c = 33, .scaled = true, .overflow = true },
    { .n = 3, .h = 3, .w = 32, .c = 64, .scaled = true, .master = true },
    { .n = 1, .h = 5, .w = 7, .c = 3, .eight = true },
    { .n = 3, .h = 3, .w = 17, .c = 33, .eight = true, .scaled = true },
    { .n = 3, .h = 3, .w = 16, .c = 33, .eight = true, .master = true },
    { .n = 3, .h = 3, .w = 17, .c = 33, .eight = true, .scaled = true,
      .overflow = true }
};

static const struct shape adam_apply_shapes[] = {
    { .n = 1, .h = 1, .w = 1, .c = 1 },
    { .n = 1, .h = 5, .w = 7, .c = 3 },
    { .n = 3, .h = 3, .w = 17, .c = 33, .eight = true },
    { .n = 3, .h = 3, .w = 32, .c = 64 }
};

/* Moments are of 8 bits, or of bf16 where weights are stored in 16 bits. */
static void shape_moment(struct problem *p, int slot, enum dtype eight)
{
    shape_map(p, slot);
    if (p->shape->eight)
        p->call.operand[slot].dtype = eight;
    else if (p->storage != DTYPE_F32)
        p->call.operand[slot].dtype = DTYPE_BF16;
}

static void describe_adam(struct problem *p)
{
    shape_map(p, ADAM_GRADIENT);
    describe_scale(p, ADAM_SCALE);
    if (p->shape->master) {
        shape_map(p, ADAM_MASTER);
        p->call.operand[ADAM_MASTER].dtype = DTYPE_F32;
    }
    shape_moment(p, ADAM_MEAN, DTYPE_I8);
    shape_moment(p, ADAM_ROOT, DTYPE_U8);
    shape_map(p, ADAM_W);
    p->call.attr.update.stream = 9;
    p->call.attr.update.adam = (struct adam){ 0.9f, 0.98f, 1e-4f, 0.05f };
}

static void describe_adam_apply(struct problem *p)
{
    shape_moment(p, ADAM_APPLY_MEAN, DTYPE_I8);
    shape_moment(p, ADAM_APPLY_ROOT, DTYPE_U8);
    shape_map(p, ADAM_APPLY_W);
    p->call.attr.update.stream = 9;
    p->call.attr.update.adam = (struct adam){ 0.9f, 0.98f, 1e-4f, 0.05f };
}

/* A root is not negative; the first are 0, as the means are then. */
static void prepare_roots(struct problem *p, int mean, int slot)
{
    size_t n = operand_elements(&p->call.operand[slot]);
    double *root = p->before[slot].value;

    for (size_t i = 0; i < n; i++)
        root[i] = i < 5 ? 0 : fabs(root[i]);
    for (size_t i = 0; mean >= 0 && i < n && i < 5; i++)
        p->before[mean].value[i] = 0;
}

static void prepare_adam(struct problem *p)
{
    prepare_scale(p, ADAM_SCALE);
    prepare_roots(p, -1, ADAM_ROOT);
}

static void prepare_adam_apply(struct problem *p)
{
    prepare_roots(p, ADAM_APPLY_MEAN, ADAM_APPLY_ROOT);
}

/* Updates element i of w, or of the master copy, at `kept`. */
static void adam_element(const struct call *c, const struct exact *t, int kept,
                         size_t i)
{
    const struct adam *a = &c->attr.update.adam;
    double scale = operand_given(&c->operand[ADAM_SCALE])
                       ? t[ADAM_SCALE].value[LOSS_SCALE_FACTOR] : 1;
    double rate = (double)c->batch->learning_rate;
    double beta1 = (double)a->beta1, beta2 = (double)a->beta2;
    double g = t[ADAM_GRADIENT].value[i] / scale, w = t[kept].value[i];
    double before = t[ADAM_MEAN].value[i], root = t[ADAM_ROOT].value[i];
    double mean = beta1 * before + (1 - beta1) * g;
    double size = beta1 * fabs(before) + (1 - beta1) * fabs(g);
    double updates = (double)c->batch->step + 1, step, decayed;

    root = sqrt(beta2 * root * root + (1 - beta2) * g * g);
    step = rate * sqrt(1 - pow(beta2, updates)) / (1 - pow(beta1, updates))
           / (root + (double)a->eps);
    decayed = rate * (double)a->weight_decay * w;
    exact_set(&t[ADAM_MEAN], i, mean, size);
    exact_set(&t[ADAM_ROOT], i, root, 2 * root);
    exact_set(&t[kept], i, w - decayed - step * mean,
              fabs(w) + fabs(decayed) + 4 * step * size);
    if (kept != ADAM_W)
        exact_set(&t[ADAM_W], i, t[kept].value[i], t[kept].magnitude[i]);
}

void reference_adam(const struct call *c, struct exact *t)
{
    bool master = operand_given(&c->operand[ADAM_MASTER]);

    if (operand_given(&c->operand[ADAM_SCALE])
        && t[ADAM_SCALE].value[LOSS_SCALE_OVERFLOW] != 0)
        return;
    for (size_t i = 0; i < operand_elements(&c->operand[ADAM_W]); i++)
        adam_element(c, t, master ? ADAM_MASTER : ADAM_W, i);
}

void reference_adam_apply(const struct call *c, struct exact *t)
{
    const struct adam *a = &c->attr.update.adam;
    double rate = (double)c->batch->learning_rate;
    double updates = (double)c->batch->step + 1;
    double step = rate * sqrt(1 - pow((double)a->beta2, updates))
                  / (1 - pow((double)a->beta1, updates));

    for (size_t i = 0; i < operand_elements(&c->operand[ADAM_APPLY_W]); i++) {
        double w = t[ADAM_APPLY_W].value[i];
        double decayed = rate * (double)a->weight_decay * w;
        double move = step * t[ADAM_APPLY_MEAN].value[i]
                      / (t[ADAM_APPLY_ROOT].value[i] + (double)a->eps);

        exact_set(&t[ADAM_APPLY_W], i, w - decayed - move,
                  fabs(w) + fabs(decayed) + 4 * fabs(move));
    }
}

const struct subject subject_adam_apply = {
    SHAPES(adam_apply_shapes), .describe = describe_adam_apply,
    .prepare = prepare_adam_apply, .weights = ADAM_APPLY_W
};

const struct subject subject_adam = {
    SHAPES(adam_shapes), .describe = describe_adam, .prepare = prepare_adam,
    .weights = ADAM_W
};
