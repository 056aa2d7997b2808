/*
 * Batches of sentences, of the set that needs no files: they are compared, part
 * by part and row by row, with a slow way of cutting and writing them. Pairs
 * are those that number_pairs.h says, in words of numbers.h.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/dictionary.h"
#include "data/number_pairs.h"
#include "data/numbers.h"
#include "data/sequences.h"
#include "kernels/shuffle.h"
#include "settings/facts.h"
#include "tests/settings_of.h"

enum { STREAMS = 5, LONGEST = NUMBERS_WORDS_MAX + 1, ROWS = 4096,
       TRAIN_PAIRS = 20000 };

/* The tokens of one language of a pair, with the end mark. */
struct line {
    int token[LONGEST];
    int tokens;
};

static struct line line_of(enum split split, int pair,
                           enum numbers_language language)
{
    struct line l;

    l.tokens = numbers_write(language, number_pairs_number(split, pair),
                             l.token);
    for (int i = 0; i < l.tokens; i++)
        l.token[i] += TOKEN_SPECIALS;
    l.token[l.tokens++] = TOKEN_END;
    return l;
}

/* Pairs of a batch or of an evaluation, in order. */
struct pairs_in_order {
    enum split split;
    int pair[TRAIN_PAIRS];
    int pairs;
};

static struct extents extents_of(const struct pairs_in_order *p, int begin,
                                 int end)
{
    struct extents sum = { { [EXTENT_SAMPLES] = end - begin } };

    for (int i = begin; i < end; i++) {
        sum.of[EXTENT_SOURCE] +=
            line_of(p->split, p->pair[i], NUMBERS_GERMAN).tokens;
        sum.of[EXTENT_TARGET] +=
            line_of(p->split, p->pair[i], NUMBERS_ENGLISH).tokens;
    }
    return sum;
}

static bool fits_in(struct extents sum, int room)
{
    return sum.of[EXTENT_SOURCE] <= room && sum.of[EXTENT_TARGET] <= room;
}

/* Where the bin or part ends that begins at a place. */
static int end_of(const struct pairs_in_order *p, int begin, int room)
{
    int end = begin + 1;

    while (end < p->pairs && fits_in(extents_of(p, begin, end + 1), room))
        end++;
    return end;
}

static int count_bins(const struct pairs_in_order *p, int room)
{
    int bins = 0;

    for (int at = 0; at < p->pairs; bins++)
        at = end_of(p, at, room);
    return bins;
}

/* All pairs of training, in the order in which they are cut. */
static const struct pairs_in_order *all_of(uint64_t seed)
{
    static struct pairs_in_order all;

    all = (struct pairs_in_order){ .split = SPLIT_TRAIN, .pairs = TRAIN_PAIRS };
    for (int i = 0; i < TRAIN_PAIRS; i++)
        all.pair[i] = shuffle_place(seed, UINT32_MAX, TRAIN_PAIRS, i);
    return &all;
}

/* The pairs of the batch of a step. */
static const struct pairs_in_order *batch_of(const struct settings *s,
                                             int bins, int64_t step)
{
    const struct pairs_in_order *all = all_of(s->seed);
    static struct pairs_in_order batch;
    int bin = shuffle_place(s->seed, (uint32_t)(step / bins), bins,
                            (int)(step % bins));
    int begin = 0, end = end_of(all, 0, s->batch);

    for (; bin > 0; bin--) {
        begin = end;
        end = end_of(all, begin, s->batch);
    }
    batch = (struct pairs_in_order){ .split = SPLIT_TRAIN,
                                     .pairs = end - begin };
    memcpy(batch.pair, all->pair + begin,
           (size_t)batch.pairs * sizeof(*batch.pair));
    return &batch;
}

/* The least room with which there are no more parts than with `room`. */
static int even_room(const struct pairs_in_order *p, int room)
{
    int parts = count_bins(p, room);

    while (room > LONGEST && count_bins(p, room - 1) == parts)
        room--;
    return room;
}

