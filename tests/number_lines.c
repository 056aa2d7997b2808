/*
 * Prints the numbers that no run has seen, neither in training nor in an
 * evaluation, in German and English: a line each, with a tab between them.
 */
#include <stdio.h>

#include "data/number_pairs.h"
#include "data/numbers.h"

static void print_number(enum numbers_language language, int number)
{
    int word[NUMBERS_WORDS_MAX], n = numbers_write(language, number, word);

    for (int i = 0; i < n; i++)
        printf("%s%s", i > 0 ? " " : "", numbers_word(language, word[i]));
}

int main(void)
{
    for (int i = 0; i < number_pairs_count(SPLIT_TEST); i++) {
        int number = number_pairs_number(SPLIT_TEST, i);

        print_number(NUMBERS_GERMAN, number);
        putchar('\t');
        print_number(NUMBERS_ENGLISH, number);
        putchar('\n');
    }
    return 0;
}
