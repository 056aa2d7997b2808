/*
 * BLEU of a corpus (Papineni, Roukos, Ward and Zhu 2002) up to four words, of
 * text that is cut into words already: the number that sacrebleu gives with
 * --tokenize none (Post 2018). Precisions without a match are smoothed as
 * there.
 */
#ifndef MEMDIAL_BLEU_H
#define MEMDIAL_BLEU_H

#include <stdint.h>

enum { BLEU_WORDS = 4 };

/* Counts of all sentences so far; zeros to begin with. */
struct bleu {
    int64_t matches[BLEU_WORDS], grams[BLEU_WORDS]; /* of 1, 2, 3, 4 words */
    int64_t words, reference_words;
};

/* Adds a sentence and its reference. White space divides words. */
void bleu_add(struct bleu *, const char *sentence, const char *reference);

/* From 0 to 100. */
double bleu_score(const struct bleu *);

#endif