/* The streams of a part, as they should be. */
static void write_part(const struct pairs_in_order *p, int begin, int end,
                       int32_t to[STREAMS][ROWS])
{
    int32_t *source = to[SEQUENCES_SOURCE], *previous = to[SEQUENCES_PREVIOUS];
    int32_t *labels = to[SEQUENCES_LABELS];

    for (int i = begin; i < end; i++) {
        struct line german = line_of(p->split, p->pair[i], NUMBERS_GERMAN);
        struct line english = line_of(p->split, p->pair[i], NUMBERS_ENGLISH);

        for (int k = 0; k < german.tokens; k++)
            *source++ = german.token[k];
        for (int k = 0; k < english.tokens; k++) {
            *previous++ = k > 0 ? english.token[k - 1] : TOKEN_END;
            *labels++ = english.token[k];
        }
        to[SEQUENCES_SOURCE_ENDS][i - begin] =
            (int32_t)(source - to[SEQUENCES_SOURCE]);
        to[SEQUENCES_TARGET_ENDS][i - begin] =
            (int32_t)(labels - to[SEQUENCES_LABELS]);
    }
}

/* Fills sentences [begin, end) into streams that begin with another one. */
static void fill_from(const struct loader *loader, const struct part *part,
                      const struct extents *before, int sample, int begin,
                      int end, int32_t to[STREAMS][ROWS])
{
    static const enum extent of[STREAMS] = {
        EXTENT_SOURCE, EXTENT_SAMPLES, EXTENT_TARGET, EXTENT_TARGET,
        EXTENT_SAMPLES
    };
    struct stream stream[LOAD_STREAMS] = { { NULL, 0 } };

    for (int k = 0; k < STREAMS; k++)
        stream[k] = (struct stream){ to[k] + before->of[of[k]], sample };
    loader->fill(loader->arg, part, begin, end, stream);
}

/* Compares a part with pairs [begin, end): filled at once, and sentence by
 * sentence from the last to the first, each to its own place. */
static void expect_part(const struct loader *loader, const struct part *part,
                        const struct pairs_in_order *p, int begin, int end)
{
    static int32_t expected[STREAMS][ROWS], found[2][STREAMS][ROWS];
    static const struct extents none;

    memset(expected, -1, sizeof(expected));
    memset(found, -1, sizeof(found));
    write_part(p, begin, end, expected);
    fill_from(loader, part, &none, 0, 0, end - begin, found[0]);
    for (int i = end - begin - 1; i >= 0; i--) {
        struct extents before = extents_of(p, begin, begin + i);

        fill_from(loader, part, &before, i, i, i + 1, found[1]);
    }
    for (int k = 0; k < 2; k++)
        cr_assert_arr_eq(found[k], expected, sizeof(expected));
}

/* Compares all parts with pairs. Returns how many there are. */
static int expect_parts(const struct dataset *set, const struct settings *s,
                        int64_t step, const struct pairs_in_order *p)
{
    struct reading r = dataset_read(set, s, p->split, step);
    struct loader loader = dataset_loader(set, &r);
    struct cut most = dataset_cut(s);
    struct extents whole = extents_of(p, 0, p->pairs);
    int room = even_room(p, s->microbatch ? s->microbatch : s->batch);
    struct part part = { 0 };
    int parts = 0, begin = 0;

    cr_assert(extents_equal(&r.whole, &whole));
    for (; loader.next(loader.arg, &part); parts++) {
        int end = end_of(p, begin, room);
        struct extents first = extents_of(p, 0, begin);
        struct extents count = extents_of(p, begin, end);

        cr_assert(extents_equal(&part.first, &first));
        cr_assert(extents_equal(&part.count, &count));
        for (int k = 0; k < EXTENT_COUNT; k++) {
            cr_expect_leq(count.of[k], most.most.of[k]);
            cr_expect_geq(count.of[k], most.least.of[k]);
        }
        expect_part(&loader, &part, p, begin, end);
        begin = end;
    }
    cr_expect_eq(begin, p->pairs);
    cr_expect_eq(parts, count_bins(p, s->microbatch ? s->microbatch
                                                    : s->batch));
    return parts;
}

