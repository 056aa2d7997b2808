/*
 * Translated text from files: tokens and text that are read from them, and files
 * and settings that are refused. Most files are small ones, written into a folder that each
 * test makes and removes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/dataset.h"
#include "data/dictionary.h"
#include "data/sequences.h"
#include "tests/settings_of.h"
#include "tests/text_folder.h"

static const char *const small[] = { "data=parallel", "source_vocabulary=10",
                                     "target_vocabulary=9", "longest=20",
                                     "sentence=4", NULL };

/* Three pairs; the numbers of their tokens follow from their counts. */
static struct text_folder make_small(void)
{
    struct text_folder f = text_folder_make();

    text_folder_put(&f, "train.de",
                    "ein haus\nein kleines haus\ndas haus ist klein\n");
    text_folder_put(&f, "train.en",
                    "a house\na small house\nthe house is small\n");
    text_folder_put(&f, "valid.de", "das kleine haus\n");
    text_folder_put(&f, "valid.en", "the small house\n");
    return f;
}

static struct settings settings_for(const struct text_folder *f,
                                    const char *const more[])
{
    struct settings s = settings_of(small);

    snprintf(s.data_path, sizeof(s.data_path), "%s", f->path);
    settings_add(&s, more);
    return s;
}

static struct dataset *open_with(const struct settings *s)
{
    struct dataset *set = NULL;
    struct error e;

    cr_assert(dataset_check(s, &e), "%s", e.text);
    cr_assert(dataset_open(&set, s, &e), "%s", e.text);
    return set;
}

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

static const char *reference_of(const struct dataset *set, enum split split,
                                int pair)
{
    return sequences_reference(dataset_sequences(set), split, pair);
}

/* The target tokens of the only batch, as they are loaded. */
static int load_labels(const struct dataset *set, const struct settings *s,
                       enum split split, int32_t *labels)
{
    struct reading r = dataset_read(set, s, split, 0);
    struct loader loader = dataset_loader(set, &r);
    static int32_t other[4096];
    struct part part = { 0 };
    struct stream stream[LOAD_STREAMS];

