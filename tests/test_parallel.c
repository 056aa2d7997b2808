/*
 * Translated text from files: tokens and text that are read from them, and
 * files and settings that are refused. Most files are small ones, written into
 * a folder that each test makes and removes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dictionary.h"
#include "data/sequences.h"
#include "tests/small_text.h"

static void expect_source(const struct dataset *set, enum split split,
                          int pair, const int *expected, int tokens)
{
    int count;
    const int32_t *token = sequences_source(dataset_sequences(set), split,
                                            pair, &count);

    cr_assert_eq(count, tokens);
    for (int i = 0; i < tokens; i++)
        cr_expect_eq(token[i], expected[i], "pair %d, token %d: %d", pair, i,
                     token[i]);
}

Test(parallel, files_become_tokens)
{
    struct text_folder f = make_small();
    struct settings s = settings_for(&f, NULL);
    struct dataset *set = open_with(&s);
    const struct sequences *q = dataset_sequences(set);
    static const int first[] = { 5, 4, TOKEN_END };
    static const int third[] = { 6, 4, 7, 8, TOKEN_END };
    static const int valid[] = { 6, TOKEN_UNKNOWN, 4, TOKEN_END };
    static const int32_t expected[] = { 8, 6, 4, TOKEN_END };
    int32_t labels[64];

    cr_expect_eq(sequences_pairs(q, SPLIT_TRAIN), 3);
    cr_expect_eq(sequences_pairs(q, SPLIT_VALID), 1);
    cr_expect_eq(sequences_pairs(q, SPLIT_TEST), 0);
    expect_source(set, SPLIT_TRAIN, 0, first, 3);
    expect_source(set, SPLIT_TRAIN, 2, third, 5);
    expect_source(set, SPLIT_VALID, 0, valid, 4);
    cr_expect_str_eq(reference_of(set, SPLIT_VALID, 0), "the small house");
    cr_expect_eq(load_labels(set, &s, SPLIT_TRAIN, labels), 12);
    cr_expect_eq(load_labels(set, &s, SPLIT_VALID, labels), 4);
    cr_expect_arr_eq(labels, expected, sizeof(expected));
    cr_expect(dataset_intact(set, NULL));
    dataset_close(set);
    text_folder_remove(&f);
}

static void rename_in(const struct text_folder *f, const char *from,
                      const char *to)
{
    char path[256];

    snprintf(path, sizeof(path), "%s", text_folder_path(f, from));
    cr_assert_eq(rename(path, text_folder_path(f, to)), 0, "%s", path);
}

/* Files are found under all names; the test split may be one of them. */
Test(parallel, files_have_many_names)
{
    static const struct {
        const char *train, *valid, *test;
    } names[] = {
        { "train", "valid", "test" },
        { "train", "val", "test_2016_flickr" },
        { "train", "dev", "test2016" },
        { "train.de-en", "valid.de-en", "test.de-en" },
        { "train.en-de", "valid.de-en", "test" }
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        for (int with_test = 0; with_test < 2; with_test++) {
            struct text_folder f = make_small();
            struct settings s = settings_for(&f, NULL);
            struct dataset *set;
            char name[64];

            for (int k = 0; k < 2; k++) {
                const char *end = k == 0 ? ".de" : ".en";

                snprintf(name, sizeof(name), "%s%s", names[i].train, end);
                rename_in(&f, k == 0 ? "train.de" : "train.en", name);
                snprintf(name, sizeof(name), "%s%s", names[i].valid, end);
                rename_in(&f, k == 0 ? "valid.de" : "valid.en", name);
                snprintf(name, sizeof(name), "%s%s", names[i].test, end);
                if (with_test)
                    text_folder_put(&f, name, "a\nb\n");
            }
            set = open_with(&s);
            cr_expect_eq(sequences_pairs(dataset_sequences(set), SPLIT_TEST),
                         2 * with_test);
            dataset_close(set);
            text_folder_remove(&f);
        }
}

/* The other direction, with the languages changed over. */
Test(parallel, languages_are_settings)
{
    static const char *const back[] = { "source=en", "target=de",
                                        "source_vocabulary=9",
                                        "target_vocabulary=10", NULL };
    struct text_folder f = make_small();
    struct settings s = settings_for(&f, back);
    struct dataset *set = open_with(&s);

    cr_expect_str_eq(reference_of(set, SPLIT_VALID, 0), "das kleine haus");
    dataset_close(set);
    text_folder_remove(&f);
}

Test(parallel, long_pairs_are_left_out_of_training)
{
    static const char *const short_ones[] = { "longest=4", NULL };
    struct text_folder f = make_small();
    struct settings s = settings_for(&f, short_ones);
    static const int second[] = { 5, 9, 4, TOKEN_END };
    struct dataset *set;

    /* The mean is of pairs that are kept, dictionaries are of all. */
    s.sentence = 3;
    set = open_with(&s);
    cr_expect_eq(sequences_pairs(dataset_sequences(set), SPLIT_TRAIN), 2);
    cr_expect_eq(sequences_left_out(dataset_sequences(set)), 1);
    expect_source(set, SPLIT_TRAIN, 1, second, 4);
    dataset_close(set);
    text_folder_remove(&f);
}

Test(parallel, refuses_bad_files)
{
    static const struct {
        const char *name, *text, *said;
    } bad[] = {
        { "train.de", "a\nb\n", "data_path: @/train.de has 2 lines, but "
          "@/train.en has 3; " },
        { "valid.en", "a\nb\n", "data_path: @/valid.de has 1 lines, but "
          "@/valid.en has 2; " },
        { "train.en", "a\n\nb\n", "data_path: @/train.en: line 2 is empty; " },
        { "train.de", "", "data_path: @/train.de: the file is empty; " },
        { "valid.de", "d\xe4s\n", "data_path: @/valid.de: line 1: byte 2 is "
          "not UTF-8; " },
        { "test.de", "a\n", "data_path: @: no test.en; " },
        { "dict.de.txt", "haus\n", "data_path: @/dict.de.txt: line 1: not a "
          "token, a space and a count; " },
        { "dict.en.txt", "a 1\nb 1\nc 1\nd 1\ne 1\n", "data_path: "
          "@/dict.en.txt: 7 of 9 tokens of @/train.en are not in it; " },
        { "train.de", "<s>\n<unk>\n<pad>\n", "data_path: @: 4 source tokens "
          "and 9 target tokens, with four special ones each, in sentences of 2 "
          "on average, do not fit source_vocabulary=10; cut words into other "
          "pieces with subwords" },
        { "dict.de.txt", "a 1\nhaus 1\nein 1\nist 1\n", "data_path: @: 8 "
          "source tokens and 9 target tokens, with four special ones each, in "
          "sentences of 4 on average, do not fit source_vocabulary=10; --set "
          "source_vocabulary=8" }
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct text_folder f = make_small();
        struct settings s = settings_for(&f, NULL);

        text_folder_put(&f, bad[i].name, bad[i].text);
        expect_refused(&f, &s, bad[i].said);
        text_folder_remove(&f);
    }
}

Test(parallel, refuses_bytes_that_are_no_text)
{
    struct text_folder f = make_small();
    struct settings s = settings_for(&f, NULL);

    text_folder_put_bytes(&f, "valid.de", "das\nkl\0eine\n", 12);
    expect_refused(&f, &s, "data_path: @/valid.de: line 2: byte 3 is NUL; ");
    text_folder_remove(&f);
}

static void put_words(const struct text_folder *f, const char *name, int words)
{
    char *text = calloc((size_t)words + 1, 2);

    for (int i = 0; i < words; i++)
        memcpy(text + 2 * i, "a ", 2);
    text_folder_put(f, name, text);
    free(text);
}

/* No value is advised that a setting cannot have. */
Test(parallel, advises_what_can_be_done)
{
    static const struct {
        const char *more[2];
        int words;
        const char *said;
    } cases[] = {
        { { NULL }, 40, "more than longest, 20; --set longest=41, or make" },
        { { "microbatch=40" }, 40, "more than longest, 20; make the sentence" },
        { { NULL }, 1000000, "more than longest, 20; make the sentence" }
    };
    struct text_folder f = make_small();

    text_folder_put(&f, "valid.en", "a\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings s = settings_for(&f, cases[i].more);
        struct dataset *set;
        struct error e;

        put_words(&f, "valid.de", cases[i].words);
        cr_assert_not(dataset_open(&set, &s, &e));
        cr_expect(strstr(e.text, cases[i].said), "%s", e.text);
    }
    text_folder_remove(&f);
}

Test(parallel, refuses_settings_that_do_not_fit)
{
    static const struct {
        const char *more[3], *said;
    } bad[] = {
        { { "source_vocabulary=8848", NULL }, "data_path: @: 10 source tokens "
          "and 9 target tokens, with four special ones each, in sentences of 4 "
          "on average, do not fit source_vocabulary=8848; --set "
          "source_vocabulary=10" },
        { { "target_vocabulary=8", "sentence=9", NULL }, "data_path: @: 10 "
          "source tokens and 9 target tokens, with four special ones each, in "
          "sentences of 4 on average, do not fit target_vocabulary=8, "
          "sentence=9; --set target_vocabulary=9 --set sentence=4" },
        { { "longest=2", NULL }, "data_path: @/train.de: all 3 sentences, or "
          "their translations, are longer than longest, 2 tokens; " },
        { { "longest=3", NULL }, "data_path: @/valid.de: line 1: 4 tokens with "
          "the end mark are more than longest, 3; --set longest=4, " },
        { { "microbatch=19", NULL }, "data: microbatch: 19 tokens have no "
          "room for a sentence of longest, 20; " },
        { { "source=fr", NULL }, "data_path: @: no train.fr, valid.fr; " }
    };
    struct text_folder f = make_small();

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct settings s = settings_for(&f, bad[i].more);

        expect_refused(&f, &s, bad[i].said);
    }
    text_folder_remove(&f);
}