static struct dataset *open_set(const struct settings *s)
{
    struct dataset *set = NULL;
    struct error e;

    cr_assert(dataset_open(&set, s, &e), "%s", e.text);
    return set;
}

static int64_t batches_of(const struct dataset *set, const struct settings *s)
{
    int64_t batches = 0;
    struct error e;

    cr_assert(dataset_batches(set, s, &batches, &e), "%s", e.text);
    return batches;
}

Test(sequences, batches_and_parts_are_those_of_a_slow_way)
{
    static const char *const assignments[] = { "data=numbers", "batch=400",
                                               "seed=7", NULL };
    static const int rooms[] = { 0, 200, 61, 12 };
    struct settings s = settings_of(assignments);
    struct dataset *set = open_set(&s);
    int bins = (int)batches_of(set, &s);

    cr_assert_eq(bins, count_bins(all_of(7), 400));
    for (int i = 0; i < 8; i++) {
        int64_t step = i < 4 ? i : bins - 2 + i;
        int parts;

        s.microbatch = rooms[i % 4];
        parts = expect_parts(set, &s, step, batch_of(&s, bins, step));
        cr_expect_eq(parts == 1, i % 4 == 0);
    }
    dataset_close(set);
}

/* An epoch takes every batch once, each epoch in its own order. */
Test(sequences, epochs_take_all_batches)
{
    static const char *const assignments[] = { "data=numbers", "batch=4000",
                                               NULL };
    struct settings s = settings_of(assignments);
    struct dataset *set = open_set(&s);
    int64_t bins = batches_of(set, &s), tokens[2] = { 0, 0 };
    int same = 0;

    for (int64_t i = 0; i < bins; i++) {
        struct extents first = dataset_read(set, &s, SPLIT_TRAIN, i).whole;
        struct extents second =
            dataset_read(set, &s, SPLIT_TRAIN, bins + i).whole;
        tokens[0] += first.of[EXTENT_TARGET];
        tokens[1] += second.of[EXTENT_TARGET];
        same += extents_equal(&first, &second);
    }
    cr_expect_eq(tokens[0], tokens[1]);
    cr_expect_eq(tokens[0], extents_of(all_of(1), 0, TRAIN_PAIRS)
                                .of[EXTENT_TARGET]);
    cr_expect_lt(same, bins / 2);
    dataset_close(set);
}

/* Short epochs go on where the last one ended. */
Test(sequences, short_epochs)
{
    static const char *const assignments[] = {
        "data=numbers", "batch=1000", "epoch_samples=2500", NULL
    };
    struct settings s = settings_of(assignments), all = s;
    struct dataset *set = open_set(&s);

    all.epoch_samples = 0;
    cr_expect_eq(batches_of(set, &s), 3);
    s.epoch_samples = 1;
    cr_expect_eq(batches_of(set, &s), 1);
    for (int step = 0; step < 5; step++) {
        struct extents a = dataset_read(set, &s, SPLIT_TRAIN, step).whole;
        struct extents b = dataset_read(set, &all, SPLIT_TRAIN, step).whole;
        cr_expect(extents_equal(&a, &b));
    }
    dataset_close(set);
}

/* Evaluations have the first pairs that make as many target tokens. */
Test(sequences, evaluations)
{
    static const char *const assignments[] = { "data=numbers", "batch=500",
                                               "microbatch=100", NULL };
    static struct pairs_in_order p;
    struct settings s = settings_of(assignments);
    struct dataset *set = open_set(&s);

    for (enum split k = SPLIT_VALID; k <= SPLIT_TEST; k++) {
        p = (struct pairs_in_order){ .split = k, .pairs = 500 };
        for (int i = 0; i < p.pairs; i++)
            p.pair[i] = i;
        cr_expect_gt(expect_parts(set, &s, 3, &p), 30);
    }
    for (s.valid_samples = 1; s.valid_samples < 300; s.valid_samples += 61) {
        p = (struct pairs_in_order){ .split = SPLIT_VALID };
        while (extents_of(&p, 0, p.pairs).of[EXTENT_TARGET] < s.valid_samples) {
            p.pair[p.pairs] = p.pairs;
            p.pairs++;
        }
        expect_parts(set, &s, 0, &p);
    }
    dataset_close(set);
}

