/*
 * Byte pair encoding (Sennrich, Haddow and Birch 2016): words are cut into
 * pieces, by merges that were learned from text. A merge joins two pieces that
 * stand beside each other; a word begins as its characters. Merges are learned
 * and applied as subword-nmt 0.3.8 does it, and kept in its format: a line
 * "#version: 0.2", then a line for each merge, its two pieces and a space
 * between them. "</w>" marks a piece at the end of a word.
 */
#ifndef MEMDIAL_BPE_H
#define MEMDIAL_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/draft.h"
#include "base/error.h"

struct bpe;

/* Text that spaces divide into words, in lines; valid UTF-8. */
struct bpe_text {
    const char *data;
    size_t bytes;
};

/* Learns at most `merges` merges from all texts together; fewer if no two
 * pieces stand beside each other twice. After each merge, `told` gets how many
 * there are, and how many are wanted; it may be NULL. The caller frees. */
struct bpe *bpe_learn(const struct bpe_text *, int texts, int merges,
                      void (*told)(int merges, int wanted));
void bpe_free(struct bpe *);

int bpe_merges(const struct bpe *);

/* A checksum (checksum.h) of all merges in their order. */
uint64_t bpe_checksum(const struct bpe *);

/* Reads merges from a file's text; the error begins with `path` and a line. */
bool bpe_parse(struct bpe **, const char *path, struct bpe_text,
               struct error *);

/* Writes them in the same format. */
bool bpe_write(const struct bpe *, struct draft *, struct error *);

/* Cuts a word into pieces, one after the other: writes where each piece ends,
 * in bytes of the word, to ends[], which has room for one per byte. Returns the
 * number of pieces. */
int bpe_cut(const struct bpe *, const char *word, size_t bytes,
            size_t ends[]);

#endif
