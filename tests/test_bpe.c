/*
 * Byte pair encoding beside subword-nmt 0.3.8, which printed the merges and the
 * cuts here.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/bpe.h"

static const char text[] =
    "drei und zwanzig Häuser , vier und dreißig Bäume\n"
    "zwei und zwanzig alte Männer und zwei junge Frauen\n"
    "hundert drei und zwanzig Straßen in der alten Stadt\n"
    "aaa aaaa aaaaa aaa abab ababab xaaax\n"
    "twenty three houses , thirty four trees\n"
    "twenty two old men and two young women\n"
    "a hundred and twenty three streets in the old town\n";

static const char codes[] =
    "#version: 0.2\n"
    "u n\na a\nr e\nz w\nun d</w>\nt w\ne n</w>\na n\nt y</w>\nt h\ni g</w>\n"
    "e r</w>\nd re\nzw an\nzwan z\nzwanz ig</w>\ntw e\ntwe n\ntwen ty</w>\n"
    "b a\naa a</w>\nä u\nzw e\nzwe i</w>\ntw o</w>\nth re\nthre e</w>\nt re\n"
    "tre e\nr a\no u\no l\nol d</w>\nm en</w>\nl t\ni n</w>\nh un\n"
    "dre i</w>\nba b</w>\nan d</w>\n";

enum { MERGES = 40 };

static struct bpe_text of(const char *data)
{
    return (struct bpe_text){ data, strlen(data) };
}

/* Cuts a word as subword-nmt prints it. */
static void expect_cut(const struct bpe *b, const char *word,
                       const char *expected)
{
    size_t ends[64], at = 0;
    char found[256] = "";
    int n = bpe_cut(b, word, strlen(word), ends);

    for (int i = 0; i < n; i++) {
        strncat(found, word + at, ends[i] - at);
        strcat(found, i < n - 1 ? "@@ " : "");
        at = ends[i];
    }
    cr_expect_str_eq(found, expected);
}

/* Reads the text of a file of merges, as it is written. */
static void read_written(const struct bpe *b, char *to, size_t size)
{
    char path[] = "/tmp/test_bpe.XXXXXX";
    struct draft *draft;
    struct error e;
    FILE *f;

    close(mkstemp(path));
    cr_assert(draft_begin(&draft, path, &e), "%s", e.text);
    cr_assert(bpe_write(b, draft, &e), "%s", e.text);
    cr_assert(draft_finish(draft, DRAFT_REPLACE, &e), "%s", e.text);
    f = fopen(path, "r");
    to[fread(to, 1, size - 1, f)] = '\0';
    fclose(f);
    unlink(path);
}

static void expect_written(const struct bpe *b, const char *expected)
{
    char found[1024];

    read_written(b, found, sizeof(found));
    cr_expect_str_eq(found, expected);
}

static int merges_told;

static void count_merges(int merges, int wanted)
{
    cr_expect_eq(merges, ++merges_told);
    cr_expect_eq(wanted, MERGES);
}

Test(bpe, learns_the_merges_of_subword_nmt)
{
    struct bpe_text halves[] = { of(text), of(text) };
    struct bpe *b;

    halves[0].bytes = (size_t)(strstr(text, "twenty") - text);
    halves[1].data += halves[0].bytes;
    halves[1].bytes -= halves[0].bytes;
    b = bpe_learn(halves, 2, MERGES, count_merges);
    cr_expect_eq(merges_told, MERGES);
    cr_expect_eq(bpe_merges(b), MERGES);
    expect_written(b, codes);
    bpe_free(b);
}

Test(bpe, cuts_words_as_subword_nmt)
{
    struct bpe *b;
    struct error e;

    cr_assert(bpe_parse(&b, "codes", of(codes), &e), "%s", e.text);
    expect_cut(b, "zweiundzwanzig", "zwe@@ i@@ un@@ d@@ zwanzig");
    expect_cut(b, "Bäumen", "B@@ äu@@ men");
    expect_cut(b, "twentyfour", "twen@@ t@@ y@@ f@@ ou@@ r");
    expect_cut(b, "aaaaaaa", "aa@@ aa@@ aaa");
    expect_cut(b, "ababa", "a@@ ba@@ b@@ a");
    expect_cut(b, "ß", "ß");
    expect_cut(b, "a", "a");
    expect_cut(b, "Hundert", "H@@ un@@ d@@ e@@ r@@ t");
    expect_written(b, codes);
    bpe_free(b);
}

