#define _GNU_SOURCE

#include "base/text.h"

#include <ctype.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/number.h"

const char *text_letters(char text[TEXT_LETTERS_SIZE], int number)
{
    char letters[TEXT_LETTERS_SIZE];
    int n = TEXT_LETTERS_SIZE - 1;

    letters[n] = '\0';
    for (int left = number + 1; left > 0; left = (left - 1) / 26)
        letters[--n] = (char)('A' + (left - 1) % 26);
    return strcpy(text, letters + n);
}

const char *text_count(char text[TEXT_COUNT_SIZE], int64_t count)
{
    snprintf(text, TEXT_COUNT_SIZE, "%lld", (long long)count);
    return number_group(text);
}

const char *text_list(char *text, size_t size, const char *const *words,
                      int count, const char *last)
{
    size_t used = 0;

    *text = '\0';
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 !i ? "" : i < count - 1 ? ", " : last,
                                 words[i]);
    return text;
}

const char *text_duration(char text[TEXT_DURATION_SIZE], double seconds)
{
    long s;

    if (isnan(seconds) || seconds >= 1e9)
        return strcpy(text, isnan(seconds) ? "?" : "years");
    s = seconds > 0 ? (long)(seconds + 0.5) : 0;
    if (s >= 360000)
        snprintf(text, TEXT_DURATION_SIZE, "%ld days", s / 86400);
    else if (s < 3600)
        snprintf(text, TEXT_DURATION_SIZE, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, TEXT_DURATION_SIZE, "%ld:%02ld:%02ld", s / 3600,
                 s / 60 % 60, s % 60);
    return text;
}

const char *text_date(char text[TEXT_DATE_SIZE], int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm when;

    if (!localtime_r(&at, &when) ||
        !strftime(text, TEXT_DATE_SIZE, "%Y-%m-%d %H:%M:%S", &when))
        strcpy(text, "?");
    return text;
}

