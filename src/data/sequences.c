#include "data/sequences.h"

#include <math.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "data/packing.h"
#include "data/parallel.h"
#include "kernels/shuffle.h"
#include "settings/facts.h"

/* A sentence has a token and its end mark. */
enum { SENTENCE_LEAST = 2 };

/* The order in which batches are cut: of no pass. */
static const uint32_t cut_order = UINT32_MAX;

struct sequences {
    struct corpus corpus;
    struct packing packing[SPLIT_COUNT];
};

static int part_room(const struct settings *s)
{
    return s->microbatch ? s->microbatch : s->batch;
}

/* The tokens that are expected of a batch or part. The first pair that has no
 * room leaves some of it unused, on average a bit more than half a sentence: of
 * long sentences more than their share do not fit. */
static double expected_tokens(int room, int sentence)
{
    double used = room - 0.6 * sentence;

    return used > sentence ? used : sentence < room ? sentence : room;
}

static struct cut sequences_cut(const struct settings *s)
{
    int most = part_room(s), sentence = facts_of(s).text.sentence;
    double tokens = expected_tokens(s->batch, sentence);
    int parts = (int)ceil(tokens / expected_tokens(most, sentence));
    int mean = (int)ceil(tokens / parts);

    return (struct cut){
        .whole = { .of = { [EXTENT_SAMPLES] = s->batch / SENTENCE_LEAST,
                           [EXTENT_SOURCE] = s->batch,
                           [EXTENT_TARGET] = s->batch } },
        .most = { .of = { [EXTENT_SAMPLES] = most / SENTENCE_LEAST,
                          [EXTENT_SOURCE] = most, [EXTENT_TARGET] = most } },
        .least = { .of = { [EXTENT_SAMPLES] = 1,
                           [EXTENT_SOURCE] = SENTENCE_LEAST,
                           [EXTENT_TARGET] = SENTENCE_LEAST } },
        .mean = { .of = { [EXTENT_SAMPLES] = (mean + sentence - 1) / sentence,
                          [EXTENT_SOURCE] = mean, [EXTENT_TARGET] = mean } },
        .parts = parts
    };
}

static bool sequences_check(const void *source, const struct settings *s,
                            struct error *e)
{
    const struct corpus_source *corpus = source;

    return corpus->check(s, e);
}

/* Settings that do not fit the data, and such that do. */
struct misfits {
    const struct settings *settings;
    char wrong[256], right[256];
    bool beyond;         /* the range of a setting */
};

static void add_misfit(struct misfits *m, const char *name, int is, int fits)
{
    size_t wrong = strlen(m->wrong), right = strlen(m->right);

    snprintf(m->wrong + wrong, sizeof(m->wrong) - wrong, "%s%s=%d",
             wrong ? ", " : "", name, is);
    snprintf(m->right + right, sizeof(m->right) - right, "%s--set %s=%d",
             right ? " " : "", name, fits);
    m->beyond |= !settings_can_be(m->settings, name, fits);
}

/* The mean tokens of a source sentence in training. */
static int mean_sentence(const struct corpus *c)
{
    const struct pairs *p = &c->split[SPLIT_TRAIN];

    return (int)((double)p->side[SIDE_SOURCE].tokens / p->count + 0.5);
}

/* Plans are made by settings alone, so these must be true. The mean length only
 * enters counts of arithmetic: a factor of two is near enough. */
static bool check_facts(const struct corpus *c, const struct settings *s,
                        struct error *e)
{
    struct text_facts facts = facts_of(s).text;
    int source = dictionary_size(c->dictionary[SIDE_SOURCE]);
    int target = dictionary_size(c->dictionary[SIDE_TARGET]);
    int mean = mean_sentence(c);
    struct misfits m = { .settings = s };

