/*
 * attention_grad: the gradients of attention's q, k and v. Probabilities are
 * made again from the scores and their saved log-sum-exp.
 *   in dy (T, C), q (T, C), k (S, C), v (S, C), y (T, C), lse (T, H) float,
 *      target_ends (N) int32, source_ends (N) int32
 *   out dq (T, C), dk (S, C), dv (S, C)
 *
 *   p = exp(scores - lse), d = p * dropout
 *   dv = d dy, over targets
 *   ds = d * (dy v) - p * (dy y), in which dy v and dy y are inner products
 *   dq = ds k / sqrt(C / H), over sources
 *   dk = ds q / sqrt(C / H), over targets
 *
 * A pair of tiles takes five products of matrices: the scores, dy v, and its
 * terms of dv, dk and dq. Either the targets or the sources of most sentences
 * are one tile, whose sums wait in scratch while the others pass. In other
 * sentences the tiles of sources, for dk and dv, and those of targets, for dq,
 * each go through all pairs, so that seven products make all sums, each in one
 * order and by one thread.
 *
 * Scratch: per thread the matrices of a pair of tiles.
 */
#include "kernels/cpu/attention.h"

/* A thread's scratch. */
struct retrace {
    const struct attention *a;
    struct matrix k, v, dk, dv;     /* (sources, columns) */
    struct matrix q, dy, dq;        /* (targets, columns) */
    struct matrix q_turned, dy_turned;
    struct matrix p, dp;            /* (sources, targets); p becomes d, dp ds */
    float *lse, *delta;             /* [targets]; delta is dy y */
    struct conv_ahead ahead[8];
};

static size_t retrace_floats(const struct attention *a)
{
    size_t width = (size_t)a->width, targets = (size_t)a->targets;
    size_t sources = (size_t)a->sources;

    return (4 * sources + 5 * targets) * width + 2 * sources * targets
           + 2 * targets;
}

static struct retrace retrace_start(const struct attention *a)
{
    float *room = scratch_part(a->call, retrace_floats(a) * sizeof(float),
                               this_thread());

    return (struct retrace){
        .a = a, .k = attention_room(&room, a->sources, a->width),
        .v = attention_room(&room, a->sources, a->width),
        .dk = attention_room(&room, a->sources, a->width),
        .dv = attention_room(&room, a->sources, a->width),
        .q = attention_room(&room, a->targets, a->width),
        .dy = attention_room(&room, a->targets, a->width),
        .dq = attention_room(&room, a->targets, a->width),
        .q_turned = attention_room(&room, a->width, a->targets),
        .dy_turned = attention_room(&room, a->width, a->targets),
        .p = attention_room(&room, a->sources, a->targets),
        .dp = attention_room(&room, a->sources, a->targets),
        .lse = attention_room(&room, 1, a->targets).at,
        .delta = attention_room(&room, 1, a->targets).at
    };
}

/* A part of a sentence's tiles, whose pairs are gone through. */
struct pass {
    struct sentence target, source;
    struct range targets, sources;  /* tiles */
    bool queries, keys;  /* makes dq; makes dk and dv */
    int head;
};

static struct window slot_window(const struct retrace *t, int slot,
                                 const struct sentence_tile *tile, int head)
{
    return attention_window(t->a, &t->a->call->operand[slot], tile, head);
}

static void read_sources(struct retrace *t, const struct attention_pair *p)
{
    struct window k = slot_window(t, ATTENTION_GRAD_K, &p->source, p->head);
    struct window v = slot_window(t, ATTENTION_GRAD_V, &p->source, p->head);

    t->k.rows = t->v.rows = t->dk.rows = t->dv.rows = k.rows;
    t->p.rows = t->dp.rows = k.rows;
    KERNEL(matrix_load)(&t->k, &k, 1);
    KERNEL(matrix_load)(&t->v, &v, 1);
}

