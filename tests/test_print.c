/* Printed text, as it arrives at a descriptor, and text that may be any
 * bytes. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json_print.h"
#include "base/octets.h"
#include "base/print.h"
#include "base/text.h"

enum { PRINTED_SIZE = 1 << 16 };

/* Sends standard output to a file, until printed(). */
static int before, file;

static void begin(const char *locale)
{
    char name[] = "/tmp/memdial-print-XXXXXX";

    cr_assert_not_null(setlocale(LC_CTYPE, locale));
    file = mkstemp(name);
    unlink(name);
    before = dup(STDOUT_FILENO);
    dup2(file, STDOUT_FILENO);
}

static const char *printed(void)
{
    static char text[PRINTED_SIZE];
    ssize_t n;

    cr_assert(print_flush());
    dup2(before, STDOUT_FILENO);
    close(before);
    n = pread(file, text, sizeof(text) - 1, 0);
    close(file);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

/* The text must be that of printf(). */
#define SAME(...) \
    do { \
        char expected[PRINTED_SIZE]; \
        snprintf(expected, sizeof(expected), __VA_ARGS__); \
        begin("C"); \
        print(__VA_ARGS__); \
        cr_expect_str_eq(printed(), expected); \
    } while (0)

Test(print, formats_as_printf_does)
{
    SAME("%s", "");
    SAME("nothing\n\tto convert\r\n");
    SAME("%d %5d %-5d| %05d %+d", -1, 42, 42, 42, 42);
    SAME("%lld %ld %zu %u %llu", -1ll, 2l, sizeof(int), 4u, ~0ull);
    SAME("%.3f %8.2f %-8.1f| %g %.4g %.10g", 1.5, 2.25, 3.125, 1e-20, 0.1,
         1e9);
    SAME("%f", 1e308);
    SAME("%s %10s %-10s| %.2s %*s %-*s| %.*s", "a", "b", "c", "def", 5, "g",
         6, "h", 1, "ij");
    SAME("%c%c %3c 100%%\n", 'a', 'b', 'c');
}

Test(print, more_than_is_kept_back)
{
    char *much = malloc(50000);

    memset(much, 'x', 49999);
    much[49999] = '\0';
    SAME("%s\n%s", "first", much);
    free(much);
}

Test(print, text_that_comes_in_is_cleaned)
{
    begin("C.UTF-8");
    print("ours\n\t%s%c\n", "a\033[2J\n\r\x7f\xc2\x9b\xe9"
          "\xe2\x80\xae\xc3\xa9", '\033');
    cr_expect_str_eq(printed(), "ours\n\ta?[2J??????\xc3\xa9?\n");
}

Test(print, widths_count_characters)
{
    begin("C.UTF-8");
    cr_expect_eq(print("\r%3s|%-3s|", "\xc3\xa9", "\xc3\xa9"), 8);
    cr_expect_str_eq(printed(), "\r  \xc3\xa9|\xc3\xa9  |");
}

Test(print, only_ascii_where_the_locale_has_no_more)
{
    begin("C");
    print("\xc3\xa9 %s", "\xe2\x82\xac \xf0\x9f\x98\x80 \xff");
    cr_expect_str_eq(printed(), "? ? ? ?");
}

/* Widths count columns, not bytes or characters. */
Test(print, widths_count_columns)
{
    begin("C.UTF-8");
    cr_expect_eq(print("%4s|%-4s|%s", "\xe6\x97\xa5", "e\xcc\x81",
                       "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"), 12);
    cr_expect_str_eq(printed(), "  \xe6\x97\xa5|e\xcc\x81   |"
                                "\xf0\x9f\x91\x8d");
}

/* The first cell of a text, as it is shown. */
Test(text, cells)
{
    static const struct {
        const char *text;
        size_t taken;
        const char *shown;
        int columns;
    } cases[] = {
        { "ab", 1, "a", 1 },
        { "\n", 1, "?", 1 },
        { "e\u0301x", 3, "e\u0301", 1 },
        { "\u0301\u0302x", 4, "?", 1 },           /* marks on nothing */
        { "x\u0301\u0302\u0303\u0304\u0305\u0306", 13,
          "x\u0301\u0302\u0303\u0304", 1 },
        { "\u26a1", 3, "\u26a1", 2 },
        { "\u2705", 3, "\u2705", 2 },
        { "\u274c", 3, "\u274c", 2 },
        { "\u2b50", 3, "\u2b50", 2 },
        { "\u2764\ufe0f", 6, "\u2764", 1 },       /* whatever form is asked */
        { "\U0001f469\u200d\U0001f4bb", 7, "\U0001f469", 2 },
        { "\U0001f44d\U0001f3fd", 8, "\U0001f44d", 2 },
        { "\U0001f3fd", 4, "\U0001f3fd", 2 },
        { " \U0001f3fd", 1, " ", 1 },
        { "\U0001f1e9\U0001f1ea", 4, "D", 1 },
        { "\u0e19\u0e49\u0e33", 6, "\u0e19\u0e49", 1 }, /* Thai */
        { "\u0915\u094d\u0937", 6, "\u0915\u094d", 1 }, /* Devanagari */
        { "\u1112\u1161\u11ab", 9, "\u1112\u1161\u11ab", 2 },
        { "\u65e5", 3, "\u65e5", 2 },
        { "\u202e", 3, "?", 1 },
        { "\u0378", 2, "?", 1 },                   /* not assigned */
        { "\u2500", 3, "\u2500", 1 },
        { "\xff", 1, "?", 1 },
    };

    cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text_cell cell;

        cr_expect_eq(text_cell(cases[i].text, strlen(cases[i].text), &cell),
                     cases[i].taken, "case %zu", i);
        cr_expect_str_eq(cell.text, cases[i].shown, "case %zu: %s", i,
                         cell.text);
        cr_expect_eq(cell.columns, cases[i].columns, "case %zu", i);
    }
    setlocale(LC_CTYPE, "C");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text_cell cell;

        text_cell(cases[i].text, strlen(cases[i].text), &cell);
        cr_expect_eq((unsigned char)cell.text[0] & 0x80, 0, "case %zu", i);
        cr_expect_eq(cell.columns, 1, "case %zu", i);
    }
}

