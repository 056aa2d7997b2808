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

/* Translates `count` sentences, none longer than translator_source(). Each gets
 * translator_steps() tokens of `to`, end marks after its last. The results hold
 * only if executor_check() says so. */
void translator_run(struct executor *, const struct source *, int count,
                    int32_t *to);

/* Translates the sentences of a split that have references; their BLEU, from 0
 * to 100. */
double translator_bleu(struct executor *, const struct sequences *,
                       enum split);

#endif
