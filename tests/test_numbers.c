/*
 * Number words: examples of every kind, and no two numbers alike.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/numbers.h"

static const char *words_of(enum numbers_language language, int number,
                            char text[256])
{
    int word[NUMBERS_WORDS_MAX], n = numbers_write(language, number, word);

    *text = 0;
    for (int i = 0; i < n; i++) {
        strcat(text, i ? " " : "");
        strcat(text, numbers_word(language, word[i]));
    }
    return text;
}

Test(numbers, are_written_in_both_languages)
{
    static const struct {
        int number;
        const char *german, *english;
    } examples[] = {
        { 0, "null", "zero" },
        { 1, "eins", "one" },
        { 12, "zwölf", "twelve" },
        { 13, "drei zehn", "thirteen" },
        { 16, "sech zehn", "sixteen" },
        { 17, "sieb zehn", "seventeen" },
        { 20, "zwanzig", "twenty" },
        { 21, "ein und zwanzig", "twenty one" },
        { 23, "drei und zwanzig", "twenty three" },
        { 66, "sechs und sechzig", "sixty six" },
        { 70, "siebzig", "seventy" },
        { 99, "neun und neunzig", "ninety nine" },
        { 100, "ein hundert", "one hundred" },
        { 101, "ein hundert eins", "one hundred one" },
        { 217, "zwei hundert sieb zehn", "two hundred seventeen" },
        { 1000, "ein tausend", "one thousand" },
        { 1001, "ein tausend eins", "one thousand one" },
        { 21000, "ein und zwanzig tausend", "twenty one thousand" },
        { 101100, "ein hundert ein tausend ein hundert",
          "one hundred one thousand one hundred" },
        { 345678,
          "drei hundert fünf und vierzig tausend sechs hundert acht und "
          "siebzig",
          "three hundred forty five thousand six hundred seventy eight" },
        { 999999,
          "neun hundert neun und neunzig tausend neun hundert neun und "
          "neunzig",
          "nine hundred ninety nine thousand nine hundred ninety nine" }
    };
    char text[256];

    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
        cr_expect_str_eq(words_of(NUMBERS_GERMAN, examples[i].number, text),
                         examples[i].german);
        cr_expect_str_eq(words_of(NUMBERS_ENGLISH, examples[i].number, text),
                         examples[i].english);
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

Test(numbers, differ)
{
    enum { NUMBERS = 20000, BYTES = 256 };

    for (int k = 0; k < NUMBERS_LANGUAGES; k++) {
        char (*text)[BYTES] = calloc(NUMBERS, BYTES);

        for (int i = 0; i < NUMBERS; i++)
            words_of(k, i < 10000 ? i : NUMBERS_COUNT - 1 - 41 * (i - 10000),
                     text[i]);
        qsort(text, NUMBERS, BYTES, compare_texts);
        for (int i = 1; i < NUMBERS; i++)
            cr_assert_str_neq(text[i - 1], text[i]);
        free(text);
    }
}

/* Every word is used, and none is there twice. */
Test(numbers, have_a_word_for_each_part)
{
    for (int k = 0; k < NUMBERS_LANGUAGES; k++) {
        bool used[64] = { false };
        int word[NUMBERS_WORDS_MAX];

        for (int i = 0; i < 3000; i++)
            for (int n = numbers_write(k, i, word); n > 0; n--)
                used[word[n - 1]] = true;
        for (int i = 0; i < numbers_words(k); i++) {
            cr_expect(used[i], "%s", numbers_word(k, i));
            for (int j = 0; j < i; j++)
                cr_expect_str_neq(numbers_word(k, i), numbers_word(k, j));
        }
    }
}