/* The inner products of the rows of dy and y, which comes into dq's room. */
static void make_delta(struct retrace *t, const struct attention_pair *p)
{
    struct window y = slot_window(t, ATTENTION_GRAD_Y, &p->target, p->head);

    t->dq.rows = t->dy.rows;
    KERNEL(matrix_load)(&t->dq, &y, 1);
    for (int row = 0; row < t->dy.rows; row++) {
        vf sum = vf_set(0);

        for (int column = 0; column < t->a->width; column += VLEN)
            sum += vf_load(matrix_at(&t->dy, row, column))
                   * vf_load(matrix_at(&t->dq, row, column));
        t->delta[row] = vf_sum(sum);
    }
}

static void read_lse(struct retrace *t, const struct attention_pair *p)
{
    const float *lse = t->a->call->operand[ATTENTION_GRAD_LSE].data;
    size_t heads = (size_t)t->a->heads;

    for (int i = 0; i < t->dy.rows; i++)
        t->lse[i] = i < tile_rows(&p->target)
                        ? lse[(size_t)(p->target.begin + i) * heads
                              + (size_t)p->head] : 0;
}

static void read_targets(struct retrace *t, const struct attention_pair *p)
{
    struct window q = slot_window(t, ATTENTION_GRAD_Q, &p->target, p->head);
    struct window dy = slot_window(t, ATTENTION_GRAD_DY, &p->target, p->head);

    t->q.rows = t->dy.rows = matrix_round(q.rows);
    KERNEL(matrix_load)(&t->q, &q, t->a->scale);
    KERNEL(matrix_load)(&t->dy, &dy, 1);
    KERNEL(matrix_turn)(&t->q, q.rows, q.columns, &t->q_turned);
    KERNEL(matrix_turn)(&t->dy, dy.rows, dy.columns, &t->dy_turned);
    make_delta(t, p);
    read_lse(t, p);
}

/* Turns scores and dy v of VLEN targets and some sources into d and ds. */
INLINE void derive_rows(const struct retrace *t, const struct attention_pair *p,
                       int row, int rows, int lane, const bool drops)
{
    vf lse = vf_load(t->lse + lane), delta = vf_load(t->delta + lane);
    float *of_p = matrix_at(&t->p, row, lane);
    float *of_dp = matrix_at(&t->dp, row, lane);
    struct vec_draw draw;

    if (drops)
        draw = attention_draw(t->a, p, row, lane);
    for (int i = 0; i < rows; i++) {
        vf e = vf_exp(vf_load(of_p + i * MATRIX_BLOCK) - lse), d = e;

        if (drops)
            d *= vec_dropout_factor(&t->a->dropout, &draw, i);
        vf_store(of_p + i * MATRIX_BLOCK, d);
        vf_store(of_dp + i * MATRIX_BLOCK,
                 d * vf_load(of_dp + i * MATRIX_BLOCK) - e * delta);
    }
}

static void derive(const struct retrace *t, const struct attention_pair *p)
{
    for (int lane = 0; lane < tile_rows(&p->target); lane += VLEN)
        for (int row = 0; row < t->p.rows; row += DROPOUT_GROUP) {
            int rows = int_min(t->p.rows - row, DROPOUT_GROUP);

            if (t->a->dropout.drop)
                derive_rows(t, p, row, rows, lane, true);
            else
                derive_rows(t, p, row, rows, lane, false);
        }
}

/* c = a b, (sources, targets), of rows of a head. */
static void multiply_heads(struct retrace *t,
                           const struct attention_pair *p,
                           const struct matrix *a, const struct matrix *b,
                           const struct matrix *c)
{
    KERNEL(matrix_multiply)(&(struct matrix_product){
        a, b, c, .lines = tile_rows(&p->source), .depth = t->a->columns,
        .columns = tile_rows(&p->target), .fresh = true,
        .ahead = t->ahead
    });
}

/* Adds the terms of this pair's targets to dk or dv. */
static void add_targets(struct retrace *t, const struct attention_pair *p,
                        const struct matrix *a, const struct matrix *b,
                        const struct matrix *c, bool fresh)
{
    KERNEL(matrix_multiply)(&(struct matrix_product){
        a, b, c, .lines = tile_rows(&p->source),
        .depth = tile_rows(&p->target), .columns = t->a->columns,
        .fresh = fresh, .ahead = t->ahead
    });
}