    if (facts.source_vocabulary != source)
        add_misfit(&m, "source_vocabulary", facts.source_vocabulary, source);
    if (facts.target_vocabulary != target)
        add_misfit(&m, "target_vocabulary", facts.target_vocabulary, target);
    if (facts.sentence > 2 * mean || mean > 2 * facts.sentence)
        add_misfit(&m, "sentence", facts.sentence, mean);
    return !m.wrong[0] ||
           error_set(e, EXIT_INPUT, "data_path: %s: %d source tokens and %d "
                     "target tokens, with four special ones each, in sentences "
                     "of %d on average, do not fit %s; %s", s->data_path,
                     source, target, mean, m.wrong,
                     m.beyond ? "cut words into other pieces with subwords"
                              : m.right);
}

static struct pair_tokens tokens_of(const struct pairs *p)
{
    return (struct pair_tokens){ p->side[SIDE_SOURCE].first,
                                 p->side[SIDE_TARGET].first };
}

/* Cuts training into batches, and leaves other splits whole. */
static void pack(struct sequences *set, const struct settings *s)
{
    for (enum split k = 0; k < SPLIT_COUNT; k++) {
        const struct pairs *p = &set->corpus.split[k];
        struct pair_tokens tokens = tokens_of(p);
        int *order = xcalloc((unsigned long)p->count, sizeof(*order));

        for (int i = 0; i < p->count; i++)
            order[i] = k == SPLIT_TRAIN
                           ? shuffle_place(s->seed, cut_order, p->count, i) : i;
        set->packing[k] = packing_new(&tokens, order, p->count,
                                      k == SPLIT_TRAIN ? s->batch : INT_MAX);
        free(order);
    }
}

static void sequences_close(void *state)
{
    struct sequences *set = state;

    for (int k = 0; k < SPLIT_COUNT; k++)
        packing_free(&set->packing[k]);
    corpus_free(&set->corpus);
    free(set);
}

static void name_languages(struct corpus *c, const struct settings *s)
{
    struct text_facts facts = facts_of(s).text;

    strcpy(c->language[SIDE_SOURCE], facts.source);
    strcpy(c->language[SIDE_TARGET], facts.target);
}

/* Pairs have room in a part only if settings go together. */
static bool sequences_open(void **state, const void *source,
                           const struct settings *s, struct error *e)
{
    const struct corpus_source *corpus = source;
    struct sequences *set;

    if (!settings_check(s, "data", e))
        return false;
    set = xcalloc(1, sizeof(*set));
    name_languages(&set->corpus, s);
    if (!corpus->open(&set->corpus, s, e) ||
        !check_facts(&set->corpus, s, e)) {
        sequences_close(set);
        return false;
    }
    pack(set, s);
    *state = set;
    return true;
}

/* The languages, their tokens, and the merges that cut words into these. */
static void sequences_identity(const void *state, char *text, size_t size)
{
    const struct corpus *c = &((const struct sequences *)state)->corpus;
    char sum[SIDES][CHECKSUM_DIGITS + 1], merges[CHECKSUM_DIGITS + 1] = "";

    for (int k = 0; k < SIDES; k++)
        checksum_write(dictionary_checksum(c->dictionary[k]), sum[k]);
    if (c->bpe)
        checksum_write(bpe_checksum(c->bpe), merges);
    snprintf(text, size, "dictionaries %s %s and %s %s%s%s",
             c->language[SIDE_SOURCE], sum[SIDE_SOURCE],
             c->language[SIDE_TARGET], sum[SIDE_TARGET],
             c->bpe ? ", merges " : "", merges);
}

static int64_t sequences_epoch_units(const void *state,
                                     const struct settings *s)
{
    const struct sequences *set = state;

    return s->epoch_samples
               ? s->epoch_samples
               : set->corpus.split[SPLIT_TRAIN].side[SIDE_TARGET].tokens;
}

static int64_t sequences_epoch_batches(const void *state,
                                       const struct settings *s)
{
    const struct sequences *set = state;

    return s->epoch_samples ? facts_batches(s, s->epoch_samples)
                            : set->packing[SPLIT_TRAIN].bins;
}

