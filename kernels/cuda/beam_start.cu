/*
 * beam_start: the state of a beam search before its first step (beam.h).
 *   in source ends (N) int32
 *   out target ends (N) int32, the row after each sentence's hypotheses; step
 *   (1) int32, 0; unfinished (1) int32, N; scores (N * beam), 0; tokens
 *   (N * beam) int32, end marks, which every translation follows; state (N,
 *   BEAM_STATES) int32; best (N), the lowest there is; history and parents
 *   (steps, N * beam) int32, end marks and each hypothesis itself
 */
#include "kernels/beam.h"
#include "kernels/cuda/cuda.h"
#include "kernels/sentences.h"

struct beam_begin {
    int beam, extra, steps, sentences;
    float ratio;
    const int32_t *source_ends;
    int32_t *target_ends, *step, *unfinished, *tokens, *state, *history,
        *parents;
    float *scores, *best;
};

static __device__ void start_sentence(const beam_begin &b, int number)
{
    struct sentence s = sentence_at(b.source_ends, number);
    int32_t *state = b.state + number * BEAM_STATES;

    state[BEAM_LIMIT] = beam_limit(s.end - s.begin, b.ratio, b.extra, b.steps);
    state[BEAM_ENDED] = state[BEAM_LAST_STEP] = 0;
    state[BEAM_LAST] = number * b.beam;
    b.target_ends[number] = (number + 1) * b.beam;
    b.best[number] = -INFINITY;
}

/* A thread for every element of the history. */
static __global__ void beam_start(beam_begin b)
{
    wait_for_earlier();

    size_t rows = (size_t)b.sentences * (size_t)b.beam;

    for (size_t i = thread_index(); i < rows * (size_t)b.steps;
         i += grid_threads()) {
        b.history[i] = BEAM_END_MARK;
        b.parents[i] = (int32_t)(i % rows);
        if (i < rows) {
            b.tokens[i] = BEAM_END_MARK;
            b.scores[i] = 0;
        }
        if (i < (size_t)b.sentences)
            start_sentence(b, (int)i);
        if (i == 0) {
            *b.step = 0;
            *b.unfinished = b.sentences;
        }
    }
}

void cuda_beam_start(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *history = &o[BEAM_START_HISTORY];
    beam_begin b = {
        c->attr.beam.beam, c->attr.beam.extra, history->dim[0],
        o[BEAM_START_SOURCE_ENDS].dim[0], c->attr.beam.ratio,
        data_of<int32_t>(&o[BEAM_START_SOURCE_ENDS]),
        data_of<int32_t>(&o[BEAM_START_TARGET_ENDS]),
        data_of<int32_t>(&o[BEAM_START_STEP]),
        data_of<int32_t>(&o[BEAM_START_UNFINISHED]),
        data_of<int32_t>(&o[BEAM_START_TOKENS]),
        data_of<int32_t>(&o[BEAM_START_STATE]),
        data_of<int32_t>(history), data_of<int32_t>(&o[BEAM_START_PARENTS]),
        data_of<float>(&o[BEAM_START_SCORES]),
        data_of<float>(&o[BEAM_START_BEST])
    };

    launch(q, blocks_for(operand_elements(history)), BLOCK_THREADS, 0,
           beam_start, b);
}