/* Adds the terms of this pair's sources to dq. */
static void add_sources(struct retrace *t, const struct attention_pair *p,
                        bool fresh)
{
    t->dq.rows = tile_rows(&p->target);
    KERNEL(matrix_multiply)(&(struct matrix_product){
        &t->dp, &t->k, &t->dq, .lines = t->dq.rows,
        .depth = tile_rows(&p->source), .columns = t->a->columns,
        .turned = true, .fresh = fresh, .ahead = t->ahead
    });
}

static void write_gradient(const struct retrace *t, const struct matrix *m,
                           int slot, const struct sentence_tile *tile,
                           int head, float factor)
{
    struct window w = slot_window(t, slot, tile, head);

    KERNEL(matrix_store)(m, &w, factor);
}

static void take_pair(struct retrace *t, const struct attention_pair *p,
                      const struct pass *pass, bool first_target,
                      bool first_source)
{
    multiply_heads(t, p, &t->k, &t->q_turned, &t->p);
    multiply_heads(t, p, &t->v, &t->dy_turned, &t->dp);
    derive(t, p);
    if (pass->keys) {
        add_targets(t, p, &t->p, &t->dy, &t->dv, first_target);
        add_targets(t, p, &t->dp, &t->q, &t->dk, first_target);
    }
    if (pass->queries)
        add_sources(t, p, first_source);
}

/* Goes through the targets' tiles for a tile of sources. The only tile of
 * targets stays from one tile of sources to the next. */
static void take_targets(struct retrace *t, struct attention_pair *p,
                         const struct pass *pass, bool first, bool last)
{
    const struct range *targets = &pass->targets;

    for (size_t i = targets->begin; i < targets->end; i++) {
        p->target = sentence_tile(pass->target, ATTENTION_ROWS, (int)i);
        if (first || targets->end - targets->begin > 1)
            read_targets(t, p);
        take_pair(t, p, pass, i == targets->begin, first);
        if (pass->queries && last)
            write_gradient(t, &t->dq, ATTENTION_GRAD_DQ, &p->target, p->head,
                           t->a->scale);
    }
}

static void take_pass(struct retrace *t, const struct pass *pass)
{
    const struct range *sources = &pass->sources;
    struct attention_pair p = { .head = pass->head };

    for (size_t i = sources->begin; i < sources->end; i++) {
        p.source = sentence_tile(pass->source, ATTENTION_ROWS, (int)i);
        read_sources(t, &p);
        take_targets(t, &p, pass, i == sources->begin, i + 1 == sources->end);
        if (pass->keys) {
            write_gradient(t, &t->dk, ATTENTION_GRAD_DK, &p.source, p.head, 1);
            write_gradient(t, &t->dv, ATTENTION_GRAD_DV, &p.source, p.head, 1);
        }
    }
}

static struct range all_tiles(struct sentence s)
{
    return (struct range){ 0, (size_t)sentence_tiles(s, ATTENTION_ROWS) };
}

static struct pass all_pairs(const struct call *c, int sentence, int head)
{
    struct pass pass = {
        .target = sentence_at(c->operand[ATTENTION_GRAD_TARGET_ENDS].data,
                              sentence),
        .source = sentence_at(c->operand[ATTENTION_GRAD_SOURCE_ENDS].data,
                              sentence),
        .head = head
    };

    pass.targets = all_tiles(pass.target);
    pass.sources = all_tiles(pass.source);
    pass.queries = pass.keys = pass.targets.end == 1 || pass.sources.end == 1;
    return pass;
}

static struct range only_tile(const struct sentence_tile *t)
{
    size_t i = (size_t)(t->begin - t->sentence.begin) / ATTENTION_ROWS;

    return (struct range){ i, i + 1 };
}

/* Has the rows of the tile of sources after this one asked for, and those of
 * the targets that it meets first. */
