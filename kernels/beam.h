/*
 * Beam search: what its operations share on every backend. A sentence has
 * `beam` hypotheses, rows that lie one after the other. In each step a
 * hypothesis and a token that could follow it make a candidate, whose score is
 * the sum of the logarithms of its tokens' probabilities. Of a sentence's best
 * 2 * beam candidates, those of the first `beam` that are end marks end a
 * translation; the best `beam` others go on. So does fairseq's sequence
 * generator. At most `beam` candidates are end marks, one of each hypothesis,
 * so there are always enough others.
 *
 * Candidates that are equally good keep the order of their hypotheses, then
 * that of their tokens.
 */
#ifndef MEMDIAL_BEAM_H
#define MEMDIAL_BEAM_H

#include <math.h>

#include "kernels/kernels.h"
#include "kernels/portable.h"

/* Tokens, as dictionaries number them: the first two are never chosen. */
enum { BEAM_END_MARK = 2 };

/* Hypotheses of a sentence, at most. */
enum { BEAM_MOST = 32, BEAM_CANDIDATES = 2 * BEAM_MOST };

/* Columns of a sentence's state, (sentences, BEAM_STATES) int32: the tokens
 * that it may have before its end mark, its translations so far, `beam` when it
 * has ended, and where the best of them ended: the step, and the hypothesis
 * that the end mark followed. */
enum beam_state { BEAM_LIMIT, BEAM_ENDED, BEAM_LAST_STEP, BEAM_LAST,
                  BEAM_STATES };

/* A candidate, or a token with its logit; token < 0: there is none. */
struct candidate {
    float score;
    int32_t token;
    int32_t from;        /* the hypothesis, a row; not of a logit */
};

/* The tensors that one step changes. */
struct beam_view {
    int beam;
    float length_penalty;
    int rows;            /* hypotheses of all sentences */
    float *scores;       /* (rows) */
    int32_t *tokens;     /* (rows) chosen last */
    int32_t *states;     /* (sentences, BEAM_STATES) */
    float *best;         /* (sentences) the score of the best translation */
    int32_t *history;    /* (steps, rows) tokens chosen in each step */
    int32_t *parents;    /* (steps, rows) the hypotheses that they followed */
};

PORTABLE bool beam_has_ended(const struct beam_view *v, int sentence)
{
    return v->states[sentence * BEAM_STATES + BEAM_ENDED] == v->beam;
}

/* Whether a token may be chosen for a sentence: a translation has at least one
 * token before its end mark. */
PORTABLE bool beam_may_choose(const int32_t *state, int step, int token)
{
    if (step >= state[BEAM_LIMIT])
        return token == BEAM_END_MARK;
    return token > BEAM_END_MARK || (token == BEAM_END_MARK && step > 0);
}

/* The tokens that a translation may have before its end mark. */
PORTABLE int beam_limit(int source, float ratio, int extra, int steps)
{
    float wanted = ratio * (float)source + (float)extra;
    int most = steps - 1;

    return wanted < (float)most ? (wanted < 1 ? 1 : (int)wanted) : most;
}

PORTABLE void beam_end_with(const struct beam_view *v, int sentence, int step,
                            const struct candidate *c)
{
    int32_t *state = v->states + sentence * BEAM_STATES;
    float score = c->score / powf((float)(step + 1), v->length_penalty);

    if (state[BEAM_ENDED] == 0 || score > v->best[sentence]) {
        v->best[sentence] = score;
        state[BEAM_LAST_STEP] = step;
        state[BEAM_LAST] = c->from;
    }
    state[BEAM_ENDED]++;
}

PORTABLE void beam_put(const struct beam_view *v, int row, int step,
                       const struct candidate *c)
{
    size_t at = (size_t)step * (size_t)v->rows + (size_t)row;

    v->scores[row] = c->score;
    v->tokens[row] = c->token;
    v->history[at] = c->token;
    v->parents[at] = c->from;
}

/* Takes a step of a sentence that has not ended: `candidates`, its best
 * 2 * beam, the best first. */
PORTABLE void beam_go_on(const struct beam_view *v, int sentence, int step,
                         const struct candidate *candidates)
{
    int32_t *state = v->states + sentence * BEAM_STATES;
    int first = sentence * v->beam, next = 0;

    for (int i = 0; i < 2 * v->beam && candidates[i].token >= 0; i++) {
        if (candidates[i].token != BEAM_END_MARK) {
            if (next < v->beam)
                beam_put(v, first + next++, step, &candidates[i]);
        } else if (i < v->beam && state[BEAM_ENDED] < v->beam) {
            beam_end_with(v, sentence, step, &candidates[i]);
        }
    }
    for (; next < v->beam; next++) {
        struct candidate none = { -INFINITY, BEAM_END_MARK, first };

        beam_put(v, first + next, step, &none);
    }
    if (step >= state[BEAM_LIMIT])
        state[BEAM_ENDED] = v->beam;
}

/* Hypotheses of a sentence that have candidates: before the first step all are
 * the same. */
PORTABLE int beam_live(const struct beam_view *v, int step)
{
    return step > 0 ? v->beam : 1;
}

/* The view of a call of `beam`. */
static inline struct beam_view beam_view_of(const struct call *c)
{
    const struct operand *o = c->operand;
    struct beam_view v = {
        c->attr.beam.beam, c->attr.beam.length_penalty, o[BEAM_SCORES].dim[0],
        (float *)o[BEAM_SCORES].data, (int32_t *)o[BEAM_TOKENS].data,
        (int32_t *)o[BEAM_STATE].data, (float *)o[BEAM_BEST].data,
        (int32_t *)o[BEAM_HISTORY].data, (int32_t *)o[BEAM_PARENTS].data
    };

    return v;
}

#endif
