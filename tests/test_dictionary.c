/*
 * Words, text files and dictionaries: numbers by a hash beside those of a plain
 * search, the order of fairseq, and text that is refused with its place.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dictionary.h"
#include "data/text_file.h"
#include "tests/text_folder.h"

enum { WORDS = 100000 };

static struct word number_word(char text[16], int number)
{
    snprintf(text, 16, "%x", number * 7);
    return word_of(text);
}

Test(dictionary, words_have_the_numbers_of_their_order)
{
    struct words *w = words_new();
    char text[16];

    cr_expect_eq(words_find(w, word_of("a")), -1);
    for (int i = 0; i < WORDS; i++)
        cr_assert_eq(words_add(w, number_word(text, i)), i);
    for (int i = 0; i < WORDS; i++) {
        struct word word = number_word(text, i);

        cr_assert_eq(words_add(w, word), i);
        cr_assert_eq(words_find(w, word), i);
        cr_assert(word_is(words_at(w, i), word));
    }
    cr_expect_eq(words_count(w), WORDS);
    cr_expect_eq(words_find(w, word_of("xyz")), -1);
    cr_expect_eq(words_find(w, (struct word){ "77", 1 }), 1,
                 "a word ends where it says");
    words_free(w);
}

Test(dictionary, lines_are_taken_apart_at_spaces)
{
    struct word line = word_of("  ein  Haus , "), word;
    static const char *const expected[] = { "ein", "Haus", "," };

    for (int i = 0; i < 3; i++) {
        cr_assert(word_next(&line, &word));
        cr_expect(word_is(word, word_of(expected[i])), "%s", expected[i]);
    }
    cr_expect_not(word_next(&line, &word));
}

/* Writes a dictionary, and returns the text of the file. */
static char *written(const struct dictionary *d, const struct text_folder *f)
{
    struct draft *draft;
    struct error e;

    cr_assert(draft_begin(&draft, text_folder_path(f, "dict"), &e), "%s",
              e.text);
    cr_assert(dictionary_write(d, draft, &e), "%s", e.text);
    cr_assert(draft_finish(draft, DRAFT_REPLACE, &e), "%s", e.text);
    return text_folder_read(f, "dict");
}

/* Of equal counts the first by its bytes comes first, as Python sorts, on which
 * fairseq's order rests. */
static const char file_text[] =
    "der 12\n, 9\nZahl 9\n\xc3\xa4rger 3\nB 2\na 2\n\xc3\xa4 2\nz 1\n";

static struct dictionary *example(void)
{
    static const struct {
        const char *token;
        int count;
    } counts[] = {
        { "z", 1 }, { "a", 1 }, { "Zahl", 9 }, { "<unk>", 100 },
        { "\xc3\xa4", 2 }, { "der", 12 }, { "B", 2 }, { ",", 4 }, { "a", 1 },
        { "\xc3\xa4rger", 3 }, { "</s>", 3 }, { ",", 5 }
    };
    struct dictionary *d = dictionary_new();

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        dictionary_count(d, word_of(counts[i].token), counts[i].count);
    dictionary_sort(d);
    return d;
}

static void expect_example(const struct dictionary *d)
{
    cr_assert_eq(dictionary_size(d), 12);
    cr_expect_eq(dictionary_find(d, word_of("der")), 4);
    cr_expect_eq(dictionary_find(d, word_of(",")), 5);
    cr_expect_eq(dictionary_find(d, word_of("z")), 11);
    cr_expect_eq(dictionary_find(d, word_of("die")), TOKEN_UNKNOWN);
    cr_expect_eq(dictionary_find(d, word_of("</s>")), TOKEN_UNKNOWN);
    cr_expect(word_is(dictionary_token(d, 6), word_of("Zahl")));
    cr_expect(word_is(dictionary_token(d, TOKEN_END), word_of("</s>")));
    cr_expect(word_is(dictionary_token(d, TOKEN_UNKNOWN), word_of("<unk>")));
}