    for (int i = 0; i < LOAD_STREAMS; i++)
        stream[i] = (struct stream){ i == SEQUENCES_LABELS ? labels : other,
                                     0 };
    cr_assert(loader.next(loader.arg, &part));
    loader.fill(loader.arg, &part, 0, part.count.of[EXTENT_SAMPLES], stream);
    return part.count.of[EXTENT_TARGET];
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

/* The message, in which the folder's path is @. */
static const char *message_of(const struct text_folder *f,
                              const struct error *e)
{
    static char text[ERROR_TEXT_SIZE];
    size_t length = strlen(f->path);
    char *to = text;

    for (const char *at = e->text; *at;)
        if (strncmp(at, f->path, length) == 0) {
            *to++ = '@';
            at += length;
        } else {
            *to++ = *at++;
        }
    *to = '\0';
    return text;
}

/* Opening is refused; the message begins so, and says what to do. */
static void expect_refused(const struct text_folder *f,
                           const struct settings *s, const char *said)
{
    struct dataset *set = NULL;
    struct error e = { 0 };

    cr_expect_not(dataset_open(&set, s, &e), "opened: %s", said);
    cr_expect_eq(strncmp(message_of(f, &e), said, strlen(said)), 0, "%s",
                 e.text);
    cr_expect(strstr(e.text, "; "), "no remedy: %s", e.text);
    cr_expect_eq(e.code, EXIT_INPUT);
    cr_expect_eq(e.reason, REASON_DATA);
    dataset_close(set);
}

/* A text longer than any setting. */
static char *repeat(const char *word, int times)
{
    size_t length = strlen(word);
    char *text = malloc(length * (size_t)times + 1);

    for (int i = 0; i < times; i++)
        memcpy(text + (size_t)i * length, word, length);
    text[length * (size_t)times] = '\0';
    return text;
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

/* Pieces of words: merges of both languages together. */
static struct text_folder make_words(void)
{
    struct text_folder f = text_folder_make();

    text_folder_put(&f, "train.de",
                    "haus hausbau haustor hafen\nhaus hafentor tor\nbau bau\n");
    text_folder_put(&f, "train.en",
                    "house houses housing haven\nhouse haven door\nbuild it\n");
    text_folder_put(&f, "valid.de", "torhaus @@ bauhafen\nhaus\n");
    text_folder_put(&f, "valid.en", "door house  building\nhouses\n");
    return f;
}

/* Text of the target tokens of the evaluation, sentence by sentence. */
static void expect_round_trip(const struct dataset *set,
                              const struct settings *s)
{
    const struct sequences *q = dataset_sequences(set);
    int32_t labels[256];
    int tokens = load_labels(set, s, SPLIT_VALID, labels), at = 0;

    for (int i = 0; i < sequences_pairs(q, SPLIT_VALID); i++) {
        char *text = sequences_text(q, labels + at, tokens - at);

        cr_expect_str_eq(text, reference_of(set, SPLIT_VALID, i));
        while (labels[at] != TOKEN_END)
            at++;
        at++;
        free(text);
    }
    cr_expect_eq(at, tokens);
}

static const char *const merges[] = { "subwords=8", "source_vocabulary=15",
                                      "target_vocabulary=22", "sentence=8",
                                      NULL };

Test(parallel, words_are_cut_into_pieces)
{
    struct text_folder f = make_words();
    struct settings s = settings_for(&f, merges);
    struct dataset *set = open_with(&s);
    int count, tokens;
    int32_t *token = sequences_encode(dataset_sequences(set), "haus hausbau",
                                      &count);
    const int32_t *train = sequences_source(dataset_sequences(set),
                                            SPLIT_TRAIN, 0, &tokens);

    /* The pair begins with these words, and has others. */
    cr_assert(count > 4 && count < tokens);
    cr_expect_arr_eq(token, train, (size_t)(count - 1) * sizeof(*token));
    cr_expect_eq(token[count - 1], TOKEN_END);
    cr_expect_str_eq(reference_of(set, SPLIT_VALID, 0), "door house building");
    expect_round_trip(set, &s);
    free(token);
    dataset_close(set);
    text_folder_remove(&f);
}

static void write_into(const struct dataset *set, const struct settings *s,
                       const struct text_folder *f)
{
    struct error e;

    cr_assert(sequences_write(dataset_sequences(set), s, f->path, &e), "%s",
              e.text);
}

static void expect_same_pairs(const struct dataset *a, const struct dataset *b)
{
    const struct sequences *p = dataset_sequences(a);
    const struct sequences *q = dataset_sequences(b);

    for (enum split k = 0; k < SPLIT_COUNT; k++) {
        cr_assert_eq(sequences_pairs(p, k), sequences_pairs(q, k));
        for (int i = 0; i < sequences_pairs(p, k); i++) {
            int n, m;
            const int32_t *x = sequences_source(p, k, i, &n);
            const int32_t *y = sequences_source(q, k, i, &m);

            cr_assert_eq(n, m);
            cr_expect_arr_eq(x, y, (size_t)n * sizeof(*x));
        }
    }
}

/* Written beside the data, merges and dictionaries are taken from there. */
Test(parallel, merges_and_dictionaries_are_kept)
{
    static const char *const other[] = { "subwords=9", NULL };
    struct text_folder f = make_words();
    struct settings s = settings_for(&f, merges);
    struct dataset *set = open_with(&s), *again;
    char *codes;

    write_into(set, &s, &f);
    codes = text_folder_read(&f, "code");
    cr_expect_eq(strncmp(codes, "#version: 0.2\n", 14), 0);
    free(codes);
    codes = text_folder_read(&f, "dict.de.txt");
    cr_expect(strstr(codes, "@@ "), "%s", codes);
    free(codes);
    again = open_with(&s);
    expect_same_pairs(set, again);
    dataset_close(again);
    dataset_close(set);
    /* They are not learned again. */
    text_folder_put(&f, "train.de", "tor tor tor\nhaus haus haus\nbau\n");
    set = open_with(&s);
    dataset_close(set);
    s = settings_for(&f, merges);
    settings_add(&s, other);
    expect_refused(&f, &s, "subwords: 9, but @/code has 8 merges; --set "
                   "subwords=8, ");
    text_folder_put(&f, "code", "#version: 0.2\nab\n");
    expect_refused(&f, &s, "data_path: @/code: line 2: not two pieces");
    text_folder_put(&f, "code", "a b\n");
    expect_refused(&f, &s, "data_path: @/code: line 1 is not \"#version");
    text_folder_remove(&f);
}

/* Files that are cut already: the marks of pieces are undone. */
Test(parallel, pieces_are_joined)
{
    static const struct {
        const char *train, *valid, *reference;
    } files[] = {
        { "the ho@@ use\na@@ b c\nx\n", "a@@ b ho@@ use c@@\n", "ab house c" },
        { "\u2581the \u2581ho use\n\u2581a b\n\u2581x\n",
          "\u2581the \u2581ho use \u2581 x b\n", "the house xb" },
        { "the ho - use\na b\nx\n", "the  ho - use\n", "the ho - use" }
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct text_folder f = make_small();
        struct settings s = settings_for(&f, NULL);
        struct dataset *set;

        text_folder_put(&f, "train.en", files[i].train);
        text_folder_put(&f, "valid.en", files[i].valid);
        s.target_vocabulary = i == 0 ? 11 : i == 1 ? 10 : 11;
        set = open_with(&s);
        cr_expect_str_eq(reference_of(set, SPLIT_VALID, 0),
                         files[i].reference);
        dataset_close(set);
        text_folder_remove(&f);
    }
}

/* Lines and words of a million parts are read in little time. */
Test(parallel, long_lines)
{
    static const char *const plain[] = { NULL };
    static const char *const pieces[] = { "subwords=6", "source_vocabulary=21",
                                          "target_vocabulary=17", "longest=60",
                                          "sentence=12", NULL };
    char *words = repeat("haus ", 1000000), *word = repeat("haus", 250000);

    for (int i = 0; i < 2; i++) {
        struct text_folder f = make_small();
        struct settings s = settings_for(&f, i == 0 ? plain : pieces);
        char *text = malloc(1100 + strlen(words));
        double began = clock_seconds();
        struct dataset *set;

        sprintf(text, "ein haus\n%s\nein kleines haus\ndas haus ist klein\n",
                i == 0 ? words : word);
        text_folder_put(&f, "train.de", text);
        text_folder_put(&f, "train.en", "a house\nthe house\na small house\n"
                        "the house is small\n");
        set = open_with(&s);
        cr_expect_eq(sequences_left_out(dataset_sequences(set)), 1);
        cr_expect_lt(clock_seconds() - began, 5);
        dataset_close(set);
        text_folder_put(&f, "valid.de", i == 0 ? words : word);
        expect_refused(&f, &s, i == 0 ? "data_path: @/valid.de: line 1: "
                       "1000001 tokens with the end mark are more than longest"
                       : "data_path: @/valid.de: line 1: ");
        free(text);
        text_folder_remove(&f);
    }
    free(words);
    free(word);
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

/* Unpacks Multi30k's pieces; false: they are not there. */
static bool unpack_pieces(const struct text_folder *f)
{
    const char *shared = getenv("MEMDIAL_SHARED");
    char command[1024];

    if (!shared || !*shared)
        return false;
    snprintf(command, sizeof(command), "tar xJf '%s/dynconv/"
             "multi30k-pieces.tar.xz' -C %s", shared, f->path);
    return system(command) == 0;
}

/* Packs lengths as packing.h says, in the order of the set's own batches: the
 * number of bins is within a few of the least that can be. */
Test(parallel, multi30k)
{
    static const char *const assignments[] = {
        "source_vocabulary=4541", "target_vocabulary=3428", "batch=1975",
        "longest=250", "sentence=16", NULL
    };
    struct text_folder f = text_folder_make();
    struct settings s = settings_for(&f, assignments);
    int64_t batches, tokens = 0;
    struct dataset *set;
    struct error e;

    if (!unpack_pieces(&f)) {
        text_folder_remove(&f);
        cr_skip_test("MEMDIAL_SHARED names no folder with "
                     "dynconv/multi30k-pieces.tar.xz");
    }
    set = open_with(&s);
    cr_assert(dataset_batches(set, &s, &batches, &e), "%s", e.text);
    cr_expect_eq(sequences_pairs(dataset_sequences(set), SPLIT_TRAIN), 29000);
    cr_expect_eq(sequences_pairs(dataset_sequences(set), SPLIT_VALID), 1014);
    cr_expect_eq(sequences_pairs(dataset_sequences(set), SPLIT_TEST), 1000);
    cr_expect_eq(sequences_left_out(dataset_sequences(set)), 0);
    for (int64_t i = 0; i < batches; i++) {
        struct extents whole = dataset_read(set, &s, SPLIT_TRAIN, i).whole;

        cr_expect_leq(whole.of[EXTENT_SOURCE], 1975);
        cr_expect_leq(whole.of[EXTENT_TARGET], 1975);
        tokens += whole.of[EXTENT_TARGET];
    }
    cr_expect_eq(tokens, 448671);
    cr_expect(batches >= 235 && batches <= 238, "%d batches", (int)batches);
    cr_expect_str_eq(reference_of(set, SPLIT_TEST, 0),
                     "a man in an orange hat starring at something .");
    dataset_close(set);
    text_folder_remove(&f);
}
