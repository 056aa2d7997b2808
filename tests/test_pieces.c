/*
 * Text in pieces of words: merges that are learned when files are opened, or
 * read beside them, and files that are cut already. Text and words without end.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "data/dictionary.h"
#include "data/sequences.h"
#include "tests/settings_of.h"
#include "tests/small_text.h"

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

Test(pieces, words_are_cut_into_pieces)
{
    struct text_folder f = make_words();
    struct settings s = settings_for(&f, merges);
    struct dataset *set = open_with(&s);
    int count, tokens;
    int32_t *token = sequences_encode(dataset_sequences(set),
                                      word_of("haus hausbau"), &count);
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

static void write_into(const struct dataset *set, const struct text_folder *f)
{
    struct error e;

    cr_assert(sequences_write(dataset_sequences(set), f->path, &e), "%s",
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
Test(pieces, merges_and_dictionaries_are_kept)
{
    static const char *const other[] = { "subwords=9", NULL };
    struct text_folder f = make_words();
    struct settings s = settings_for(&f, merges);
    struct dataset *set = open_with(&s), *again;
    char *codes;

    write_into(set, &f);
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

static int last_told;

static void keep_told(int learned, int wanted)
{
    (void)wanted;
    last_told = learned;
}

/* Text with fewer merges than are wanted is refused, and nobody is told of
 * others; without any, to leave words whole is no advice. */
Test(pieces, text_must_have_the_merges)
{
    static const struct {
        const char *de, *en, *said;
        int learned;
    } texts[] = {
        { "ab ab cd\n", "xy xz xy\n", "subwords: 100, but @/train.de and "
          "@/train.en have only 2 merges; --set subwords=2, or add ", 2 },
        { "ab cd\n", "xy zw\n", "subwords: 100, but @/train.de and "
          "@/train.en have only 0 merges; add ", 0 }
    };
    static const char *const many[] = { "subwords=100", NULL };

    for (int i = 0; i < 2; i++) {
        struct text_folder f = make_small();
        struct settings s = settings_for(&f, many);

        text_folder_put(&f, "train.de", texts[i].de);
        text_folder_put(&f, "train.en", texts[i].en);
        last_told = 0;
        dataset_watch(keep_told);
        expect_refused(&f, &s, texts[i].said);
        dataset_watch(NULL);
        cr_expect_eq(last_told, texts[i].learned);
        text_folder_put(&f, "code", "#version: 0.2\n");
        expect_refused(&f, &s, "subwords: 100, but @/code has 0 merges; "
                       "remove the file");
        text_folder_remove(&f);
    }
}

/* Files that are cut already: the marks of pieces are undone. */
Test(pieces, pieces_are_joined)
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

/* Lines and words of a million parts are read in little time. */
Test(pieces, long_lines)
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
Test(pieces, multi30k)
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
