/*
 * Of a million numbers few are short, and who tries the net types short ones.
 * So numbers are drawn by their length: a split has a share of those below a
 * thousand, of those with four digits, and so on. Each range is in a random
 * order, which training takes numbers from first, then the other splits.
 */
#include "data/number_pairs.h"

#include <string.h>

#include "data/numbers.h"
#include "kernels/shuffle.h"

enum { RANGES = 4 };

/* Another seed gives another set. */
static const uint64_t numbers_seed = 0x7a61686c656e;

static const struct {
    int begin, end;
    int share[SPLIT_COUNT];
} ranges[RANGES] = {
    { 0, 1000, { 600, 20, 20 } },
    { 1000, 10000, { 3000, 80, 80 } },
    { 10000, 100000, { 6400, 150, 150 } },
    { 100000, NUMBERS_COUNT, { 10000, 250, 250 } }
};

int number_pairs_count(enum split split)
{
    int count = 0;

    for (int i = 0; i < RANGES; i++)
        count += ranges[i].share[split];
    return count;
}

/* The number at a place of a split's share of a range. */
static int number_at(int range, enum split split, int place)
{
    int begin = ranges[range].begin, before = 0;

    for (int i = 0; i < (int)split; i++)
        before += ranges[range].share[i];
    return begin + shuffle_place(numbers_seed, (uint32_t)range,
                                 ranges[range].end - begin, before + place);
}

/* The ranges are mixed, for a short evaluation has the first pairs alone. */
int number_pairs_number(enum split split, int pair)
{
    int place = shuffle_place(numbers_seed, (uint32_t)(RANGES + (int)split),
                              number_pairs_count(split), pair);
    int range = 0;

    for (; place >= ranges[range].share[split]; range++)
        place -= ranges[range].share[split];
    return number_at(range, split, place);
}

/* All words of a language, in the order of numbers.h. */
static struct dictionary *make_dictionary(enum numbers_language language)
{
    struct dictionary *d = dictionary_new();

    for (int i = 0; i < numbers_words(language); i++)
        dictionary_count(d, word_of(numbers_word(language, i)), 0);
    return d;
}

static void put_words(struct corpus *c, enum split split, enum side side,
                      int number)
{
    static const enum numbers_language languages[SIDES] = {
        NUMBERS_GERMAN, NUMBERS_ENGLISH
    };
    int word[NUMBERS_WORDS_MAX];
    int n = numbers_write(languages[side], number, word);

    for (int i = 0; i < n; i++) {
        int32_t token = TOKEN_SPECIALS + word[i];

        pairs_put(&c->split[split], side, &token, 1);
        if (split == SPLIT_TRAIN)
            dictionary_count(c->dictionary[side],
                             dictionary_token(c->dictionary[side], token), 1);
    }
}

/* The English words of a number, for people. */
static void refer_number(struct pairs *p, int number)
{
    int word[NUMBERS_WORDS_MAX];
    int n = numbers_write(NUMBERS_ENGLISH, number, word);
    char line[512] = "";

    for (int i = 0; i < n; i++) {
        strcat(line, i > 0 ? " " : "");
        strcat(line, numbers_word(NUMBERS_ENGLISH, word[i]));
    }
    pairs_refer(p, word_of(line), PIECES_WORDS);
}

static bool check_nothing(const struct settings *s, struct error *e)
{
    (void)s;
    (void)e;
    return true;
}

static bool open_numbers(struct corpus *c, const struct settings *s,
                         struct error *e)
{
    (void)s;
    (void)e;
    c->dictionary[SIDE_SOURCE] = make_dictionary(NUMBERS_GERMAN);
    c->dictionary[SIDE_TARGET] = make_dictionary(NUMBERS_ENGLISH);
    for (enum split k = 0; k < SPLIT_COUNT; k++)
        for (int i = 0; i < number_pairs_count(k); i++) {
            int number = number_pairs_number(k, i);

            put_words(c, k, SIDE_SOURCE, number);
            put_words(c, k, SIDE_TARGET, number);
            pairs_keep(&c->split[k]);
            if (k != SPLIT_TRAIN)
                refer_number(&c->split[k], number);
        }
    return true;
}

const struct corpus_source number_pairs_source = {
    .check = check_nothing, .open = open_numbers
};
