/*
 * beam: a step of a beam search (beam.h): the tokens that follow hypotheses.
 *   in x (T, C), T hypotheses of N sentences; w (C, V)
 *   update step (1) int32; unfinished (1) int32, sentences that have not ended;
 *   scores (T), tokens (T) int32, state (N, BEAM_STATES) int32, best (N);
 *   history and parents (steps, T) int32
 *
 * The scores of tokens are the logarithms of softmax(x w). The vocabulary is
 * cut into tiles. A block makes a tile's logits of a few hypotheses, and keeps
 * only the largest, those that may be among the sentence's candidates, with
 * their maximum and the sum of exponentials. Then a warp for each sentence
 * chooses among what was kept. So no row of logits is ever stored.
 *
 * scratch: of each hypothesis and tile (struct kept, 2 * beam candidates).
 */
#include "kernels/beam.h"
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/parts.h"

enum { ROWS = 4, DEPTH = 64, COLUMNS = BEAM_COLUMNS };

/* Of the logits of a tile, before the hypothesis's candidates in it. */
struct kept {
    float max, sum;      /* sum of exp(logit - max) */
};

struct search {
    beam_view view;
    int depth, vocabulary, tiles, count;
    const int32_t *step;
    char *kept;
};

static __device__ kept *kept_at(const search &s, int row, int tile)
{
    return reinterpret_cast<kept *>(
        s.kept + ((size_t)row * (size_t)s.tiles + (size_t)tile)
                     * beam_kept_bytes(s.view.beam));
}

static __device__ candidate *candidates_of(kept *k)
{
    return reinterpret_cast<candidate *>(k + 1);
}

/* Whether a is better than b, by order of `rank` if they are as good; of none,
 * -1. */
static __device__ bool better(float a, int a_rank, float b, int b_rank)
{
    if (a_rank < 0 || b_rank < 0)
        return b_rank < 0 && a_rank >= 0;
    return a > b || (a == b && a_rank < b_rank);
}

/* The best of a warp, in all lanes. */
static __device__ void warp_best(float *score, int *rank)
{
    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2) {
        float other = __shfl_xor_sync(0xFFFFFFFF, *score, mask);
        int other_rank = __shfl_xor_sync(0xFFFFFFFF, *rank, mask);

        if (better(other, other_rank, *score, *rank)) {
            *score = other;
            *rank = other_rank;
        }
    }
}

/* What a block shares: columns [.., DEPTH) of its rows of x, and logits. */
struct beam_shared {
    float x[ROWS][DEPTH];
    float logit[ROWS][COLUMNS];
};

/* Chooses the best of a tile's n logits, one after the other, by a warp: each
 * time the best of those that come after the last. */
static __device__ void keep_best(const search &s, int row, int tile, int n,
                                 int step, const float *logit)
{
    const int32_t *state = s.view.states
                           + row / s.view.beam * BEAM_STATES;
    candidate *to = candidates_of(kept_at(s, row, tile));
    float last = INFINITY;
    int last_rank = -1;

    for (int i = 0; i < s.count; i++) {
        float score = -INFINITY;
        int rank = -1;

        for (int k = warp_lane(); k < n; k += WARP_LANES)
            if (beam_may_choose(state, step, tile * COLUMNS + k)
                && logit[k] >= -INFINITY
                && (last_rank < 0 || better(last, last_rank, logit[k], k))
                && better(logit[k], k, score, rank)) {
                score = logit[k];
                rank = k;
            }
        warp_best(&score, &rank);
        if (warp_lane() == 0)
            to[i] = { score, rank < 0 ? -1 : tile * COLUMNS + rank, row };
        if (rank < 0) {
            for (int k = i + 1 + warp_lane(); k < s.count; k += WARP_LANES)
                to[k] = { -INFINITY, -1, row };
            break;
        }
        last = score;
        last_rank = rank;
    }
}

static __device__ void keep_sums(kept *k, int n, const float *logit)
{
    float max = -INFINITY, sum = 0;

    for (int i = warp_lane(); i < n; i += WARP_LANES)
        max = fmaxf(max, logit[i]);
    max = warp_max(max);
    for (int i = warp_lane(); i < n; i += WARP_LANES)
        sum += expf(logit[i] - max);
    sum = warp_sum(sum);
    if (warp_lane() == 0)
        *k = { max, sum };
}

/* A block has a tile of columns, one for each thread, and ROWS hypotheses, one
 * for each warp. */
