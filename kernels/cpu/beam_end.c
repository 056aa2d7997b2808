/*
 * beam_end: the best translation of each sentence (beam.h).
 *   in state (N, BEAM_STATES) int32; history and parents (steps, N * beam)
 *   int32
 *   out translations (N, steps) int32: tokens, then end marks, at least one
 */
#include "kernels/beam.h"
#include "kernels/cpu/cpu.h"

/* Goes back from the last token to the first. */
static void trace_back(const struct call *c, int number)
{
    const struct operand *o = c->operand;
    const int32_t *state = (const int32_t *)o[BEAM_END_STATE].data
                           + number * BEAM_STATES;
    const int32_t *history = o[BEAM_END_HISTORY].data;
    const int32_t *parents = o[BEAM_END_PARENTS].data;
    int steps = o[BEAM_END_HISTORY].dim[0];
    size_t rows = (size_t)o[BEAM_END_HISTORY].dim[1];
    size_t row = (size_t)state[BEAM_LAST];
    int32_t *to = (int32_t *)o[BEAM_END_TRANSLATIONS].data
                  + (size_t)number * (size_t)steps;

    for (int i = state[BEAM_LAST_STEP]; i < steps; i++)
        to[i] = BEAM_END_MARK;
    for (int i = state[BEAM_LAST_STEP] - 1; i >= 0; i--) {
        to[i] = history[(size_t)i * rows + row];
        row = (size_t)parents[(size_t)i * rows + row];
    }
}

void KERNEL(beam_end)(const struct call *c)
{
    for (int i = 0; i < c->operand[BEAM_END_STATE].dim[0]; i++)
        trace_back(c, i);
}