/* No character is cut in two; of bytes that are none something is left out. */
Test(text, cuts)
{
    static const struct { const char *text; int most, bytes; } cuts[] = {
        { "", 3, 0 },       { "abc", 3, 3 },  { "abcd", 3, 3 },
        { "abé", 3, 2 },    { "abé", 4, 4 },  { "a€x", 3, 1 },
        { "a€x", 4, 4 },    { "€", 2, 0 },    { "\xa9\xa9\xa9", 2, 0 },
    };

    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++)
        cr_expect_eq(text_cut(cuts[i].text, cuts[i].most), cuts[i].bytes,
                     "%zu", i);
}

/* For any bytes, a cell takes some and fits. */
Test(text, cells_of_anything)
{
    char text[64];
    uint32_t state = 1;

    cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(text); i++) {
            state = state * 1664525 + 1013904223;
            text[i] = (char)(state >> 24 | (state >> 20 & 1) << 7);
        }
        for (size_t at = 0; at < sizeof(text);) {
            struct text_cell cell;
            size_t bytes = text_cell(text + at, sizeof(text) - at, &cell);

            cr_assert(bytes > 0 && bytes <= sizeof(text) - at);
            cr_assert_lt(strlen(cell.text), TEXT_CELL_SIZE);
            cr_assert(cell.columns == 1 || cell.columns == 2);
            at += bytes;
        }
    }
}

/* The characters that a terminal may be given, from U+0000 beyond U+10FFFF. */
Test(text, what_can_be_shown)
{
    static const uint32_t no[] = {
        0, '\n', 0x1b, 0x7f, 0x80, 0x9b, 0x9f, 0xad, 0x61c, 0x200b, 0x200d,
        0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066,
        0x2069, 0x3164, 0xd800, 0xdfff, 0xfdd0, 0xfeff, 0xfff9, 0xfffb,
        0xfffe, 0xffff, 0x1fffe, 0xe0001, 0xe007f, 0xe01ef, 0x10ffff,
        TEXT_NO_CHARACTER, UINT32_MAX
    };
    static const uint32_t yes[] = { ' ', '~', 0xa0, 0xe9, 0x301, 0x2026,
                                    0x20ac, 0x2588, 0x28ff, 0xfe0f, 0xfffd,
                                    0x1f600, 0x65e5 };

    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        cr_expect_not(text_can_show(no[i]), "U+%04X", no[i]);
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        cr_expect(text_can_show(yes[i]), "U+%04X", yes[i]);
}

