/*
 * beam_end: the best translation of each sentence (beam.h).
 *   in state (N, BEAM_STATES) int32; history and parents (steps, N * beam)
 *   int32
 *   out translations (N, steps) int32: tokens, then end marks, at least one
 */
#include "kernels/beam.h"
#include "kernels/cuda/cuda.h"

/* A thread for a sentence, which goes back from the last token to the first. */
static __global__ void beam_end(int sentences, int steps, size_t rows,
                                const int32_t *states, const int32_t *history,
                                const int32_t *parents, int32_t *to)
{
    wait_for_earlier();

    size_t number = thread_index();
    const int32_t *state = states + number * BEAM_STATES;
    size_t row;

    if (number >= (size_t)sentences)
        return;
    to += number * (size_t)steps;
    row = (size_t)state[BEAM_LAST];
    for (int i = state[BEAM_LAST_STEP]; i < steps; i++)
        to[i] = BEAM_END_MARK;
    for (int i = state[BEAM_LAST_STEP] - 1; i >= 0; i--) {
        to[i] = history[(size_t)i * rows + row];
        row = (size_t)parents[(size_t)i * rows + row];
    }
}

void cuda_beam_end(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *history = &o[BEAM_END_HISTORY];
    int sentences = o[BEAM_END_STATE].dim[0];

    launch(q, ((unsigned)sentences + WARP_LANES - 1) / WARP_LANES, WARP_LANES,
           0, beam_end, sentences, history->dim[0], (size_t)history->dim[1],
           data_of<int32_t>(&o[BEAM_END_STATE]), data_of<int32_t>(history),
           data_of<int32_t>(&o[BEAM_END_PARENTS]),
           data_of<int32_t>(&o[BEAM_END_TRANSLATIONS]));
}
