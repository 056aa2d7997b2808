#include "settings/facts.h"

#include <string.h>

/* Sets of labelled images have these in common. */
#define IMAGES .unit = "sample", .units = "samples", .items = "images", \
    .drawn = "quick", \
    .score = { "accuracy", .percent = true, .higher_is_better = true, \
               .most = 1, .of = score_is_accuracy }, \
    .score_every = 1

/* So have sets of sentence pairs. */
#define SENTENCES .unit = "token", .units = "tokens", .items = "sentences", \
    .drawn = "quick-translate", .packed = true

/* What predictions of tokens tell of a translator. */
static const struct score of_tokens[] = {
    { "perplexity", .of = score_is_perplexity },
    { "token accuracy", .percent = true, .higher_is_better = true,
      .most = 1, .of = score_is_accuracy }
};

static const struct facts sets[] = {
    [DATA_SHAPES] = { IMAGES, .image = { 32, 32, 3, 10, 20000 } },
    [DATA_CIFAR10] = {
        IMAGES, .image = { 32, 32, 3, 10, 50000 },
        .where = "the \"CIFAR-10 binary version (suitable for C programs)\" on "
                 "www.cs.toronto.edu/~kriz/cifar.html: the archive "
                 "cifar-10-binary.tar.gz, from which tar xzf unpacks a folder "
                 "cifar-10-batches-bin with data_batch_1.bin to "
                 "data_batch_5.bin and test_batch.bin"
    },
    [DATA_NUMBERS] = { SENTENCES, .text = { 31, 34, 12, 10, "de", "en" } },
    [DATA_PARALLEL] = {
        SENTENCES,
        .where = "pairs of files, such as train.de and train.en, valid.de and "
                 "valid.en, test.de and test.en, with one sentence a line and "
                 "spaces between its words: those of Multi30k, on "
                 "github.com/multi30k/dataset, or of IWSLT 2014, as fairseq's "
                 "prepare-iwslt14.sh writes them"
    },
};

/* Translations tell how good a translator is; where there are none, the tokens
 * that it predicts. */
static void set_text_score(struct facts *facts, int bleu_every)
{
    facts->score = bleu_every
                       ? (struct score){ "BLEU", .higher_is_better = true,
                                         .most = 100 }
                       : of_tokens[1];
    facts->score_every = bleu_every ? bleu_every : 1;
    facts->beside = of_tokens;
    facts->beside_count = bleu_every ? 2 : 1;
}

struct facts facts_of(const struct settings *s)
{
    struct facts facts = sets[s->data];

    if (facts.packed)
        set_text_score(&facts, s->bleu_every);
    if (s->data == DATA_PARALLEL)
        facts.text = (struct text_facts){ s->source_vocabulary,
                                          s->target_vocabulary, s->longest,
                                          s->sentence, s->source, s->target };
    return facts;
}

int64_t facts_batches(const struct settings *s, int64_t units)
{
    return (units + (sets[s->data].packed ? s->batch - 1 : 0)) / s->batch;
}

const char *facts_units(const struct setting *row, const struct settings *s)
{
    if (row->unit && strcmp(row->unit, UNITS_OF_DATA) == 0)
        return facts_of(s).units;
    return row->unit;
}
