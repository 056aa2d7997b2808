#include "ui/term/prompt.h"

#include <string.h>

#include "base/text.h"
#include "ui/term/input.h"
#include "ui/term/theme.h"

enum {
    CTRL_A = 1, CTRL_B = 2, CTRL_D = 4, CTRL_E = 5, CTRL_F = 6, CTRL_K = 11,
    CTRL_U = 21, CTRL_W = 23
};

static size_t place_before(const char *text, size_t at)
{
    do
        at -= at > 0;
    while (at > 0 && text_continues(text[at]));
    return at;
}

static size_t place_after(const char *text, size_t at)
{
    at += text[at] != '\0';
    while (text_continues(text[at]))
        at++;
    return at;
}

/* The beginning of the word before the cursor; in a path, of the name. */
static size_t word_before(const char *text, size_t at)
{
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '/'))
        at--;
    while (at > 0 && text[at - 1] != ' ' && text[at - 1] != '/')
        at--;
    return at;
}

/* Cuts the text between two places out; returns the first. */
static size_t cut_out(char *text, size_t from, size_t to)
{
    memmove(text + from, text + to, strlen(text + to) + 1);
    return from;
}

bool prompt_writes(int key)
{
    return key >= ' ' && key < KEY_BASE && key != 0x7f;
}

static size_t insert_key(char *text, size_t size, size_t at, int key)
{
    char c[CELL_TEXT_SIZE];
    size_t n, length = strlen(text);

    if (!prompt_writes(key))
        return at;
    cells_encode((uint32_t)key, c);
    n = strlen(c);
    if (length + n >= size)
        return at;
    memmove(text + at + n, text + at, length - at + 1);
    memcpy(text + at, c, n);
    return at + n;
}

void prompt_key(char *text, size_t size, size_t *at, int key)
{
    size_t end = strlen(text);

    if (*at > end)
        *at = end;
    switch (key) {
    case KEY_ARROW_LEFT:
    case CTRL_B:
        *at = place_before(text, *at);
        break;
    case KEY_ARROW_RIGHT:
    case CTRL_F:
        *at = place_after(text, *at);
        break;
    case KEY_TO_START:
    case CTRL_A:
        *at = 0;
        break;
    case KEY_TO_END:
    case CTRL_E:
        *at = end;
        break;
    case KEY_RUBOUT:
        *at = cut_out(text, place_before(text, *at), *at);
        break;
    case KEY_ERASE:
    case CTRL_D:
        cut_out(text, *at, place_after(text, *at));
        break;
    case CTRL_U:
        *at = cut_out(text, 0, *at);
        break;
    case CTRL_K:
        text[*at] = '\0';
        break;
    case CTRL_W:
        *at = cut_out(text, word_before(text, *at), *at);
        break;
    default:
        *at = insert_key(text, size, *at, key);
        break;
    }
}

/* Columns of the first bytes of a text. */
static int width_to(const char *text, size_t bytes)
{
    return cells_width(text) - cells_width(text + bytes);
}

void prompt_draw(struct area area, int row, int col, const char *text,
                 size_t at, bool replaced)
{
    struct area line = area_sub(area, row, col, 1, area.cols - col - 1);
    size_t from = 0;

    while (from < at && width_to(text + from, at - from) >= line.cols - 1)
        from = place_after(text, from);
    area_text(line, 0, 0, ROLE_TEXT, text + from);
    if (from > 0)
        area_text(line, 0, 0, ROLE_DIM, "…");
    if (cells_width(text + from) >= line.cols)
        area_text(line, 0, line.cols - 1, ROLE_DIM, "…");
    if (replaced)
        area_mark(line, 0, 0, width_to(text + from, strlen(text + from)),
                  STYLE_REVERSE);
    area_mark(line, 0, width_to(text + from, at - from), 1, STYLE_REVERSE);
}