Test(parallel, files_are_looked_for_before_they_are_opened)
{
    static const char *const nowhere[] = { "data_path=/nowhere/at/all", NULL };
    static const char *const unset[] = { "data_path=", NULL };
    struct text_folder f = make_small();
    struct settings s = settings_for(&f, nowhere);
    struct error e;

    cr_expect_not(dataset_check(&s, &e));
    cr_expect_str_eq(e.text, "data_path: /nowhere/at/all: No such file or "
                     "directory; name the folder of train.de, train.en, "
                     "valid.de and valid.en");
    s = settings_for(&f, unset);
    cr_expect_not(dataset_check(&s, &e));
    cr_expect_str_eq(e.text, "data_path: not set; name the folder of train.de, "
                     "train.en, valid.de and valid.en with --set "
                     "data_path=FOLDER, or use --set data=numbers");
    s = settings_for(&f, NULL);
    remove(text_folder_path(&f, "valid.en"));
    remove(text_folder_path(&f, "train.de"));
    cr_expect_not(dataset_check(&s, &e));
    cr_expect_eq(e.reason, REASON_DATA);
    cr_expect_str_eq(message_of(&f, &e), "data_path: @: no train.de, valid.en; "
                     "name the folder of the sentences with data_path, their "
                     "languages with source and target, or use data=numbers");
    text_folder_remove(&f);
}

Test(parallel, a_word_is_a_set)
{
    static const char *const one[] = { "source_vocabulary=5", "sentence=2",
                                       "target_vocabulary=5", NULL };
    struct text_folder f = text_folder_make();
    struct settings s = settings_for(&f, one);
    struct dataset *set;
    int32_t labels[8];

    text_folder_put(&f, "train.de", "ja");
    text_folder_put(&f, "train.en", "yes");
    text_folder_put(&f, "valid.de", "ja");
    text_folder_put(&f, "valid.en", "no");
    set = open_with(&s);
    cr_expect_eq(load_labels(set, &s, SPLIT_VALID, labels), 2);
    cr_expect_eq(labels[0], TOKEN_UNKNOWN);
    dataset_close(set);
    text_folder_remove(&f);
}