static void look_further(struct retrace *t, struct sentence_tile source)
{
    static const int source_slot[] = { ATTENTION_GRAD_K, ATTENTION_GRAD_V,
                                       ATTENTION_GRAD_DK, ATTENTION_GRAD_DV };
    static const int target_slot[] = { ATTENTION_GRAD_Q, ATTENTION_GRAD_DY,
                                       ATTENTION_GRAD_Y, ATTENTION_GRAD_DQ };
    const struct operand *o = t->a->call->operand;
    struct sentence_tile next = attention_next(&o[ATTENTION_GRAD_SOURCE_ENDS],
                                               source);
    struct sentence_tile target = sentence_tile(
        sentence_at(o[ATTENTION_GRAD_TARGET_ENDS].data, next.sentence.number),
        ATTENTION_ROWS, 0);
    const struct conv_ahead *rest = NULL;

    for (int i = 3; i >= 0; i--) {
        t->ahead[4 + i] = attention_ahead(&o[target_slot[i]], &target, rest);
        rest = &t->ahead[4 + i];
    }
    for (int i = 3; i >= 0; i--) {
        t->ahead[i] = attention_ahead(&o[source_slot[i]], &next, rest);
        rest = &t->ahead[i];
    }
}

/* Makes dk and dv of an item of sources; or all gradients of a sentence whose
 * pairs are gone through once. */
static void take_source_item(struct retrace *t, size_t item)
{
    const struct call *c = t->a->call;
    int head;
    struct sentence_tile tile = attention_item(
        t->a, &c->operand[ATTENTION_GRAD_SOURCE_ENDS], item, &head);
    struct pass pass = all_pairs(c, tile.sentence.number, head);
    bool first = tile.begin == tile.sentence.begin, once = pass.queries;

    if (tile_rows(&tile) == 0 || (once && !first))
        return;
    if (head == 0)
        look_further(t, tile);
    pass.keys = true;
    if (!once)
        pass.sources = only_tile(&tile);
    take_pass(t, &pass);
}

/* Makes dq of an item of targets, of other sentences. */
static void take_target_item(struct retrace *t, size_t item)
{
    const struct call *c = t->a->call;
    int head;
    struct sentence_tile tile = attention_item(
        t->a, &c->operand[ATTENTION_GRAD_TARGET_ENDS], item, &head);
    struct pass pass = all_pairs(c, tile.sentence.number, head);

    if (tile_rows(&tile) == 0 || pass.queries)
        return;
    pass.queries = true;
    pass.targets = only_tile(&tile);
    take_pass(t, &pass);
}

static size_t source_items(const struct attention *a)
{
    const struct operand *o = a->call->operand;

    return attention_items(a, &o[ATTENTION_GRAD_K],
                           &o[ATTENTION_GRAD_SOURCE_ENDS]);
}

static size_t target_items(const struct attention *a)
{
    const struct operand *o = a->call->operand;

    return attention_items(a, &o[ATTENTION_GRAD_Q],
                           &o[ATTENTION_GRAD_TARGET_ENDS]);
}

/* Threads share items of both sides with the same numbers. */
static void retrace_items(const void *own, int share, struct range items)
{
    const struct attention *a = own;
    struct retrace t = retrace_start(a);

    (void)share;
    for (size_t i = items.begin; i < items.end; i++) {
        if (i < source_items(a))
            take_source_item(&t, i);
        if (i < target_items(a))
            take_target_item(&t, i);
    }
}

static struct attention attention_of_gradient(const struct call *c)
{
    return attention_of(c, &c->operand[ATTENTION_GRAD_Q],
                        &c->operand[ATTENTION_GRAD_K]);
}

size_t KERNEL(attention_grad_scratch)(const struct call *c)
{
    struct attention a = attention_of_gradient(c);

    return (size_t)c->threads * retrace_floats(&a) * sizeof(float);
}

void KERNEL(attention_grad)(const struct call *c)
{
    struct attention a = attention_of_gradient(c);
    size_t items = size_max(source_items(&a), target_items(&a));

    attention_start_dropout(&a);
#pragma omp parallel num_threads(c->threads)
    share_out(items, c->threads, retrace_items, &a);
}
