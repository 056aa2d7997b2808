/*
 * attention: each target row attends to the source rows of its sentence, in
 * each of H heads, which have C / H columns each.
 *   in q (T, C), k (S, C), v (S, C), target_ends (N) int32, source_ends (N)
 *      int32
 *   out lse (T, H) float, or empty: log of the sum of exp(scores); y (T, C)
 *
 *   scores = q k / sqrt(C / H), of a head's columns
 *   y = sum over sources of softmax(scores) * dropout * v
 *
 * Probabilities are not kept (FlashAttention, Dao, Fu, Ermon, Rudra and Ré
 * 2022). A tile of targets goes through the tiles of sources, with the maximum
 * of the scores so far, and sums of exp(score - maximum), which shrink when the
 * maximum rises.
 *
 * Memory is slower than arithmetic on short sentences: while one tile of
 * targets goes through its heads, the rows of the next one are asked for.
 *
 * Threads share the tiles of targets in each head: rows of long sentences, and
 * heads, need nothing of each other.
 *
 * Scratch: per thread the matrices of a pair of tiles, and the sums.
 */
#include "kernels/cpu/attention.h"

/* A thread's scratch. */
struct attend {
    const struct attention *a;
    struct matrix q;     /* (columns, targets) */
    struct matrix side;  /* k, then v, (sources, columns) */
    struct matrix scores; /* (sources, targets) */
    struct matrix y;     /* (targets, columns); at first q's rows */
    float *max, *sum;    /* [targets] */
    float *keep;         /* [targets], the factor of earlier sums */
    struct conv_ahead ahead[4];
};

static size_t scratch_floats(const struct attention *a)
{
    size_t width = (size_t)a->width, targets = (size_t)a->targets;
    size_t sources = (size_t)a->sources;

    return 2 * targets * width + sources * width + sources * targets
           + 3 * targets;
}

static struct attend attend_start(const struct attention *a)
{
    float *room = scratch_part(a->call, scratch_floats(a) * sizeof(float),
                               this_thread());

    return (struct attend){
        .a = a, .q = attention_room(&room, a->width, a->targets),
        .y = attention_room(&room, a->targets, a->width),
        .side = attention_room(&room, a->sources, a->width),
        .scores = attention_room(&room, a->sources, a->targets),
        .max = attention_room(&room, 1, a->targets).at,
        .sum = attention_room(&room, 1, a->targets).at,
        .keep = attention_room(&room, 1, a->targets).at
    };
}

static void load_queries(struct attend *t, const struct attention_pair *p)
{
    const struct attention *a = t->a;
    struct window q = attention_window(a, &a->call->operand[ATTENTION_Q],
                                       &p->target, p->head);

    t->y.rows = matrix_round(q.rows);
    KERNEL(matrix_load)(&t->y, &q, a->scale);
    KERNEL(matrix_turn)(&t->y, q.rows, a->columns, &t->q);
    t->y.rows = q.rows;
    for (int i = 0; i < matrix_round(q.rows); i++) {
        t->max[i] = -INFINITY;
        t->sum[i] = 0;
    }
}

static void load_source_rows(struct attend *t, const struct attention_pair *p,
                         int slot)
{
    struct window w = attention_window(t->a, &t->a->call->operand[slot],
                                       &p->source, p->head);

    t->side.rows = w.rows;
    KERNEL(matrix_load)(&t->side, &w, 1);
}

static void score(struct attend *t, const struct attention_pair *p)
{
    t->scores.rows = tile_rows(&p->source);
    KERNEL(matrix_multiply)(&(struct matrix_product){
        &t->side, &t->q, &t->scores, .lines = t->scores.rows,
        .depth = t->a->columns, .columns = tile_rows(&p->target),
        .fresh = true, .ahead = t->ahead
    });
}

/* The maximum of `max` and the scores of VLEN targets. */
static vf max_score(const struct attend *t, int lane, vf max)
{
    const float *score = matrix_at(&t->scores, 0, lane);

    for (int row = 0; row < t->scores.rows; row++) {
        vf s = vf_load(score + row * MATRIX_BLOCK);
        vi more = s > max;

        max = (vf)((more & (vi)s) | (~more & (vi)max));
    }
    return max;
}

/* Turns the scores of VLEN targets into exp(score - max) * dropout; returns
 * their sum, which is without dropout. */
INLINE vf weigh(const struct attend *t, const struct attention_pair *p,
                int lane, vf max, const bool drops)
{
    float *score = matrix_at(&t->scores, 0, lane);
    struct vec_draw draw;
    vf sum = vf_set(0);

    for (int row = 0; row < t->scores.rows; row += DROPOUT_GROUP) {
        int rows = int_min(t->scores.rows - row, DROPOUT_GROUP);

        if (drops)
            draw = attention_draw(t->a, p, row, lane);
        for (int i = 0; i < rows; i++, score += MATRIX_BLOCK) {
            vf e = vf_exp(vf_load(score) - max);

            sum += e;
            if (drops)
                e *= vec_dropout_factor(&t->a->dropout, &draw, i);
            vf_store(score, e);
        }
    }
    return sum;
}