Test(bpe, ends_where_nothing_comes_twice)
{
    struct bpe_text few = of("ab ab cd\n"), none = of("\n\n  \n");
    struct bpe *b = bpe_learn(&few, 1, 100, NULL);

    cr_expect_eq(bpe_merges(b), 1);
    expect_cut(b, "ab", "ab");
    expect_cut(b, "cd", "c@@ d");
    bpe_free(b);
    b = bpe_learn(&none, 1, 100, NULL);
    cr_expect_eq(bpe_merges(b), 0);
    expect_cut(b, "ab", "a@@ b");
    bpe_free(b);
}

/* Text that has the mark in it: merges are read as they were written, and cut
 * alike. */
Test(bpe, text_may_have_the_end_mark)
{
    static const char *const words[] = { "x</w>y", "x</w>z", "</w>", "x</w>",
                                         "</w></w>", "</w>y" };
    struct bpe_text marked = of("x</w>y x</w>y x</w>z </w> </w> x</w> x</w>\n"
                                "</w></w> </w></w> </w></w>\n");
    struct bpe *b = bpe_learn(&marked, 1, 100, NULL), *again;
    char written[1024];
    struct error e;

    cr_expect_gt(bpe_merges(b), 4);
    read_written(b, written, sizeof(written));
    cr_assert(bpe_parse(&again, "codes", of(written), &e), "%s", e.text);
    cr_expect_eq(bpe_checksum(b), bpe_checksum(again), "%s", written);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t bytes = strlen(words[i]), x[16], y[16];
        int n = bpe_cut(b, words[i], bytes, x);

        cr_assert_eq(n, bpe_cut(again, words[i], bytes, y), "%s", words[i]);
        cr_expect_arr_eq(x, y, (size_t)n * sizeof(*x), "%s", words[i]);
    }
    bpe_free(b);
    bpe_free(again);
}

Test(bpe, refuses_what_is_no_file_of_merges)
{
    static const struct {
        const char *text, *said;
    } bad[] = {
        { "", "codes: line 1 is not \"#version: 0.2\"" },
        { "a b\n", "codes: line 1" },
        { "#version: 0.1\na b\n", "codes: line 1" },
        { "#version: 0.2\na b\nab\n", "codes: line 3" },
        { "#version: 0.2\na b c\n", "codes: line 2" },
        { "#version: 0.2\n b\n", "codes: line 2" },
        { "#version: 0.2\na \n", "codes: line 2" },
        { "#version: 0.2\na b\n\nc d\n", "codes: line 3" },
        { "#version: 0.2\n  \n", "codes: line 2" },
        { " #version: 0.2\na b\n", "codes: line 1" }
    };
    static const char nul[] = "#version: 0.2\na\0 b\n";
    struct bpe *b;
    struct error e;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cr_expect_not(bpe_parse(&b, "codes", of(bad[i].text), &e));
        cr_expect(strncmp(e.text, bad[i].said, strlen(bad[i].said)) == 0,
                  "%s", e.text);
    }
    cr_expect_not(bpe_parse(&b, "codes",
                            (struct bpe_text){ nul, sizeof(nul) - 1 }, &e));
}

/* Lines may end with spaces, as those of other systems do once they are read,
 * and the last one without a newline. */
Test(bpe, spaces_end_a_line)
{
    struct bpe *b, *same;
    struct error e;

    cr_assert(bpe_parse(&b, "codes", of("#version: 0.2 \nu n \nun d</w>  "),
                        &e), "%s", e.text);
    cr_assert(bpe_parse(&same, "codes", of("#version: 0.2\nu n\nun d</w>\n"),
                        &e), "%s", e.text);
    cr_expect_eq(bpe_checksum(b), bpe_checksum(same));
    expect_cut(b, "und", "und");
    bpe_free(b);
    bpe_free(same);
}

/* Bytes that are no characters are pieces of their own. */
Test(bpe, cuts_any_bytes)
{
    struct bpe *b;
    struct error e;

    cr_assert(bpe_parse(&b, "codes", of(codes), &e), "%s", e.text);
    expect_cut(b, "\xFF" "un", "\xFF@@ u@@ n");
    expect_cut(b, "\xC3", "\xC3");
    expect_cut(b, "", "");
    bpe_free(b);
}
