#include "train/bleu.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct numbered_word {
    const char *at;
    size_t bytes;
    int32_t number;      /* equal words have equal ones */
};

/* The words of a sentence, then those of its reference. */
struct numbered_words {
    struct numbered_word *word;
    size_t own, all;
};

/* Bytes of the white space that text begins with; 0: it begins with another
 * character. In UTF-8, as Python's str.split() has it. */
static size_t space_bytes(const char *text)
{
    static const char *const spaces[] = {
        " ", "\t", "\n", "\v", "\f", "\r", "\x1C", "\x1D", "\x1E", "\x1F",
        "\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
        "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85",
        "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89",
        "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
        "\xE2\x81\x9F", "\xE3\x80\x80"
    };

    if ((unsigned char)*text > ' ' && (unsigned char)*text < 0x80)
        return 0;
    for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++)
        if (strncmp(text, spaces[i], strlen(spaces[i])) == 0)
            return strlen(spaces[i]);
    return 0;
}

/* Adds the words of a text; there is room for them. */
static void split(struct numbered_words *w, const char *text)
{
    while (*text) {
        size_t space = space_bytes(text);
        const char *begin = text;

        if (space) {
            text += space;
            continue;
        }
        while (*text && !space_bytes(text))
            text++;
        w->word[w->all++] = (struct numbered_word){ begin,
                                                    (size_t)(text - begin), 0 };
    }
}

static int compare_words(const void *a, const void *b)
{
    const struct numbered_word *x = *(const struct numbered_word *const *)a;
    const struct numbered_word *y = *(const struct numbered_word *const *)b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return memcmp(x->at, y->at, x->bytes);
}

static void number_words(struct numbered_words *w)
{
    struct numbered_word **order = xcalloc(w->all + 1, sizeof(*order));
    int32_t number = 0;

    for (size_t i = 0; i < w->all; i++)
        order[i] = &w->word[i];
    qsort(order, w->all, sizeof(*order), compare_words);
    for (size_t i = 0; i < w->all; i++) {
        if (i > 0 && compare_words(&order[i - 1], &order[i]) != 0)
            number++;
        order[i]->number = number;
    }
    free(order);
}

/* Some words in a row. */
struct gram {
    const struct numbered_word *first;
    int words;
    bool own;            /* of the sentence, not of its reference */
};

static int compare_grams(const void *a, const void *b)
{
    const struct gram *x = a, *y = b;

    for (int i = 0; i < x->words; i++)
        if (x->first[i].number != y->first[i].number)
            return x->first[i].number < y->first[i].number ? -1 : 1;
    return 0;
}

/* The grams of words [begin, end); returns their number. */
static size_t find_grams(const struct numbered_words *w, bool own, int words,
                         struct gram *to)
{
    size_t begin = own ? 0 : w->own, end = own ? w->own : w->all, n = 0;

    for (size_t i = begin; i + (size_t)words <= end; i++)
        to[n++] = (struct gram){ &w->word[i], words, own };
    return n;
}

/* A gram counts as often as the reference has it, at most. */
static void count_grams(struct bleu *b, const struct numbered_words *w,
                        int words)
{
    struct gram *gram = xcalloc(w->all + 1, sizeof(*gram));
    size_t own = find_grams(w, true, words, gram);
    size_t all = own + find_grams(w, false, words, gram + own);

    qsort(gram, all, sizeof(*gram), compare_grams);
    for (size_t i = 0, end; i < all; i = end) {
        int64_t mine = 0, theirs = 0;

        for (end = i; end < all && compare_grams(&gram[i], &gram[end]) == 0;
             end++)
            *(gram[end].own ? &mine : &theirs) += 1;
        b->matches[words - 1] += mine < theirs ? mine : theirs;
    }
    b->grams[words - 1] += (int64_t)own;
    free(gram);
}

void bleu_add(struct bleu *b, const char *sentence, const char *reference)
{
    struct numbered_words w = { 0 };

    w.word = xcalloc(strlen(sentence) + strlen(reference) + 1,
                     sizeof(*w.word));
    split(&w, sentence);
    w.own = w.all;
    split(&w, reference);
    number_words(&w);
    for (int words = 1; words <= BLEU_WORDS; words++)
        count_grams(b, &w, words);
    b->words += (int64_t)w.own;
    b->reference_words += (int64_t)(w.all - w.own);
    free(w.word);
}

/* Sentences that are shorter than their references are punished for it. */
static double brevity(const struct bleu *b)
{
    if (b->words >= b->reference_words)
        return 1;
    return b->words > 0 ? exp(1 - (double)b->reference_words / (double)b->words)
                        : 0;
}

double bleu_score(const struct bleu *b)
{
    double sum = 0, smooth = 1;

    if (b->matches[0] == 0)
        return 0;
    for (int i = 0; i < BLEU_WORDS; i++) {
        double matches = (double)b->matches[i];

        if (b->grams[i] == 0)
            return 0;
        if (b->matches[i] == 0)
            matches = 1 / (smooth *= 2);
        sum += log(matches / (double)b->grams[i]);
    }
    return 100 * brevity(b) * exp(sum / BLEU_WORDS);
}
