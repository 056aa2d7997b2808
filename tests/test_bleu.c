/*
 * BLEU beside sacrebleu: the scores were printed by sacrebleu 2.6.0,
 * corpus_bleu() with tokenize='none'.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/bleu.h"

enum { MOST = 7 };

static const struct corpus {
    double score;
    struct {
        const char *sentence, *reference;
    } pair[MOST];
} corpora[] = {
    { 100.000000000, {
        { "a b c d e",
          "a b c d e" } } },
    { 77.880078307, {
        { "a b c d",
          "a b c d e" } } },
    { 75.983568565, {
        { "a b c d e f",
          "a b c d e" } } },
    { 10.400597689, {
        { "the the the the the",
          "the cat is on the mat" } } },
    { 0.000000000, {
        { "a",
          "a" } } },
    { 36.787944117, {
        { "",
          "a b c d" },
        { "a b c d",
          "a b c d" } } },
    { 59.694917920, {
        { "a b c d",
          "" },
        { "x y z u v",
          "x y z u v" } } },
    { 0.000000000, {
        { "x",
          "y" } } },
    { 15.749996500, {
        { "a b x c d",
          "a b y c d" },
        { "e f",
          "e f g h i j k" } } },
    { 70.989621120, {
        { "a\302\240b\343\200\200c d e",
          "a b c d e" },
        { "ein sch\303\266ner Tag !",
          "ein sch\303\266ner Abend !" } } },
    { 55.161880856, {
        { "e e b c e d d",
          "e e b c e d f" },
        { "f g a f",
          "f g a b" },
        { "d g g e d b e a e b",
          "d f g e d b c a a b" },
        { "f g a g c a a",
          "f g e c c a a" },
        { "d b c g a a a e",
          "e b a c a a a e" },
        { "d f f f b c d c",
          "d f f f b c d c" } } },
    { 65.909171378, {
        { "f a g c",
          "f a c c" },
        { "b g g f e f f b c e",
          "a g g a e f f b c e" },
        { "b g c c g e f g e c e b",
          "b g c c g g f a g e c e b" },
        { "d g b a a g f e",
          "a g b a a g f e" },
        { "b b b a",
          "c b b a" },
        { "g d a c b c e e e d a d",
          "g d a g c b c e e e d a d" } } },
    { 29.356633602, {
        { "f e d b c g e f g c f d",
          "f g e d f g a e d a c f d" },
        { "b b g e a a e a b d",
          "b b g d a e a e a f d" },
        { "f e d d d f",
          "f b d e f g" },
        { "f d b f d b e f b f",
          "f d b f d b b a d f d f" },
        { "d g a b d f d e",
          "d g g b d f d f e" },
        { "c c b b a f f",
          "g c b b e f f" } } }
};

Test(bleu, is_sacrebleu_s)
{
    for (size_t i = 0; i < sizeof(corpora) / sizeof(*corpora); i++) {
        const struct corpus *c = &corpora[i];
        struct bleu bleu = { 0 };

        for (int k = 0; c->pair[k].sentence; k++)
            bleu_add(&bleu, c->pair[k].sentence, c->pair[k].reference);
        cr_expect(fabs(bleu_score(&bleu) - c->score) < 1e-6,
                  "corpus %zu: %.9f, not %.9f", i, bleu_score(&bleu),
                  c->score);
    }
}

Test(bleu, of_nothing_is_nothing)
{
    struct bleu bleu = { 0 };

    cr_expect_eq(bleu_score(&bleu), 0);
    bleu_add(&bleu, "", "");
    cr_expect_eq(bleu_score(&bleu), 0);
}

/* A million words take seconds, not hours. */
Test(bleu, long_sentences, .timeout = 60)
{
    enum { WORDS = 1000000 };
    char *text = malloc(2 * WORDS + 1);
    struct bleu bleu = { 0 };

    for (int i = 0; i < WORDS; i++)
        memcpy(text + 2 * i, i % 7 ? "a " : "b ", 2);
    text[2 * WORDS] = 0;
    bleu_add(&bleu, text, text);
    cr_expect(fabs(bleu_score(&bleu) - 100) < 1e-9);
    free(text);
}