Test(dictionary, files_are_those_of_fairseq)
{
    struct text_folder f = text_folder_make();
    struct dictionary *d = example();
    char *text = written(d, &f);
    struct error e;

    expect_example(d);
    cr_expect_str_eq(text, file_text);
    free(text);
    dictionary_free(d);
    cr_assert(dictionary_read(&d, text_folder_path(&f, "dict"), &e), "%s",
              e.text);
    expect_example(d);
    text = written(d, &f);
    cr_expect_str_eq(text, file_text);
    free(text);
    dictionary_free(d);
    text_folder_remove(&f);
}

/* A file keeps the order of its lines, which other nets have learned. */
Test(dictionary, files_keep_their_order)
{
    struct text_folder f = text_folder_make();
    struct dictionary *d;
    struct error e;

    text_folder_put(&f, "dict", "b 1\r\na 7\nmadeupword0000 0");
    cr_assert(dictionary_read(&d, text_folder_path(&f, "dict"), &e), "%s",
              e.text);
    cr_expect_eq(dictionary_find(d, word_of("b")), 4);
    cr_expect_eq(dictionary_find(d, word_of("a")), 5);
    cr_expect_eq(dictionary_size(d), 7);
    dictionary_free(d);
    text_folder_remove(&f);
}

/* The message without the folder, which must begin it. */
static const char *without_folder(const struct text_folder *f,
                                  const struct error *e)
{
    size_t length = strlen(f->path);

    cr_assert_eq(strncmp(e->text, f->path, length), 0, "%s", e->text);
    return e->text + length + 1;
}

Test(dictionary, refuses_other_files)
{
    static const struct {
        const char *text, *said;
    } bad[] = {
        { "", "dict: the file is empty; write it anew" },
        { "a 1\nb\n", "dict: line 2: not a token, a space and a count" },
        { "a 1\nb c 2\n", "dict: line 2: not a token, a space and a count" },
        { "a 1\nb -2\n", "dict: line 2: not a token, a space and a count" },
        { "a 1\nb 2x\n", "dict: line 2: not a token, a space and a count" },
        { "a 99999999999999999999\n", "dict: line 1: not a token" },
        { "a 1\nb 1\na 1\n", "dict: line 3: a is there twice" },
        { "a 1\n<pad> 1\n", "dict: line 2: <pad> is in every dictionary" },
        { "a 1\n\nb 1\n", "dict: line 2: not a token, a space and a count; "
          "write it anew" },
        { "a 1\n \n", "dict: line 2: not a token" },
        { "a 1\nb\xff 1\n", "dict: line 2: byte 2 is not UTF-8" }
    };
    struct text_folder f = text_folder_make();

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct dictionary *d;
        struct error e = { 0 };

        text_folder_put(&f, "dict", bad[i].text);
        cr_expect_not(dictionary_read(&d, text_folder_path(&f, "dict"), &e),
                      "case %zu", i);
        cr_expect_eq(strncmp(without_folder(&f, &e), bad[i].said,
                             strlen(bad[i].said)), 0, "%s", e.text);
        cr_expect(strstr(e.text, "; "), "no remedy: %s", e.text);
        cr_expect_eq(e.code, EXIT_INPUT);
    }
    text_folder_remove(&f);
}

