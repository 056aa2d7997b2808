#include "base/quote.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

void quote_shell(struct buffer *b, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-./=,:+%@";

    if (*text && strspn(text, plain) == strlen(text)) {
        buffer_text(b, text);
        return;
    }
    buffer_text(b, "'");
    for (; *text; text++)
        if (*text == '\'')
            buffer_text(b, "'\\''");
        else
            buffer_add(b, text, 1);
    buffer_text(b, "'");
}

void quote_plain(struct buffer *b, const char *text)
{
    size_t length = strlen(text);
    char *clean = xcalloc(length + 1, 1);

    text_clean(clean, length + 1, text, length);
    buffer_text(b, clean);
    free(clean);
}

static const char *entity_of(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void quote_markup(struct buffer *b, const char *text)
{
    struct buffer clean = { NULL, 0, 0 };

    quote_plain(&clean, text);
    for (const char *c = clean.bytes; *c; c++)
        if (entity_of(*c))
            buffer_text(b, entity_of(*c));
        else
            buffer_add(b, c, 1);
    buffer_done(&clean);
}

void quote_markdown(struct buffer *b, const char *text)
{
    struct buffer clean = { NULL, 0, 0 };

    quote_plain(&clean, text);
    for (const char *c = clean.bytes; *c; c++) {
        if (strchr("\\`*_{}[]<>|#~&", *c))
            buffer_text(b, "\\");
        buffer_add(b, c, 1);
    }
    buffer_done(&clean);
}
