/*
 * Translates sentences by a plan's third program: takes as many at once as the
 * plan has room for. Tokens are the numbers of dictionaries.
 */
#ifndef MEMDIAL_TRANSLATOR_H
#define MEMDIAL_TRANSLATOR_H

#include "data/sequences.h"
#include "train/executor.h"

/* A source sentence, its end mark included; borrowed. */
struct source {
    const int32_t *tokens;
    int count;
};

/* Whether the plan translates; if so, the most tokens of a source sentence, and
 * of a translation with its end mark. */
bool translator_is_planned(const struct plan *);
int translator_source(const struct plan *);
int translator_steps(const struct plan *);

/* Takes translations one by one, in no order: the tokens of sentence `place`,
 * without an end mark, valid during the call. */
struct translation_sink {
    void (*take)(void *arg, int place, const int32_t *tokens, int count);
    void *arg;
};

/* Translates `count` sentences, none longer than translator_source(), into
 * translator_steps() tokens each at most. The results hold only if
 * executor_check() says so. */
void translator_run(struct executor *, const struct source *, int count,
                    struct translation_sink);

/* Translates the first pairs of a split that have references; their BLEU, from
 * 0 to 100. */
double translator_bleu(struct executor *, const struct sequences *,
                       enum split, int pairs);

#endif
