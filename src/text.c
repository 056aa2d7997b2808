#include "text.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *text_count(char text[TEXT_COUNT_SIZE], int64_t count)
{
    char digits[TEXT_COUNT_SIZE];
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)count);
    char *to = text;

    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *text_duration(char text[TEXT_DURATION_SIZE], double seconds)
{
    long s = seconds < 1e9 ? (long)(seconds + 0.5) : 1000000000;

    if (s < 3600)
        snprintf(text, TEXT_DURATION_SIZE, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, TEXT_DURATION_SIZE, "%ld:%02ld:%02ld", s / 3600,
                 s / 60 % 60, s % 60);
    return text;
}

const char *text_ratio(char text[TEXT_RATIO_SIZE], double factor)
{
    double times = factor < 1 ? 1 / factor : factor;

    if (times < 1.005)
        strcpy(text, "as much as");
    else
        snprintf(text, TEXT_RATIO_SIZE, "%.2fx %s than", times,
                 factor < 1 ? "more" : "less");
    return text;
}

static bool can_draw_blocks(void)
{
    return isatty(STDOUT_FILENO) &&
           strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
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

/* Bytes of the UTF-8 character at `text`, 0 if it is none or a control. Not
 * refused are surrogates and long forms, which do no harm. */
static size_t character_bytes(const unsigned char *text, size_t length)
{
    unsigned char first = text[0];
    size_t bytes = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 :
                   first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;

    if (bytes > length || first < ' ' || first == 0x7F)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return first == 0xC2 && text[1] < 0xA0 ? 0 : bytes;
}

void text_clean(char *to, size_t size, const char *from, size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length;) {
        size_t bytes = character_bytes((const unsigned char *)from + i,
                                       length - i);
        const char *shown = bytes ? from + i : "?";
        size_t n = bytes ? bytes : 1;

        if (used + n >= size)
            break;
        memcpy(to + used, shown, n);
        used += n;
        i += n;
    }
    to[used] = '\0';
}