Test(dictionary, text_that_is_none_is_refused_with_its_place)
{
    static const struct {
        const char *text;
        size_t bytes;
        const char *said;
    } bad[] = {
        { "ab\0c\n", 5, "t: line 1: byte 3 is NUL" },
        { "a\nb \xe4rger\n", 11, "t: line 2: byte 3 is not UTF-8" },
        { "a\n\xc3\xa4 \xc3", 6, "t: line 2: byte 4 is not UTF-8" },
        { "a\xc0\xaf", 3, "t: line 1: byte 2 is not UTF-8" },
        { "a\xed\xa0\x80", 4, "t: line 1: byte 2 is not UTF-8" },
        { "a\xf4\x90\x80\x80", 5, "t: line 1: byte 2 is not UTF-8" },
        { "a\n\33[2J\n", 7, "t: line 2: byte 1 is a control character, "
          "U+001B" },
        { "ab\x7f", 3, "t: line 1: byte 3 is a control character, U+007F" },
        { "a \xc2\x9b", 4, "t: line 1: byte 3 is a control character, "
          "U+009B" },
        { "a\n\nb\n", 5, "t: line 2 is empty" },
        { "a\n \t \nb\n", 8, "t: line 2 is empty" },
        { "a\n\n", 3, "t: line 2 is empty" },
        { "\n", 1, "t: line 1 is empty" },
        { "a\n ", 3, "t: line 2 is empty" },
        { "", 0, "t: the file is empty" }
    };
    struct text_folder f = text_folder_make();

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct text_file t;
        struct error e = { 0 };

        text_folder_put_bytes(&f, "t", bad[i].text, bad[i].bytes);
        cr_expect_not(text_file_read(&t, text_folder_path(&f, "t"),
                                     GAPS_REFUSED, &e), "case %zu", i);
        cr_expect_eq(strncmp(without_folder(&f, &e), bad[i].said,
                             strlen(bad[i].said)), 0, "%s", e.text);
        cr_expect(strstr(e.text, "; "), "no remedy: %s", e.text);
    }
    text_folder_remove(&f);
}

/* The last line may end without a newline, and lines with a carriage return. */
Test(dictionary, lines_of_a_text)
{
    static const char *const expected[] = { "ein  Haus", "b ",
                                            "\xf0\x9f\x8f\xa0" };
    struct text_folder f = text_folder_make();
    struct text_file t;
    struct error e;
    struct word line;
    size_t at = 0;

    text_folder_put(&f, "t", "ein\t Haus\nb\r\n\xf0\x9f\x8f\xa0");
    cr_assert(text_file_read(&t, text_folder_path(&f, "t"), GAPS_REFUSED, &e),
              "%s", e.text);
    cr_expect_eq(t.lines, 3);
    for (int i = 0; i < 3; i++) {
        cr_assert(text_file_next(&t, &at, &line));
        cr_expect(word_is(line, word_of(expected[i])), "%.*s",
                  (int)line.bytes, line.at);
    }
    cr_expect_not(text_file_next(&t, &at, &line));
    text_file_free(&t);
    text_folder_remove(&f);
}

/* Where a caller says so lines may be empty, and so may all of a file. */
Test(dictionary, gaps_of_a_text)
{
    static const struct {
        const char *text;
        int lines;
    } texts[] = { { "", 0 }, { "\n", 1 }, { "a\n\n \nb\n\n", 5 } };
    struct text_folder f = text_folder_make();

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct text_file t;
        struct error e;

        text_folder_put(&f, "t", texts[i].text);
        cr_assert(text_file_read(&t, text_folder_path(&f, "t"), GAPS_ALLOWED,
                                 &e), "%s", e.text);
        cr_expect_eq(t.lines, texts[i].lines);
        text_file_free(&t);
    }
    text_folder_remove(&f);
}

Test(dictionary, files_that_are_not_there)
{
    struct text_folder f = text_folder_make();
    struct dictionary *d;
    struct error e;

    cr_expect_not(dictionary_read(&d, text_folder_path(&f, "dict"), &e));
    cr_expect_str_eq(without_folder(&f, &e),
                     "dict: No such file or directory; see that it is a file "
                     "that can be read, of 1 GiB at most");
    cr_expect_not(dictionary_read(&d, f.path, &e));
    cr_expect(strstr(e.text, ": not a file but a folder; see that "), "%s",
              e.text);
    text_folder_remove(&f);
}
