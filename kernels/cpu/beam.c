/*
 * beam: a step of a beam search (beam.h): the tokens that follow hypotheses.
 *   in x (T, C), T hypotheses of N sentences; w (C, V)
 *   update step (1) int32; unfinished (1) int32, sentences that have not ended;
 *   scores (T), tokens (T) int32, state (N, BEAM_STATES) int32, best (N);
 *   history and parents (steps, T) int32
 *
 * The scores of tokens are the logarithms of softmax(x w). The vocabulary is
 * cut into tiles. A thread copies a tile of w as floats, in which it then takes
 * four hypotheses at a time through their product. Of a tile's logits only the
 * largest are kept, those that may be among the sentence's candidates, with
 * their maximum and the sum of exponentials. So no row of logits is ever
 * stored, and results do not depend on the number of threads.
 *
 * scratch: of each hypothesis and tile (struct tile_sums, 2 * beam
 * candidates); x as floats, if it is stored in 16 bits; a tile of w per thread.
 */
#include "kernels/beam.h"

#include <string.h>

#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

enum { BEAM_TILE = 64, BEAM_ROWS = 4 };

/* Of the logits of a tile, before the hypothesis's candidates in it. */
struct tile_sums {
    float max, sum;      /* sum of exp(logit - max) */
};

struct search {
    const struct call *call;
    struct beam_view view;
    int step;
    int kept;            /* candidates of a tile */
    int tiles, depth, vocabulary;
    size_t tile_bytes;   /* of the figures of a hypothesis and tile */
    char *figures;
    float *x;            /* (T, C) floats */
    float *w;            /* (threads, C, BEAM_TILE) */
};

static size_t figures_bytes(const struct call *c)
{
    return sizeof(struct tile_sums)
           + 2 * (size_t)c->attr.beam.beam * sizeof(struct candidate);
}

static int beam_tiles(const struct operand *w)
{
    return (w->dim[1] + BEAM_TILE - 1) / BEAM_TILE;
}

static size_t all_figures(const struct call *c)
{
    const struct operand *x = &c->operand[BEAM_X], *w = &c->operand[BEAM_W];

    return round_up((size_t)x->dim[0] * (size_t)beam_tiles(w)
                    * figures_bytes(c), CPU_ALIGNMENT);
}

static size_t floats_of_x(const struct call *c)
{
    const struct operand *x = &c->operand[BEAM_X];
    size_t floats = dtype_is_narrow(x->dtype) ? operand_elements(x) : 0;

    return round_up(floats * sizeof(float), CPU_ALIGNMENT);
}

static size_t floats_of_w(const struct call *c)
{
    return (size_t)c->operand[BEAM_W].dim[0] * BEAM_TILE * sizeof(float);
}

size_t KERNEL(beam_scratch)(const struct call *c)
{
    return all_figures(c) + floats_of_x(c)
           + (size_t)c->threads * floats_of_w(c);
}

static struct search search_of(const struct call *c)
{
    const struct operand *x = &c->operand[BEAM_X], *w = &c->operand[BEAM_W];
    struct search s = {
        .call = c, .view = beam_view_of(c),
        .step = *(const int32_t *)c->operand[BEAM_STEP].data,
        .kept = 2 * c->attr.beam.beam, .tiles = beam_tiles(w),
        .depth = w->dim[0], .vocabulary = w->dim[1],
        .tile_bytes = figures_bytes(c), .figures = c->scratch
    };
    char *after = s.figures + all_figures(c);

    s.x = dtype_is_narrow(x->dtype) ? (float *)(void *)after : x->data;
    s.w = (float *)(void *)(after + floats_of_x(c));
    return s;
}

static struct tile_sums *sums_at(const struct search *s, int row, int tile)
{
    return (struct tile_sums *)(void *)
        (s->figures + ((size_t)row * (size_t)s->tiles + (size_t)tile)
                          * s->tile_bytes);
}

/* Puts a candidate in its place among the best, if it is one: after those that
 * are as good. */
static void insert(struct candidate *best, int count, struct candidate c)
{
    int at = count;

    while (at > 0 && (c.score > best[at - 1].score || best[at - 1].token < 0))
        at--;
    if (at == count || !(c.score >= -INFINITY))
        return;
    memmove(&best[at + 1], &best[at],
            (size_t)(count - 1 - at) * sizeof(*best));
    best[at] = c;
}

static void empty(struct candidate *best, int count)
{
    for (int i = 0; i < count; i++)
        best[i] = (struct candidate){ -INFINITY, -1, 0 };
}

/* A tile's figures of a hypothesis by its logits, n of them. */
static void sum_up(const struct search *s, int row, int tile, int n,
                   const float *logit)
{
    struct tile_sums *sums = sums_at(s, row, tile);
    struct candidate *best = (struct candidate *)(void *)(sums + 1);
    const int32_t *state = s->view.states
                           + row / s->view.beam * BEAM_STATES;

    empty(best, s->kept);
    *sums = (struct tile_sums){ -INFINITY, 0 };
    for (int i = 0; i < n; i++) {
        int token = tile * BEAM_TILE + i;

        sums->max = logit[i] > sums->max ? logit[i] : sums->max;
        if ((logit[i] > best[s->kept - 1].score
             || best[s->kept - 1].token < 0)
            && beam_may_choose(state, s->step, token))
            insert(best, s->kept, (struct candidate){ logit[i], token, row });
    }
    for (int i = 0; i < n; i++)
        sums->sum += expf(logit[i] - sums->max);
}

