#define _GNU_SOURCE

#include "data/dictionary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "data/text_file.h"

static const char *const specials[TOKEN_SPECIALS] = {
    "<s>", "<pad>", "</s>", "<unk>"
};

struct dictionary {
    struct words *words;
    long long *count;    /* of each word, in the training text */
};

struct dictionary *dictionary_new(void)
{
    struct dictionary *d = xcalloc(1, sizeof(*d));

    d->words = words_new();
    return d;
}

void dictionary_free(struct dictionary *d)
{
    if (!d)
        return;
    words_free(d->words);
    free(d->count);
    free(d);
}

static bool is_special(struct word token)
{
    for (int i = 0; i < TOKEN_SPECIALS; i++)
        if (word_is(token, word_of(specials[i])))
            return true;
    return false;
}

/* Its number among words, the next one if it is new. */
static int add_token(struct dictionary *d, struct word token)
{
    int number = words_find(d->words, token);

    if (number >= 0)
        return number;
    d->count = xgrow(d->count, words_count(d->words), sizeof(*d->count));
    number = words_add(d->words, token);
    d->count[number] = 0;
    return number;
}

void dictionary_count(struct dictionary *d, struct word token, long long count)
{
    int place;

    if (is_special(token))
        return;
    place = add_token(d, token);
    d->count[place] += count;
}

int dictionary_size(const struct dictionary *d)
{
    return TOKEN_SPECIALS + words_count(d->words);
}

int dictionary_find(const struct dictionary *d, struct word token)
{
    int number = words_find(d->words, token);

    return number < 0 ? TOKEN_UNKNOWN : TOKEN_SPECIALS + number;
}

struct word dictionary_token(const struct dictionary *d, int token)
{
    return token < TOKEN_SPECIALS ? word_of(specials[token])
                                  : words_at(d->words, token - TOKEN_SPECIALS);
}

uint64_t dictionary_checksum(const struct dictionary *d)
{
    uint64_t sum = CHECKSUM_START;

    for (int i = 0; i < words_count(d->words); i++) {
        struct word token = words_at(d->words, i);

        sum = checksum_add(sum, token.at, token.bytes);
        sum = checksum_add(sum, "\n", 1);
    }
    return sum;
}

static int compare_frequency(const void *a, const void *b, void *arg)
{
    const struct dictionary *d = arg;
    int x = *(const int *)a, y = *(const int *)b;

    if (d->count[x] != d->count[y])
        return d->count[x] > d->count[y] ? -1 : 1;
    return word_compare(words_at(d->words, x), words_at(d->words, y));
}

void dictionary_sort(struct dictionary *d)
{
    int n = words_count(d->words);
    int *order = xcalloc((unsigned long)n, sizeof(*order));
    struct dictionary sorted = { words_new(), NULL };

    for (int i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, (size_t)n, sizeof(*order), compare_frequency, d);
    for (int i = 0; i < n; i++) {
        add_token(&sorted, words_at(d->words, order[i]));
        sorted.count[i] = d->count[order[i]];
    }
    words_free(d->words);
    free(d->count);
    free(order);
    *d = sorted;
}

/* Reads a whole number that nothing follows. */
static bool parse_count(struct word text, long long *count)
{
    *count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || *count > INT64_MAX / 100)
            return false;
        *count = 10 * *count + (text.at[i] - '0');
    }
    return text.bytes > 0;
}

static bool refuse_token(const char *path, int line, struct word token,
                         const char *trouble, struct error *e)
{
    return error_set(e, EXIT_INPUT, "%s: line %d: %.*s %s; write it anew, as "
                     "fairseq does, or remove it", path, line,
                     token.bytes < 80 ? (int)token.bytes : 80, token.at,
                     trouble);
}

static bool parse_line(struct dictionary *d, const char *path, int number,
                       struct word line, struct error *e)
{
    struct word token = { NULL, 0 }, count = { NULL, 0 }, more;
    int before = words_count(d->words), place;
    long long n;

    word_next(&line, &token);
    if (!word_next(&line, &count) || word_next(&line, &more) ||
        !parse_count(count, &n))
        return error_set(e, EXIT_INPUT, "%s: line %d: not a token, a space and "
                         "a count; write it anew, as fairseq does, or remove "
                         "it", path, number);
    if (is_special(token))
        return refuse_token(path, number, token, "is in every dictionary, and "
                            "in no file", e);
    place = add_token(d, token);
    if (place < before)
        return refuse_token(path, number, token, "is there twice", e);
    d->count[place] = n;
    return true;
}

bool dictionary_read(struct dictionary **out, const char *path,
                     struct error *e)
{
    struct dictionary *d;
    struct text_file file;
    struct word line;
    bool good = true;
    size_t at = 0;

    if (!text_file_read(&file, path, GAPS_ALLOWED, e))
        return false;
    d = dictionary_new();
    for (int i = 1; good && text_file_next(&file, &at, &line); i++)
        good = parse_line(d, path, i, line, e);
    if (good && file.lines == 0)
        good = error_set(e, EXIT_INPUT, "%s: the file is empty; write it anew, "
                         "as fairseq does, or remove it", path);
    text_file_free(&file);
    if (good)
        *out = d;
    else
        dictionary_free(d);
    return good;
}

bool dictionary_write(const struct dictionary *d, struct draft *draft,
                      struct error *e)
{
    for (int i = 0; i < words_count(d->words); i++) {
        struct word token = words_at(d->words, i);
        char count[32];

        snprintf(count, sizeof(count), " %lld\n", d->count[i]);
        if (!draft_write(draft, token.at, token.bytes, e) ||
            !draft_write(draft, count, strlen(count), e))
            return false;
    }
    return true;
}