/* Turns scores into the weights of values, and brings the sums up to date. */
static void weigh_all(struct attend *t, const struct attention_pair *p)
{
    for (int lane = 0; lane < tile_rows(&p->target); lane += VLEN) {
        vf old = vf_load(t->max + lane), max = max_score(t, lane, old);
        vf keep = vf_exp(old - max), sum;

        if (t->a->dropout.drop)
            sum = weigh(t, p, lane, max, true);
        else
            sum = weigh(t, p, lane, max, false);
        vf_store(t->sum + lane, vf_load(t->sum + lane) * keep + sum);
        vf_store(t->max + lane, max);
        vf_store(t->keep + lane, keep);
    }
}

/* Multiplies rows of y by `keep`. */
static void scale_sums(struct attend *t)
{
    for (int column = 0; column < t->a->width; column += MATRIX_BLOCK)
        for (int row = 0; row < t->y.rows; row++) {
            float *y = matrix_at(&t->y, row, column), keep = t->keep[row];

            for (int i = 0; i < MATRIX_BLOCK; i += VLEN)
                vf_store(y + i, vf_load(y + i) * keep);
        }
}

static void add_values(struct attend *t, const struct attention_pair *p,
                       bool fresh)
{
    if (!fresh)
        scale_sums(t);
    KERNEL(matrix_multiply)(&(struct matrix_product){
        &t->scores, &t->side, &t->y, .lines = tile_rows(&p->target),
        .depth = tile_rows(&p->source), .columns = t->a->columns,
        .turned = true, .fresh = fresh, .ahead = t->ahead
    });
}

static void write_y(struct attend *t, const struct attention_pair *p)
{
    const struct operand *o = t->a->call->operand;
    const struct operand *lse = &o[ATTENTION_LSE];
    struct window y = attention_window(t->a, &o[ATTENTION_Y], &p->target,
                                       p->head);
    size_t heads = (size_t)t->a->heads;

    for (int i = 0; i < y.rows; i++)
        t->keep[i] = 1 / t->sum[i];
    scale_sums(t);
    KERNEL(matrix_store)(&t->y, &y, 1);
    for (int i = 0; operand_given(lse) && i < y.rows; i++)
        ((float *)lse->data)[(size_t)(y.row + i) * heads + (size_t)p->head]
            = t->max[i] + logf(t->sum[i]);
}

/* All sources of a tile of targets, in one head. */
static void attend(struct attend *t, struct sentence_tile target, int head)
{
    const struct operand *ends
        = &t->a->call->operand[ATTENTION_SOURCE_ENDS];
    struct sentence s = sentence_at(ends->data, target.sentence.number);
    struct attention_pair p = { .target = target, .head = head };

    load_queries(t, &p);
    for (int i = 0; i < sentence_tiles(s, ATTENTION_ROWS); i++) {
        p.source = sentence_tile(s, ATTENTION_ROWS, i);
        load_source_rows(t, &p, ATTENTION_K);
        score(t, &p);
        weigh_all(t, &p);
        load_source_rows(t, &p, ATTENTION_V);
        add_values(t, &p, i == 0);
    }
    write_y(t, &p);
}

/* Has the rows of the tile of targets after this one asked for. */
static void look_ahead(struct attend *t, struct sentence_tile target)
{
    const struct operand *o = t->a->call->operand;
    struct sentence_tile next = attention_next(&o[ATTENTION_TARGET_ENDS],
                                               target);
    struct sentence_tile source = sentence_tile(
        sentence_at(o[ATTENTION_SOURCE_ENDS].data, next.sentence.number),
        ATTENTION_ROWS, 0);
    struct conv_ahead *ahead = t->ahead;

    ahead[3] = attention_ahead(&o[ATTENTION_Y], &next, NULL);
    ahead[2] = attention_ahead(&o[ATTENTION_V], &source, &ahead[3]);
    ahead[1] = attention_ahead(&o[ATTENTION_K], &source, &ahead[2]);
    ahead[0] = attention_ahead(&o[ATTENTION_Q], &next, &ahead[1]);
}

static void attend_items(const void *own, int share, struct range items)
{
    const struct attention *a = own;
    const struct operand *ends = &a->call->operand[ATTENTION_TARGET_ENDS];
    struct attend t = attend_start(a);

    (void)share;
    for (size_t i = items.begin; i < items.end; i++) {
        int head;
        struct sentence_tile target = attention_item(a, ends, i, &head);

        if (tile_rows(&target) == 0)
            continue;
        if (head == 0)
            look_ahead(&t, target);
        attend(&t, target, head);
    }
}

static struct attention attention_of_call(const struct call *c)
{
    return attention_of(c, &c->operand[ATTENTION_Q], &c->operand[ATTENTION_K]);
}

size_t KERNEL(attention_scratch)(const struct call *c)
{
    struct attention a = attention_of_call(c);

    return (size_t)c->threads * scratch_floats(&a) * sizeof(float);
}

void KERNEL(attention)(const struct call *c)
{
    const struct operand *q = &c->operand[ATTENTION_Q];
    const struct operand *ends = &c->operand[ATTENTION_TARGET_ENDS];
    struct attention a = attention_of_call(c);
    size_t items = attention_items(&a, q, ends);

    attention_start_dropout(&a);
#pragma omp parallel num_threads(c->threads)
    share_out(items, c->threads, attend_items, &a);
}
