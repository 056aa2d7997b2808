#include "data/pieces.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char joint[] = "@@", space_mark[] = PIECES_SPACE;

/* A word with its pieces. */
struct cut_word {
    char *text;          /* of a piece, with its mark */
    size_t *ends;        /* in the word */
    int pieces;
};

static struct cut_word cut_word(const struct bpe *bpe, struct word word)
{
    struct cut_word c = {
        .text = xcalloc(word.bytes + sizeof(joint), 1),
        .ends = xcalloc(word.bytes, sizeof(*c.ends)), .pieces = 1
    };

    c.ends[0] = word.bytes;
    if (bpe)
        c.pieces = bpe_cut(bpe, word.at, word.bytes, c.ends);
    return c;
}

static void cut_word_free(struct cut_word *c)
{
    free(c->text);
    free(c->ends);
}

/* A piece of a word, valid until the next is asked for. */
static struct word piece_of(struct cut_word *c, struct word word, int piece)
{
    size_t begin = piece > 0 ? c->ends[piece - 1] : 0;
    size_t bytes = c->ends[piece] - begin;

    memcpy(c->text, word.at + begin, bytes);
    if (piece < c->pieces - 1) {
        memcpy(c->text + bytes, joint, strlen(joint));
        bytes += strlen(joint);
    }
    return (struct word){ c->text, bytes };
}

/* Counts words, each with all its occurrences. */
static void count_cut_words(struct dictionary *d, const struct bpe *bpe,
                            const struct words *words, const int *times)
{
    for (int i = 0; i < words_count(words); i++) {
        struct word word = words_at(words, i);
        struct cut_word c = cut_word(bpe, word);

        for (int k = 0; k < c.pieces; k++)
            dictionary_count(d, piece_of(&c, word, k), times[i]);
        cut_word_free(&c);
    }
}

/* Takes the next line off a text. */
static bool next_line(struct word *text, struct word *line)
{
    const char *end = memchr(text->at, '\n', text->bytes);

    if (text->bytes == 0)
        return false;
    *line = (struct word){ text->at, end ? (size_t)(end - text->at)
                                         : text->bytes };
    text->at += line->bytes + (end != NULL);
    text->bytes -= line->bytes + (end != NULL);
    return true;
}

void pieces_count(struct dictionary *d, const struct bpe *bpe,
                  struct word text)
{
    struct words *words = words_new();
    int *times = NULL;
    struct word line, word;

    while (next_line(&text, &line))
        while (word_next(&line, &word)) {
            int before = words_count(words), number = words_add(words, word);

            if (number == before) {
                times = xgrow(times, before, sizeof(*times));
                times[number] = 0;
            }
            times[number]++;
        }
    count_cut_words(d, bpe, words, times);
    words_free(words);
    free(times);
}

void cutter_init(struct cutter *c, const struct bpe *bpe,
                 const struct dictionary *dictionary)
{
    *c = (struct cutter){ .bpe = bpe, .dictionary = dictionary,
                          .seen = words_new(),
                          .first = xcalloc(1, sizeof(*c->first)) };
}

void cutter_done(struct cutter *c)
{
    words_free(c->seen);
    free(c->first);
    free(c->token);
}

static void keep_pieces(struct cutter *c, struct word word)
{
    struct cut_word cut = cut_word(c->bpe, word);
    int count = words_count(c->seen);

    for (int k = 0; k < cut.pieces; k++) {
        c->token = xgrow(c->token, c->tokens, sizeof(*c->token));
        c->token[c->tokens++] = dictionary_find(c->dictionary,
                                                piece_of(&cut, word, k));
    }
    c->first = xgrow(c->first, count, sizeof(*c->first));
    c->first[count] = c->tokens;
    cut_word_free(&cut);
}

int cutter_word(struct cutter *c, struct word word, const int32_t **tokens)
{
    int before = words_count(c->seen), number = words_add(c->seen, word);

    if (number == before)
        keep_pieces(c, word);
    *tokens = c->token + c->first[number];
    return c->first[number + 1] - c->first[number];
}

static bool begins_with_space(struct word token)
{
    return token.bytes >= strlen(space_mark) &&
           memcmp(token.at, space_mark, strlen(space_mark)) == 0;
}

static bool ends_with_joint(struct word token)
{
    return token.bytes > strlen(joint) &&
           memcmp(token.at + token.bytes - strlen(joint), joint,
                  strlen(joint)) == 0;
}

enum piece_marks pieces_marks(const struct dictionary *d)
{
    int spaces = 0, joints = 0;

    for (int i = TOKEN_SPECIALS; i < dictionary_size(d); i++) {
        spaces += begins_with_space(dictionary_token(d, i));
        joints += ends_with_joint(dictionary_token(d, i));
    }
    if (spaces == 0 && joints == 0)
        return PIECES_WORDS;
    return spaces > joints ? PIECES_SPACED : PIECES_JOINED;
}

/* "zwan@@ zig" becomes "zwanzig"; a joint at the end of the line has nothing to
 * join. */
static void join_joints(char *line)
{
    char *to = line;
    size_t length = strlen(joint);

    for (const char *at = line; *at;) {
        bool ends = strncmp(at, joint, length) == 0 &&
                    (at[length] == ' ' || at[length] == '\0');

        if (ends)
            at += length + (at[length] == ' ');
        else
            *to++ = *at++;
    }
    *to = '\0';
}

/* Spaces stand between pieces, and the mark in place of a space. */
static void join_spaces(char *line)
{
    char *to = line;

    for (const char *at = line; *at;) {
        bool marked = strncmp(at, space_mark, strlen(space_mark)) == 0;

        if (marked && to > line)
            *to++ = ' ';
        else if (!marked && *at != ' ')
            *to++ = *at;
        at += marked ? strlen(space_mark) : 1;
    }
    *to = '\0';
}

void pieces_join(char *line, enum piece_marks marks)
{
    if (marks == PIECES_JOINED)
        join_joints(line);
    if (marks == PIECES_SPACED)
        join_spaces(line);
}