/* Another seed cuts other batches, of the same pairs. */
Test(sequences, seeds_cut_batches)
{
    static const char *const one[] = { "data=numbers", "batch=1000", NULL };
    static const char *const two[] = { "data=numbers", "batch=1000", "seed=2",
                                       NULL };
    struct settings a = settings_of(one), b = settings_of(two);
    struct dataset *x = open_set(&a), *y = open_set(&b), *again = open_set(&a);
    int same = 0;

    for (int i = 0; i < 50; i++) {
        struct extents e = dataset_read(x, &a, SPLIT_TRAIN, i).whole;
        struct extents f = dataset_read(y, &b, SPLIT_TRAIN, i).whole;
        struct extents g = dataset_read(again, &a, SPLIT_TRAIN, i).whole;

        same += extents_equal(&e, &f);
        cr_expect(extents_equal(&e, &g));
    }
    cr_expect_lt(same, 10);
    dataset_close(x);
    dataset_close(y);
    dataset_close(again);
}

/* Numbers are in one split, once; facts that a plan is made by are true. */
Test(sequences, numbers_are_apart)
{
    bool *seen = calloc(NUMBERS_COUNT, sizeof(*seen));
    const struct settings s = { .data = DATA_NUMBERS };
    struct text_facts facts = facts_of(&s).text;
    int64_t source = 0;
    int longest = 0, small = 0;

    for (enum split k = 0; k < SPLIT_COUNT; k++)
        for (int i = 0; i < number_pairs_count(k); i++) {
            int number = number_pairs_number(k, i);
            struct line german = line_of(k, i, NUMBERS_GERMAN);
            struct line english = line_of(k, i, NUMBERS_ENGLISH);

            cr_assert(number >= 0 && number < NUMBERS_COUNT);
            cr_assert_not(seen[number]);
            seen[number] = true;
            small += number < 1000;
            source += k == SPLIT_TRAIN ? german.tokens : 0;
            longest = german.tokens > longest ? german.tokens : longest;
            longest = english.tokens > longest ? english.tokens : longest;
        }
    cr_expect_eq(number_pairs_count(SPLIT_TRAIN), TRAIN_PAIRS);
    cr_expect_eq(number_pairs_count(SPLIT_VALID), 500);
    cr_expect_eq(number_pairs_count(SPLIT_TEST), 500);
    cr_expect_eq(small, 640);
    cr_expect_eq(facts.longest, longest);
    cr_expect_eq(facts.sentence, (source + TRAIN_PAIRS / 2) / TRAIN_PAIRS);
    cr_expect_eq(facts.source_vocabulary,
                 TOKEN_SPECIALS + numbers_words(NUMBERS_GERMAN));
    cr_expect_eq(facts.target_vocabulary,
                 TOKEN_SPECIALS + numbers_words(NUMBERS_ENGLISH));
    free(seen);
}

static const struct sequences *sequences_of(const struct dataset *set)
{
    const struct sequences *s = dataset_sequences(set);

    cr_assert(s);
    return s;
}

Test(sequences, pairs_as_text)
{
    static const char *const assignments[] = { "data=numbers", NULL };
    struct settings s = settings_of(assignments);
    struct dataset *set = open_set(&s);
    const struct sequences *q = sequences_of(set);

    cr_expect_eq(sequences_pairs(q, SPLIT_TRAIN), TRAIN_PAIRS);
    cr_expect_eq(sequences_left_out(q), 0);
    cr_expect_null(sequences_reference(q, SPLIT_TRAIN, 0));
    for (int i = 0; i < sequences_pairs(q, SPLIT_TEST); i++) {
        struct line german = line_of(SPLIT_TEST, i, NUMBERS_GERMAN);
        struct line english = line_of(SPLIT_TEST, i, NUMBERS_ENGLISH);
        int count;
        const int32_t *token = sequences_source(q, SPLIT_TEST, i, &count);
        char *text = sequences_text(q, english.token, english.tokens);

        cr_assert_eq(count, german.tokens);
        cr_expect_arr_eq(token, german.token,
                         (size_t)count * sizeof(*token));
        cr_expect_str_eq(text, sequences_reference(q, SPLIT_TEST, i));
        free(text);
    }
    dataset_close(set);
}

