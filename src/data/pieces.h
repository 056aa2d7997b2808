/*
 * Words are cut into pieces, the tokens of a net, and pieces are joined into
 * words for people. A piece that does not end its word has "@@" at its end, as
 * subword-nmt writes it; or U+2581 stands before each word, as sentencepiece
 * writes it, and other pieces go on with the word before them.
 */
#ifndef MEMDIAL_PIECES_H
#define MEMDIAL_PIECES_H

#include <stdint.h>

#include "data/bpe.h"
#include "data/dictionary.h"

/* Counts the pieces of all words of a text, which lines end or spaces. Without
 * bpe, which may be NULL, words are pieces. */
void pieces_count(struct dictionary *, const struct bpe *, struct word text);

/* Cuts lines into numbers of tokens. It remembers the words that it has cut. */
struct cutter {
    const struct bpe *bpe;               /* NULL: none */
    const struct dictionary *dictionary;
    struct words *seen;
    int *first;          /* of each word seen, and the end: places in token[] */
    int32_t *token;
    int tokens;
};

void cutter_init(struct cutter *, const struct bpe *,
                 const struct dictionary *);
void cutter_done(struct cutter *);

/* The tokens of a word, valid until the next call; returns their number. */
int cutter_word(struct cutter *, struct word, const int32_t **tokens);

/* U+2581, which stands before each word where pieces are spaced. */
#define PIECES_SPACE "\xe2\x96\x81"

enum piece_marks { PIECES_WORDS, PIECES_JOINED, PIECES_SPACED };

/* How the tokens of a dictionary are marked. */
enum piece_marks pieces_marks(const struct dictionary *);

/* Joins the pieces of a line, one space between two, in place. */
void pieces_join(char *line, enum piece_marks);

#endif
