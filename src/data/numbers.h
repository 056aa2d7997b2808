/*
 * Numbers below a million in German and English words, one word for each part
 * of a German number word: "drei und zwanzig" is "twenty three". So the order
 * of words differs between the languages. A word is its place in a list.
 */
#ifndef MEMDIAL_NUMBERS_H
#define MEMDIAL_NUMBERS_H

enum { NUMBERS_COUNT = 1000000, NUMBERS_WORDS_MAX = 16 };

enum numbers_language { NUMBERS_GERMAN, NUMBERS_ENGLISH, NUMBERS_LANGUAGES };

/* The words of a language, and how many there are. */
const char *numbers_word(enum numbers_language, int word);
int numbers_words(enum numbers_language);

/* Writes a number, 0 <= number < NUMBERS_COUNT; returns how many words it
 * has. */
int numbers_write(enum numbers_language, int number,
                  int words[NUMBERS_WORDS_MAX]);

#endif