/* Sets the places of a batch of training. */
static void take_batch(struct reading *r, const struct packing *p)
{
    int64_t pass = r->step / p->bins;
    int bin = shuffle_place(r->settings->seed, (uint32_t)pass, p->bins,
                            (int)(r->step % p->bins));

    r->begin = p->first[bin];
    r->end = p->first[bin + 1];
}

/* Sets the places of an evaluation: all pairs, or the first that have as many
 * target tokens as are wanted. */
static void take_all(struct reading *r, const struct packing *p)
{
    int wanted = r->settings->valid_samples;

    r->begin = 0;
    r->end = p->pairs;
    if (!wanted)
        return;
    for (r->end = 0; r->end < p->pairs && p->target[r->end] < wanted; r->end++)
        ;
}

static struct extents extents_between(const struct packing *p, int begin,
                                      int end)
{
    return (struct extents){ .of = {
        [EXTENT_SAMPLES] = end - begin,
        [EXTENT_SOURCE] = p->source[end] - p->source[begin],
        [EXTENT_TARGET] = p->target[end] - p->target[begin]
    } };
}

static const struct packing *packing_of(const struct reading *r)
{
    const struct sequences *set = r->state;

    return &set->packing[r->split];
}

static void sequences_begin(struct reading *r)
{
    const struct packing *p = packing_of(r);

    if (r->split == SPLIT_TRAIN)
        take_batch(r, p);
    else
        take_all(r, p);
    r->room = packing_room(p, r->begin, r->end, part_room(r->settings));
    r->whole = extents_between(p, r->begin, r->end);
}

static bool sequences_next(void *reading, struct part *part)
{
    const struct reading *r = reading;
    const struct packing *p = packing_of(r);
    int begin, end;

    part->first = extents_sum(&part->first, &part->count);
    begin = r->begin + part->first.of[EXTENT_SAMPLES];
    end = packing_part(p, begin, r->end, r->room);
    part->count = extents_between(p, begin, end);
    return end > begin;
}

/* A sentence that is written to streams. */
struct writing {
    const int32_t *token;
    int tokens;
    const int *before;   /* tokens before each place */
    int part, place;     /* the part's first place, and its own */
};

static struct writing writing_of(const struct reading *r, enum side side,
                                 int part, int place)
{
    const struct sequences *set = r->state;
    const struct packing *p = packing_of(r);
    const struct sentences *s = &set->corpus.split[r->split].side[side];
    const int *before = side == SIDE_SOURCE ? p->source : p->target;

    return (struct writing){ s->token + s->first[p->pair[place]],
                             before[place + 1] - before[place], before, part,
                             place };
}

/* Where the rows of the sentence begin in a stream of tokens. */
static int32_t *rows_of(const struct writing *w, const struct stream *stream)
{
    return (int32_t *)stream->data + w->before[w->place] -
           w->before[w->part + stream->sample];
}

static void write_tokens(const struct writing *w, const struct stream *stream)
{
    memcpy(rows_of(w, stream), w->token,
           (size_t)w->tokens * sizeof(*w->token));
}

static void write_previous(const struct writing *w,
                           const struct stream *stream)
{
    int32_t *to = rows_of(w, stream);

    to[0] = TOKEN_END;
    memcpy(to + 1, w->token, (size_t)(w->tokens - 1) * sizeof(*w->token));
}

static void write_end(const struct writing *w, const struct stream *stream)
{
    int32_t *to = (int32_t *)stream->data + w->place - w->part -
                  stream->sample;

    *to = w->before[w->place + 1] - w->before[w->part];
}