Test(sequences, lines_are_encoded)
{
    static const char *const assignments[] = { "data=numbers", NULL };
    struct settings s = settings_of(assignments);
    struct dataset *set = open_set(&s);
    int count;
    int32_t *token = sequences_encode(sequences_of(set),
                                      word_of(" drei  und blau null"), &count);

    cr_assert_eq(count, 5);
    cr_expect_eq(token[0], TOKEN_SPECIALS + 3);
    cr_expect_eq(token[2], TOKEN_UNKNOWN);
    cr_expect_eq(token[3], TOKEN_SPECIALS);
    cr_expect_eq(token[4], TOKEN_END);
    free(token);
    token = sequences_encode(sequences_of(set), word_of(""), &count);
    cr_assert_eq(count, 1);
    cr_expect_eq(token[0], TOKEN_END);
    free(token);
    dataset_close(set);
}

/* The parts that a plan expects are about those that there are. */
Test(sequences, expected_parts)
{
    static const char *const assignments[] = { "data=numbers", "batch=2000",
                                               NULL };
    static const int rooms[] = { 0, 1000, 500, 100, 25, 12 };
    struct settings s = settings_of(assignments);
    struct dataset *set = open_set(&s);

    for (int i = 0; i < 6; i++) {
        int parts = 0, expected;

        s.microbatch = rooms[i];
        expected = dataset_cut(&s).parts;
        for (int step = 0; step < 20; step++) {
            struct reading r = dataset_read(set, &s, SPLIT_TRAIN, step);
            struct part part = { 0 };
            struct loader loader = dataset_loader(set, &r);

            while (loader.next(loader.arg, &part))
                parts++;
        }
        cr_expect(expected >= 0.8 * parts / 20 && expected <= 1.25 * parts / 20,
                  "%d: %d, not %.2f", rooms[i], expected, parts / 20.0);
    }
    dataset_close(set);
}

static void expect_refused(const char *const assignments[],
                           const char *message)
{
    struct settings s = settings_of(assignments);
    struct error e;

    cr_expect_not(settings_check(&s, "quick", &e));
    cr_expect_str_eq(e.text, message);
}

Test(sequences, settings_that_do_not_fit)
{
    static const char *const few[] = { "data=numbers", "microbatch=11", NULL };
    static const char *const less[] = { "data=numbers", "batch=3", NULL };
    static const char *const part[] = { "data=parallel", "batch=1000",
                                        "microbatch=249", NULL };
    static const char *const all[] = { "data=parallel", NULL };
    static const char *const same[] = { "data=parallel", "longest=90",
                                        "target=de", NULL };
    static const char *const path[] = { "data=parallel", "longest=90",
                                        "source=../de", NULL };

    expect_refused(few, "quick: microbatch: 11 tokens have no room for the "
                   "longest sentence, 12; raise it");
    expect_refused(less, "quick: batch: 3 tokens have no room for the longest "
                   "sentence, 12; raise it");
    expect_refused(part, "quick: microbatch: 249 tokens have no room for a "
                   "sentence of longest, 250; raise microbatch, or lower "
                   "longest to leave such sentences out");
    expect_refused(all, "quick: batch: 100 tokens have no room for a sentence "
                   "of longest, 250; raise batch, or lower longest to leave "
                   "such sentences out");
    expect_refused(same, "quick: target: de is the source too; name the other "
                   "language");
    expect_refused(path, "quick: source: '../de' is no language; name the end "
                   "of its files' names, as de of train.de");
}
