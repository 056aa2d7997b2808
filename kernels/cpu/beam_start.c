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
#include "kernels/cpu/cpu.h"
#include "kernels/sentences.h"

static void start_sentence(const struct call *c, int number)
{
    const struct operand *o = c->operand;
    struct sentence s = sentence_at(o[BEAM_START_SOURCE_ENDS].data, number);
    int32_t *state = (int32_t *)o[BEAM_START_STATE].data
                     + number * BEAM_STATES;
    int beam = c->attr.beam.beam;

    state[BEAM_LIMIT] = beam_limit(s.end - s.begin, c->attr.beam.ratio,
                                   c->attr.beam.extra,
                                   o[BEAM_START_HISTORY].dim[0]);
    state[BEAM_ENDED] = state[BEAM_LAST_STEP] = 0;
    state[BEAM_LAST] = number * beam;
    ((int32_t *)o[BEAM_START_TARGET_ENDS].data)[number] = (number + 1) * beam;
    ((float *)o[BEAM_START_BEST].data)[number] = -INFINITY;
}

static void start_hypotheses(const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *history = &o[BEAM_START_HISTORY];
    int32_t *tokens = o[BEAM_START_TOKENS].data;
    int32_t *chosen = history->data, *parents = o[BEAM_START_PARENTS].data;
    float *scores = o[BEAM_START_SCORES].data;
    size_t rows = (size_t)history->dim[1];

    for (size_t i = 0; i < rows; i++) {
        tokens[i] = BEAM_END_MARK;
        scores[i] = 0;
    }
    for (size_t i = 0; i < operand_elements(history); i++) {
        chosen[i] = BEAM_END_MARK;
        parents[i] = (int32_t)(i % rows);
    }
}

void KERNEL(beam_start)(const struct call *c)
{
    int sentences = c->operand[BEAM_START_SOURCE_ENDS].dim[0];

    for (int i = 0; i < sentences; i++)
        start_sentence(c, i);
    start_hypotheses(c);
    *(int32_t *)c->operand[BEAM_START_STEP].data = 0;
    *(int32_t *)c->operand[BEAM_START_UNFINISHED].data = sentences;
}