static void sequences_fill(void *reading, const struct part *part, int begin,
                           int end, const struct stream stream[])
{
    const struct reading *r = reading;
    int first = r->begin + part->first.of[EXTENT_SAMPLES];

    for (int i = begin; i < end; i++) {
        struct writing source = writing_of(r, SIDE_SOURCE, first, first + i);
        struct writing target = writing_of(r, SIDE_TARGET, first, first + i);

        write_tokens(&source, &stream[SEQUENCES_SOURCE]);
        write_end(&source, &stream[SEQUENCES_SOURCE_ENDS]);
        write_previous(&target, &stream[SEQUENCES_PREVIOUS]);
        write_tokens(&target, &stream[SEQUENCES_LABELS]);
        write_end(&target, &stream[SEQUENCES_TARGET_ENDS]);
    }
}

const struct data_family sequences_family = {
    .terms = EXTENT_TARGET,
    .cut = sequences_cut,
    .check = sequences_check,
    .open = sequences_open,
    .close = sequences_close,
    .identity = sequences_identity,
    .epoch_units = sequences_epoch_units,
    .epoch_batches = sequences_epoch_batches,
    .begin = sequences_begin,
    .next = sequences_next,
    .fill = sequences_fill
};

int sequences_pairs(const struct sequences *set, enum split split)
{
    return set->corpus.split[split].count;
}

int sequences_left_out(const struct sequences *set)
{
    return set->corpus.split[SPLIT_TRAIN].left_out;
}

const int32_t *sequences_source(const struct sequences *set, enum split split,
                                int pair, int *count)
{
    const struct pairs *p = &set->corpus.split[split];
    const struct sentences *s = &p->side[SIDE_SOURCE];

    *count = pairs_length(p, SIDE_SOURCE, pair);
    return s->token + s->first[pair];
}

const char *sequences_reference(const struct sequences *set, enum split split,
                                int pair)
{
    const struct pairs *p = &set->corpus.split[split];

    return pair < p->references ? p->reference[pair] : NULL;
}

char *sequences_text(const struct sequences *set, const int32_t *tokens,
                     int count)
{
    const struct dictionary *d = set->corpus.dictionary[SIDE_TARGET];
    size_t bytes = 1;
    char *text, *to;

    for (int i = 0; i < count; i++)
        bytes += dictionary_token(d, tokens[i]).bytes + 1;
    text = to = xcalloc(bytes, 1);
    for (int i = 0; i < count && tokens[i] != TOKEN_END; i++) {
        struct word token = dictionary_token(d, tokens[i]);

        if (i > 0)
            *to++ = ' ';
        memcpy(to, token.at, token.bytes);
        to += token.bytes;
    }
    pieces_join(text, set->corpus.marks);
    return text;
}

void sequences_join(const struct sequences *set, char *line)
{
    enum piece_marks marks = set->corpus.marks;

    if (marks != PIECES_SPACED || strstr(line, PIECES_SPACE))
        pieces_join(line, marks);
}

int32_t *sequences_encode(const struct sequences *set, struct word line,
                          int *count)
{
    struct word word;
    int32_t *all = NULL;
    const int32_t *token;
    struct cutter cutter;

    cutter_init(&cutter, set->corpus.bpe, set->corpus.dictionary[SIDE_SOURCE]);
    *count = 0;
    while (word_next(&line, &word))
        for (int n = cutter_word(&cutter, word, &token); n > 0; n--) {
            all = xgrow(all, *count, sizeof(*all));
            all[(*count)++] = *token++;
        }
    cutter_done(&cutter);
    all = xgrow(all, *count, sizeof(*all));
    all[(*count)++] = TOKEN_END;
    return all;
}

bool sequences_check_write(const struct settings *s, const char *folder,
                           struct error *e)
{
    struct facts facts = facts_of(s);
    bool merges = s->data == DATA_PARALLEL && s->subwords > 0;

    if (!facts.text.source)
        return error_set(e, EXIT_INPUT, "data: %s have no dictionaries; name "
                         "a preset of sentences", facts.items);
    return parallel_check_write(facts.text.source, facts.text.target, merges,
                                folder, e);
}

bool sequences_write(const struct sequences *set, const char *folder,
                     struct error *e)
{
    return parallel_write(&set->corpus, folder, e);
}
