#include "base/octets.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

enum { FIRST = 0xef80, LAST = 0xefff, ESCAPED_SIZE = 3 /* bytes of each */ };

static bool is_escape(uint32_t c)
{
    return c >= FIRST && c <= LAST;
}

static bool is_plain(uint32_t c)
{
    return c != TEXT_NO_CHARACTER && !is_escape(c);
}

/* U+EF80 is EE BE 80, U+EFC0 is EE BF 80. */
static char *put_escape(char *to, unsigned char byte)
{
    *to++ = (char)0xee;
    *to++ = (char)(0xbc | byte >> 6);
    *to++ = (char)(0x80 | (byte & 0x3f));
    return to;
}

char *octets_escape(const char *bytes)
{
    size_t length = strlen(bytes);
    char *text = xrealloc(NULL, length + 1, ESCAPED_SIZE), *to = text;

    for (size_t at = 0; at < length;) {
        uint32_t c;
        size_t n = text_decode(bytes + at, length - at, &c);

        for (size_t end = at + n; at < end; at++)
            if (is_plain(c))
                *to++ = bytes[at];
            else
                to = put_escape(to, (unsigned char)bytes[at]);
    }
    *to = '\0';
    return text;
}

void octets_unescape(char *text)
{
    size_t length = strlen(text);
    char *to = text;

    for (size_t at = 0; at < length;) {
        uint32_t c;
        size_t n = text_decode(text + at, length - at, &c);

        if (is_escape(c)) {
            *to++ = (char)(c & 0xff);
        } else {
            memmove(to, text + at, n);
            to += n;
        }
        at += n;
    }
    *to = '\0';
}