Test(text, only_what_is_utf8_is_a_character)
{
    static const struct {
        const char *bytes;
        size_t length, taken;
        uint32_t character;
    } cases[] = {
        { "a", 1, 1, 'a' },
        { "\xc3\xa9", 2, 2, 0xe9 },
        { "\xf0\x9f\x98\x80", 4, 4, 0x1f600 },
        { "\xc3\xa9", 1, 1, TEXT_NO_CHARACTER },       /* cut off */
        { "\xe2\x82x", 3, 2, TEXT_NO_CHARACTER },
        { "\xa9", 1, 1, TEXT_NO_CHARACTER },
        { "\xc0\xaf", 2, 1, TEXT_NO_CHARACTER },       /* long forms */
        { "\xe0\x80\xaf", 3, 3, TEXT_NO_CHARACTER },
        { "\xf4\x90\x80\x80", 4, 4, TEXT_NO_CHARACTER }, /* U+110000 */
        { "\xed\x9f\xbf", 3, 3, 0xd7ff },
        { "\xed\xa0\x80", 3, 3, TEXT_NO_CHARACTER },   /* surrogates */
        { "\xed\xbf\xbf", 3, 3, TEXT_NO_CHARACTER },
        { "\xee\x80\x80", 3, 3, 0xe000 },
        { "\xff", 1, 1, TEXT_NO_CHARACTER },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t c;

        cr_expect_eq(text_decode(cases[i].bytes, cases[i].length, &c),
                     cases[i].taken, "case %zu", i);
        cr_expect_eq(c, cases[i].character, "case %zu: %x", i, c);
    }
}

/* All bytes come back from UTF-8, and text in UTF-8 stays as it is. */
Test(octets, come_back)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        { "", "" },
        { "plain \xc3\xa9 \xf0\x9f\x98\x80", "plain \xc3\xa9 "
                                               "\xf0\x9f\x98\x80" },
        { "caf\xe9", "caf\xee\xbf\xa9" },
        { "\x80\xbf\xc0\xff", "\xee\xbe\x80\xee\xbe\xbf\xee\xbf\x80"
                              "\xee\xbf\xbf" },
        { "\xee\xbe\x80", "\xee\xbf\xae\xee\xbe\xbe\xee\xbe\x80" },
        { "\xed\xa0\x80", "\xee\xbf\xad\xee\xbe\xa0\xee\xbe\x80" },
        { "\xe2\x82", "\xee\xbf\xa2\xee\xbe\x82" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = octets_escape(cases[i].bytes);

        cr_expect_str_eq(text, cases[i].text, "case %zu", i);
        octets_unescape(text);
        cr_expect_str_eq(text, cases[i].bytes, "case %zu", i);
        free(text);
    }
}

Test(octets, any_come_back)
{
    uint32_t random = 1;

    for (int i = 0; i < 100000; i++) {
        char bytes[16] = "", *text;
        json_t *json;

        for (int k = 0; k < i % 15; k++) {
            static const char telling[] = "\x80\xbe\xbf\xc3\xe2\xed\xee"
                                          "\xef\xf0\xf4\x7f";
            random = random * 1664525 + 1013904223;
            bytes[k] = random >> 31 ? telling[(random >> 20) % 11]
                                    : (char)((random >> 20) % 255 + 1);
        }
        json = json_text(bytes);
        text = xstrdup(json_string_value(json));
        octets_unescape(text);
        cr_assert_str_eq(text, bytes);
        free(text);
        json_decref(json);
    }
}

/* A terminal is given printable ASCII only, and no character is lost. */
Test(json, is_printable_ascii)
{
    const char *bytes = "\x01\n\x1b\x7f\xc2\x9b\xe2\x80\xae\xff\"\\\xc3\xa9";
    char *line = json_line(json_pack("{so}", "x", json_text(bytes)));
    json_error_t why;
    json_t *read;

    for (const char *c = line; *c; c++)
        cr_expect(*c >= ' ' && *c <= '~', "%d", *c);
    read = json_read(line, strlen(line), &why);
    cr_expect_str_eq(json_string_value(json_object_get(read, "x")), bytes);
    json_decref(read);
    free(line);
}
