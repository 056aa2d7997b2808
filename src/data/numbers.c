#include "data/numbers.h"

#include <assert.h>
#include <stdbool.h>

/* In both languages the words of small numbers come first, each at its number;
 * then those of the tens from 20 on. */
enum { TENS = 8 };

enum { GERMAN_UNITS = 13, GERMAN_TENS = GERMAN_UNITS,
       GERMAN_AND = GERMAN_TENS + TENS, GERMAN_HUNDRED, GERMAN_THOUSAND,
       GERMAN_ONE,       /* before another word */
       GERMAN_SIX, GERMAN_SEVEN, /* before "zehn" */
       GERMAN_WORDS };
enum { ENGLISH_UNITS = 20, ENGLISH_TENS = ENGLISH_UNITS,
       ENGLISH_HUNDRED = ENGLISH_TENS + TENS, ENGLISH_THOUSAND,
       ENGLISH_WORDS };

static const char *const german[GERMAN_WORDS] = {
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht",
    "neun", "zehn", "elf", "zwölf", "zwanzig", "dreißig", "vierzig", "fünfzig",
    "sechzig", "siebzig", "achtzig", "neunzig", "und", "hundert", "tausend",
    "ein", "sech", "sieb"
};

static const char *const english[ENGLISH_WORDS] = {
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
    "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty",
    "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
    "thousand"
};

const char *numbers_word(enum numbers_language language, int word)
{
    assert(word >= 0 && word < numbers_words(language));
    return language == NUMBERS_GERMAN ? german[word] : english[word];
}

int numbers_words(enum numbers_language language)
{
    return language == NUMBERS_GERMAN ? GERMAN_WORDS : ENGLISH_WORDS;
}

/* The words of a number while it is written. */
struct writing {
    int *word;
    int words;
};

static void put(struct writing *w, int word)
{
    assert(w->words < NUMBERS_WORDS_MAX);
    w->word[w->words++] = word;
}

/* Below 100, but not 0. Another word follows unless it is last. */
static void put_german_tens(struct writing *w, int n, bool last)
{
    int unit = n % 10, tens = n / 10;

    if (n >= GERMAN_UNITS && n < 20) {
        put(w, unit == 6 ? GERMAN_SIX : unit == 7 ? GERMAN_SEVEN : unit);
        put(w, 10);
        return;
    }
    if (n < GERMAN_UNITS) {
        put(w, n == 1 && !last ? GERMAN_ONE : n);
        return;
    }
    if (unit > 0) {
        put(w, unit == 1 ? GERMAN_ONE : unit);
        put(w, GERMAN_AND);
    }
    put(w, GERMAN_TENS + tens - 2);
}

static void put_english_tens(struct writing *w, int n)
{
    if (n < ENGLISH_UNITS) {
        put(w, n);
        return;
    }
    put(w, ENGLISH_TENS + n / 10 - 2);
    if (n % 10 > 0)
        put(w, n % 10);
}

/* Below 1000, but not 0. */
static void put_hundreds(struct writing *w, enum numbers_language language,
                         int n, bool last)
{
    bool is_german = language == NUMBERS_GERMAN;
    int hundreds = n / 100;

    if (hundreds > 0) {
        put(w, is_german && hundreds == 1 ? GERMAN_ONE : hundreds);
        put(w, is_german ? GERMAN_HUNDRED : ENGLISH_HUNDRED);
    }
    if (n % 100 == 0)
        return;
    if (is_german)
        put_german_tens(w, n % 100, last);
    else
        put_english_tens(w, n % 100);
}

int numbers_write(enum numbers_language language, int number,
                  int words[NUMBERS_WORDS_MAX])
{
    struct writing w = { words, 0 };

    assert(number >= 0 && number < NUMBERS_COUNT);
    if (number == 0)
        put(&w, 0);
    if (number >= 1000) {
        put_hundreds(&w, language, number / 1000, false);
        put(&w, language == NUMBERS_GERMAN ? GERMAN_THOUSAND
                                           : ENGLISH_THOUSAND);
    }
    if (number % 1000 > 0)
        put_hundreds(&w, language, number % 1000, true);
    return w.words;
}