template <typename T>
static __global__ void beam_tiles(search s, const T *x, const T *w)
{
    wait_for_earlier();

    beam_shared &m = shared<beam_shared>();
    int tile = (int)blockIdx.x, first = (int)blockIdx.y * ROWS;
    int thread = (int)threadIdx.x, column = tile * COLUMNS + thread;
    int left = s.vocabulary - tile * COLUMNS;
    int n = left < COLUMNS ? left : COLUMNS;
    int row = first + thread / WARP_LANES;
    float sum[ROWS] = {};

    for (int begin = 0; begin < s.depth; begin += DEPTH) {
        int depth = s.depth - begin < DEPTH ? s.depth - begin : DEPTH;

        for (int i = thread; i < ROWS * depth; i += COLUMNS) {
            int r = i / depth, k = i % depth;

            m.x[r][k] = first + r < s.view.rows
                            ? widen(x[(size_t)(first + r) * (size_t)s.depth
                                      + (size_t)(begin + k)])
                            : 0;
        }
        __syncthreads();
        for (int k = 0; k < depth && thread < n; k++) {
            float wk = widen(w[(size_t)(begin + k) * (size_t)s.vocabulary
                               + (size_t)column]);

#pragma unroll
            for (int r = 0; r < ROWS; r++)
                sum[r] = fmaf(m.x[r][k], wk, sum[r]);
        }
        __syncthreads();
    }
    for (int r = 0; r < ROWS; r++)
        m.logit[r][thread] = sum[r];
    __syncthreads();
    if (row >= s.view.rows)
        return;
    keep_sums(kept_at(s, row, tile), n, m.logit[row - first]);
    keep_best(s, row, tile, n, *s.step, m.logit[row - first]);
}

/* The logarithm of the sum of a hypothesis's exponentials, by a warp. */
static __device__ float log_sum(const search &s, int row)
{
    float max = -INFINITY, sum = 0;

    for (int i = warp_lane(); i < s.tiles; i += WARP_LANES)
        max = fmaxf(max, kept_at(s, row, i)->max);
    max = warp_max(max);
    for (int i = warp_lane(); i < s.tiles; i += WARP_LANES)
        sum += kept_at(s, row, i)->sum * expf(kept_at(s, row, i)->max - max);
    return max + logf(warp_sum(sum));
}

struct chosen {
    float before[BEAM_MOST];     /* the score of a hypothesis, less log_sum() */
    candidate best[BEAM_CANDIDATES];
};

/* What was kept, number `rank` of a sentence whose first hypothesis is
 * `first`. */
static __device__ candidate of_rank(const search &s, const chosen &m,
                                    int first, int rank)
{
    int each = s.tiles * s.count, h = rank / each, i = rank % each;
    candidate c =
        candidates_of(kept_at(s, first + h, i / s.count))[i % s.count];

    c.score += m.before[h];
    return c;
}

/* Chooses a sentence's best, one after the other, as keep_best() does. */
static __device__ void choose_best(const search &s, chosen &m, int first,
                                   int live)
{
    float last = INFINITY;
    int last_rank = -1, n = live * s.tiles * s.count;

    for (int i = 0; i < s.count; i++) {
        float score = -INFINITY;
        int rank = -1;

        for (int k = warp_lane(); k < n && (i == 0 || last_rank >= 0);
             k += WARP_LANES) {
            candidate c = of_rank(s, m, first, k);

            if (c.token >= 0 && c.score >= -INFINITY
                && (i == 0 || better(last, last_rank, c.score, k))
                && better(c.score, k, score, rank)) {
                score = c.score;
                rank = k;
            }
        }
        warp_best(&score, &rank);
        if (warp_lane() == 0) {
            m.best[i] = { -INFINITY, -1, first };
            if (rank >= 0)
                m.best[i] = of_rank(s, m, first, rank);
        }
        last = score;
        last_rank = rank;
    }
}

/* A warp for a sentence, which has not ended. */
static __global__ void beam_choose(search s)
{
    wait_for_earlier();

    chosen &m = shared<chosen>();
    int sentence = (int)blockIdx.x, first = sentence * s.view.beam;
    int step = *s.step, live = beam_live(&s.view, step);

    if (beam_has_ended(&s.view, sentence))
        return;
    for (int h = 0; h < live; h++) {
        float sum = log_sum(s, first + h);

        if (warp_lane() == 0)
            m.before[h] = s.view.scores[first + h] - sum;
    }
    __syncwarp();
    choose_best(s, m, first, live);
    __syncwarp();
    if (warp_lane() == 0)
        beam_go_on(&s.view, sentence, step, m.best);
}

/* One warp. */
static __global__ void beam_count(search s, int sentences, int32_t *step,
                                  int32_t *unfinished)
{
    wait_for_earlier();

    int sum = 0;

    for (int i = warp_lane(); i < sentences; i += WARP_LANES)
        sum += !beam_has_ended(&s.view, i);
    sum = warp_sum(sum);
    if (warp_lane() == 0) {
        *unfinished = sum;
        ++*step;
    }
}

void cuda_beam(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *w = &o[BEAM_W];
    int sentences = o[BEAM_BEST].dim[0];
    int32_t *step = data_of<int32_t>(&o[BEAM_STEP]);
    search s = { beam_view_of(c), w->dim[0], w->dim[1],
                 beam_tiles_of(w->dim[1]), 2 * c->attr.beam.beam, step,
                 static_cast<char *>(c->scratch) };
    dim3 grid((unsigned)s.tiles, ((unsigned)s.view.rows + ROWS - 1) / ROWS);

    with_number(w->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, grid, COLUMNS, sizeof(beam_shared), beam_tiles<T>, s,
               data_of<T>(&o[BEAM_X]), data_of<T>(w));
    });
    launch(q, (unsigned)sentences, WARP_LANES, sizeof(chosen), beam_choose, s);
    launch(q, 1, WARP_LANES, 0, beam_count, s, sentences, step,
           data_of<int32_t>(&o[BEAM_UNFINISHED]));
}