/* The tile of w as floats, and zeros beyond the vocabulary. */
static void copy_tile(const struct search *s, int tile, float *w)
{
    const struct operand *from = &s->call->operand[BEAM_W];
    size_t columns = (size_t)s->vocabulary;
    size_t begin = (size_t)tile * BEAM_TILE;
    size_t n = size_min(BEAM_TILE, columns - begin);

    if (n < BEAM_TILE)
        memset(w, 0, floats_of_w(s->call));
    for (int k = 0; k < s->depth; k++, w += BEAM_TILE) {
        const float *row = stage_floats(from, (size_t)k * columns + begin, n,
                                        w);

        if (row != w)
            memcpy(w, row, n * sizeof(*w));
    }
}

/* The logits of BEAM_ROWS hypotheses; where there are fewer, the last again. */
static void beam_multiply(const struct search *s, int row, const float *w,
                          float logit[BEAM_ROWS][BEAM_TILE])
{
    const float *x[BEAM_ROWS];

    for (int r = 0; r < BEAM_ROWS; r++)
        x[r] = s->x + (size_t)int_min(row + r, s->view.rows - 1)
                          * (size_t)s->depth;
    for (int at = 0; at < BEAM_TILE; at += 16) {
        vf sum[BEAM_ROWS][16 / VLEN] = { 0 };

        for (int k = 0; k < s->depth; k++)
            UNROLL
            for (int r = 0; r < BEAM_ROWS; r++)
                UNROLL
                for (int i = 0; i < 16 / VLEN; i++)
                    sum[r][i] += x[r][k]
                                 * vf_load(w + (size_t)k * BEAM_TILE + at
                                           + i * VLEN);
        for (int r = 0; r < BEAM_ROWS; r++)
            memcpy(logit[r] + at, sum[r], sizeof(sum[r]));
    }
}

static void run_tiles(const void *own, int share, struct range tiles)
{
    const struct search *s = own;
    float *w = s->w + (size_t)this_thread() * (size_t)s->depth * BEAM_TILE;
    float logit[BEAM_ROWS][BEAM_TILE];

    (void)share;
    for (size_t t = tiles.begin; t < tiles.end; t++) {
        int tile = (int)t;
        int n = int_min(BEAM_TILE, s->vocabulary - tile * BEAM_TILE);

        copy_tile(s, tile, w);
        for (int row = 0; row < s->view.rows; row += BEAM_ROWS) {
            beam_multiply(s, row, w, logit);
            for (int r = 0; r < int_min(BEAM_ROWS, s->view.rows - row); r++)
                sum_up(s, row + r, tile, n, logit[r]);
        }
    }
}

/* The logarithm of the sum of a hypothesis's exponentials. */
static float log_sum(const struct search *s, int row)
{
    float max = -INFINITY, sum = 0;

    for (int i = 0; i < s->tiles; i++)
        max = sums_at(s, row, i)->max > max ? sums_at(s, row, i)->max : max;
    for (int i = 0; i < s->tiles; i++) {
        const struct tile_sums *t = sums_at(s, row, i);

        sum += t->sum * expf(t->max - max);
    }
    return max + logf(sum);
}

/* Adds a hypothesis's candidates to its sentence's. */
static void add_hypothesis(const struct search *s, int row,
                           struct candidate *best)
{
    float before = s->view.scores[row] - log_sum(s, row);

    for (int i = 0; i < s->tiles; i++) {
        const struct candidate *from =
            (const struct candidate *)(const void *)(sums_at(s, row, i) + 1);

        for (int k = 0; k < s->kept && from[k].token >= 0; k++)
            insert(best, s->kept, (struct candidate){
                before + from[k].score, from[k].token, row });
    }
}

static void run_sentences(const void *own, int share, struct range sentences)
{
    const struct search *s = own;
    struct candidate best[BEAM_CANDIDATES];

    (void)share;
    for (size_t i = sentences.begin; i < sentences.end; i++) {
        int first = (int)i * s->view.beam;

        if (beam_has_ended(&s->view, (int)i))
            continue;
        empty(best, s->kept);
        for (int h = 0; h < beam_live(&s->view, s->step); h++)
            add_hypothesis(s, first + h, best);
        beam_go_on(&s->view, (int)i, s->step, best);
    }
}

static void widen_rows(const struct search *s, int t)
{
    const struct operand *x = &s->call->operand[BEAM_X];
    struct range part = range_share(operand_elements(x), t, s->call->threads);

    if (dtype_is_narrow(x->dtype) && part.end > part.begin)
        stage_floats(x, part.begin, part.end - part.begin, s->x + part.begin);
}

void KERNEL(beam)(const struct call *c)
{
    struct search s = search_of(c);
    int sentences = c->operand[BEAM_BEST].dim[0];
    int32_t *unfinished = c->operand[BEAM_UNFINISHED].data;

#pragma omp parallel num_threads(c->threads)
    {
#pragma omp for schedule(static)
        for (int t = 0; t < c->threads; t++)
            widen_rows(&s, t);
        share_out((size_t)s.tiles, c->threads, run_tiles, &s);
        share_out((size_t)sentences, c->threads, run_sentences, &s);
    }
    *unfinished = 0;
    for (int i = 0; i < sentences; i++)
        *unfinished += !beam_has_ended(&s.view, i);
    ++*(int32_t *)c->operand[BEAM_STEP].data;
}
