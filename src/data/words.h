/*
 * A table of distinct words, numbered from 0 on in the order in which they
 * came; found by a hash of their bytes.
 */
#ifndef MEMDIAL_WORDS_H
#define MEMDIAL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a text that ends elsewhere. */
struct word {
    const char *at;
    size_t bytes;
};

/* Takes the next word off a line, which spaces divide; false: there is none. */
bool word_next(struct word *line, struct word *word);

/* Whether two have the same bytes; which of them comes first by these, as
 * Python orders texts: below, at or above 0. */
bool word_is(struct word, struct word);
int word_compare(struct word, struct word);

/* The word of a text that ends with NUL. */
struct word word_of(const char *text);

struct words;

struct words *words_new(void);
void words_free(struct words *);

int words_count(const struct words *);

/* The number of a word; -1 if it is not there. */
int words_find(const struct words *, struct word);

/* Adds a word, which is copied, unless it is there; returns its number. */
int words_add(struct words *, struct word);

/* The word of a number, valid until the next is added. */
struct word words_at(const struct words *, int number);

#endif