const char *text_time(char text[TEXT_TIME_SIZE], double seconds)
{
    double ms = 1000 * seconds;

    if (!(seconds >= 0) || seconds >= 1e6)
        return strcpy(text, "?");
    if (ms < 999.5)
        snprintf(text, TEXT_TIME_SIZE, "%.*f ms",
                 ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
    else
        snprintf(text, TEXT_TIME_SIZE, "%.*f s",
                 seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0, seconds);
    return text;
}

const char *text_ratio(char text[TEXT_RATIO_SIZE], double factor)
{
    double times = factor < 1 ? 1 / factor : factor;
    char number[NUMBER_SIZE];

    if (times < TEXT_RATIO_LEAST)
        strcpy(text, "as much as");
    else
        snprintf(text, TEXT_RATIO_SIZE, "%sx %s than",
                 number_format(number, times, 2, NUMBER_CELLS_MIN),
                 factor < 1 ? "more" : "less");
    return text;
}

bool text_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool can_draw_blocks(void)
{
    return isatty(STDOUT_FILENO) && text_is_utf8();
}

/* Left blocks of 1/8 to 8/8 of a cell: U+258F down to U+2588. */
static size_t put_block(char *to, int eighths)
{
    static const char first[] = "\xe2\x96\x8f";

    memcpy(to, first, 3);
    to[2] = (char)(to[2] - (eighths - 1));
    return 3;
}

const char *text_bar(char text[TEXT_BAR_SIZE], double share, int cells)
{
    bool blocks = can_draw_blocks();
    int eighths = (int)(share * cells * 8 + 0.5);
    size_t n = 0;

    for (int i = 0; i < cells; i++) {
        int fill = eighths - 8 * i;
        if (blocks && fill > 0)
            n += put_block(text + n, fill > 8 ? 8 : fill);
        else
            text[n++] = fill >= 4 ? '#' : ' ';
    }
    text[n] = '\0';
    return text;
}

bool text_continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

struct range {
    uint32_t first, last;
};

/*
 * Characters that are not shown: control characters; those that change the
 * direction of the text around them; those that end lines; invisible ones,
 * Default_Ignorable_Code_Point of Unicode, but for U+FE00 to U+FE0F, which
 * select a form of the character before them. Surrogates are no characters, nor
 * are the characters that stand for bytes (octets.h).
 */
static const struct range hidden[] = {
    { 0, 0x1f },          { 0x7f, 0x9f },       { 0xad, 0xad },
    { 0x34f, 0x34f },     { 0x61c, 0x61c },     { 0x115f, 0x1160 },
    { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200f },
    { 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
    { 0xd800, 0xdfff },   { 0xfdd0, 0xfdef },   { 0xfeff, 0xfeff },
    { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0x1bca0, 0x1bca3 },
    { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff }, { 0x110000, UINT32_MAX },
};

bool text_can_show(uint32_t c)
{
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return false;
    return (c & 0xfffe) != 0xfffe; /* the last two of a plane are none */
}

/* Bytes of a character whose first byte this is; 0: no character begins so. */
static size_t sequence_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 :
           first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t text_decode(const char *text, size_t length, uint32_t *character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *s = (const unsigned char *)text;
    size_t bytes = sequence_length(s[0]);
    uint32_t c = bytes < 2 ? s[0] : s[0] & (0x7fu >> bytes);

    *character = TEXT_NO_CHARACTER;
    for (size_t i = 1; i < bytes; i++) {
        if (i == length || (s[i] & 0xc0) != 0x80)
            return i;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (bytes && c >= least[bytes] && c < 0x110000 &&
        (c < 0xd800 || c > 0xdfff)) /* UTF-8 has no surrogates */
        *character = c;
    return bytes ? bytes : 1;
}

int text_cut(const char *text, int most)
{
    int n = (int)strnlen(text, (size_t)most + 1);

    if (n <= most)
        return n;
    for (n = most; n > 0 && text_continues(text[n]);)
        n--;
    return n;
}

size_t text_characters(const char *text)
{
    size_t count = 0;
    uint32_t c;

    for (size_t left = strlen(text), bytes; left > 0; left -= bytes) {
        bytes = text_decode(text, left, &c);
        text += bytes;
        count++;
    }
    return count;
}

size_t text_encode(uint32_t c, char text[TEXT_CHARACTER_SIZE])
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = bytes - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    text[0] = (char)(lead[bytes] | c);
    text[bytes] = '\0';
    return bytes;
}

/* 0: a mark; -1: cannot be shown. The C library knows the characters of the
 * locale only; curses asks it too. */
static int columns_of_character(uint32_t c)
{
    if (c >= ' ' && c < 0x7f)
        return 1;
    return text_can_show(c) && text_is_utf8() ? wcwidth((wchar_t)c) : -1;
}

/* Joiners, selectors of a form, and skin colours, which follow emoji. */
static bool is_left_out(uint32_t c, const struct text_cell *cell)
{
    return c == 0x200c || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f) ||
           (c >= 0x1f3fb && c <= 0x1f3ff && cell->columns == 2);
}

/* The letter of a regional indicator: two of these may be a flag. */
static uint32_t letter_of(uint32_t c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff ? 'A' + c - 0x1f1e6 : c;
}

/* Adds the marks that follow to the cell; returns their bytes. */
static size_t take_marks(const char *text, size_t length,
                         struct text_cell *cell, bool shown)
{
    char *to = cell->text + strlen(cell->text);
    size_t at = 0;

    for (int marks = 0; at < length && (text[at] & 0x80);) {
        uint32_t c;
        size_t bytes = text_decode(text + at, length - at, &c);

        if (!is_left_out(c, cell)) {
            if (columns_of_character(c) != 0)
                break;
            if (shown && marks++ < TEXT_MARKS_MAX)
                to += text_encode(c, to);
        }
        at += bytes;
    }
    return at;
}

size_t text_cell(const char *text, size_t length, struct text_cell *cell)
{
    uint32_t c;
    size_t at = text_decode(text, length, &c);
    bool shown;

    c = letter_of(c);
    cell->columns = columns_of_character(c);
    shown = cell->columns > 0;
    cell->character = text_can_show(c) ? c : '?';
    text_encode(shown ? c : '?', cell->text);
    if (!shown)
        cell->columns = 1;
    return at + take_marks(text + at, length - at, cell, shown);
}

int text_columns(const char *text, size_t length)
{
    int columns = 0;

    for (size_t at = 0; at < length;) {
        struct text_cell cell;

        at += text_cell(text + at, length - at, &cell);
        columns += cell.columns;
    }
    return columns;
}

void text_clean(char *to, size_t size, const char *from, size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t bytes = text_decode(from + i, length - i, &c);
        bool shown = text_can_show(c);
        size_t n = shown ? bytes : 1;

        if (used + n >= size)
            break;
        memcpy(to + used, shown ? from + i : "?", n);
        used += n;
        i += bytes;
    }
    to[used] = '\0';
}

void text_clean_last(char *to, size_t size, const char *from)
{
    size_t end = strlen(from), begin;

    while (end > 0 && isspace((unsigned char)from[end - 1]))
        end--;
    for (begin = end; begin > 0 && from[begin - 1] != '\n';)
        begin--;
    text_clean(to, size, from + begin, end - begin);
}

bool text_has_control(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            return true;
    return false;
}
