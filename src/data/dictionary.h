/*
 * Dictionaries: the tokens of a language, and their numbers. The first four
 * numbers are those of special tokens. Files are as fairseq writes them: a line
 * for each other token, in the order of their numbers, which has the token, a
 * space and its count in the training text.
 */
#ifndef MEMDIAL_DICTIONARY_H
#define MEMDIAL_DICTIONARY_H

#include <stdint.h>

#include "base/draft.h"
#include "base/error.h"
#include "data/words.h"

/* <s>, <pad>, </s>, which ends every sentence, and <unk> in place of tokens
 * that are not in the dictionary. */
enum token { TOKEN_BEGIN, TOKEN_PAD, TOKEN_END, TOKEN_UNKNOWN, TOKEN_SPECIALS };

struct dictionary;

struct dictionary *dictionary_new(void);
void dictionary_free(struct dictionary *);

/* Counts a token `count` times more. The names of special tokens are none of a
 * text: they are passed over. */
void dictionary_count(struct dictionary *, struct word, long long count);

/* Numbers all tokens anew, as fairseq does: the most frequent first, of equal
 * ones the first by its bytes. */
void dictionary_sort(struct dictionary *);

/* Its tokens, with the special ones. */
int dictionary_size(const struct dictionary *);

/* The number of a token, or TOKEN_UNKNOWN. */
int dictionary_find(const struct dictionary *, struct word);

/* The token of a number, valid until another is counted. */
struct word dictionary_token(const struct dictionary *, int token);

/* A checksum (checksum.h) of all tokens in their order. */
uint64_t dictionary_checksum(const struct dictionary *);

/* Reads a file, in the order of its lines; the error begins with the path. */
bool dictionary_read(struct dictionary **, const char *path, struct error *);

bool dictionary_write(const struct dictionary *, struct draft *,
                      struct error *);

#endif
