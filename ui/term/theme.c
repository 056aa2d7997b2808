#include "ui/term/theme.h"

#include <stdlib.h>
#include <string.h>

#define KIND(kind) [ROLE_KIND + KIND_##kind]

static const struct paint dark[ROLE_COUNT] = {
    [ROLE_TEXT] = { -1, -1, 0 },
    [ROLE_DIM] = { 245, -1, STYLE_DIM },
    [ROLE_BORDER] = { 241, -1, STYLE_DIM },
    [ROLE_FOCUS] = { 81, 6, 0 },
    [ROLE_TITLE] = { -1, -1, STYLE_BOLD },
    [ROLE_KEY] = { 81, 6, 0 },
    [ROLE_STATUS] = { -1, -1, 0 },
    [ROLE_GOOD] = { 114, 2, 0 },
    [ROLE_BAD] = { 203, 1, 0 },
    [ROLE_WARNING] = { 221, 3, STYLE_BOLD },
    [ROLE_PENDING] = { 221, 3, 0 },
    [ROLE_LOSS] = { 215, 3, 0 },
    [ROLE_TRAIN] = { 75, 4, 0 },
    [ROLE_VALID] = { 114, 2, 0 },
    [ROLE_RAW] = { 242, -1, STYLE_DIM },
    [ROLE_EARLIER] = { 244, -1, STYLE_DIM },
    [ROLE_PINNED] = { 176, 5, 0 },
    [ROLE_MARK] = { 221, 3, 0 },
    [ROLE_FORWARD] = { 75, 4, 0 },
    [ROLE_RECOMPUTE] = { 221, 3, 0 },
    [ROLE_BACKWARD] = { 203, 1, 0 },
    [ROLE_UPDATE] = { 114, 2, 0 },
    KIND(WEIGHTS) = { 114, 2, 0 },
    KIND(INDEX) = { 180, 7, 0 },
    KIND(GRADIENTS) = { 221, 3, 0 },
    KIND(OPTIMIZER) = { 176, 5, 0 },
    KIND(ACTIVATIONS) = { 75, 4, 0 },
    KIND(TRANSIENT) = { 80, 6, 0 },
    KIND(WORKSPACE) = { 209, 1, 0 },
    KIND(INPUT) = { 250, -1, 0 },
};

static const struct paint light[ROLE_COUNT] = {
    [ROLE_TEXT] = { -1, -1, 0 },
    [ROLE_DIM] = { 242, -1, STYLE_DIM },
    [ROLE_BORDER] = { 246, -1, STYLE_DIM },
    [ROLE_FOCUS] = { 25, 4, 0 },
    [ROLE_TITLE] = { -1, -1, STYLE_BOLD },
    [ROLE_KEY] = { 25, 4, 0 },
    [ROLE_STATUS] = { -1, -1, 0 },
    [ROLE_GOOD] = { 28, 2, 0 },
    [ROLE_BAD] = { 124, 1, 0 },
    [ROLE_WARNING] = { 130, 1, STYLE_BOLD },
    [ROLE_PENDING] = { 130, 5, 0 },
    [ROLE_LOSS] = { 130, 1, 0 },
    [ROLE_TRAIN] = { 25, 4, 0 },
    [ROLE_VALID] = { 28, 2, 0 },
    [ROLE_RAW] = { 246, -1, STYLE_DIM },
    [ROLE_EARLIER] = { 244, -1, STYLE_DIM },
    [ROLE_PINNED] = { 127, 5, 0 },
    [ROLE_MARK] = { 130, 1, 0 },
    [ROLE_FORWARD] = { 25, 4, 0 },
    [ROLE_RECOMPUTE] = { 130, 5, 0 },
    [ROLE_BACKWARD] = { 124, 1, 0 },
    [ROLE_UPDATE] = { 28, 2, 0 },
    KIND(WEIGHTS) = { 28, 2, 0 },
    KIND(INDEX) = { 94, -1, 0 },
    KIND(GRADIENTS) = { 136, 3, 0 },
    KIND(OPTIMIZER) = { 127, 5, 0 },
    KIND(ACTIVATIONS) = { 25, 4, 0 },
    KIND(TRANSIENT) = { 30, 6, 0 },
    KIND(WORKSPACE) = { 160, 1, 0 },
    KIND(INPUT) = { 240, -1, 0 },
};

/* The hues of Okabe and Ito, which people with any common colour vision can
 * tell apart, dark enough for a white background and light enough for a black
 * one. */
static const struct paint colour_blind[ROLE_COUNT] = {
    [ROLE_TEXT] = { -1, -1, 0 },
    [ROLE_DIM] = { 245, -1, STYLE_DIM },
    [ROLE_BORDER] = { 243, -1, STYLE_DIM },
    [ROLE_FOCUS] = { 32, 6, 0 },
    [ROLE_TITLE] = { -1, -1, STYLE_BOLD },
    [ROLE_KEY] = { 32, 6, 0 },
    [ROLE_STATUS] = { -1, -1, 0 },
    [ROLE_GOOD] = { 32, 6, 0 },
    [ROLE_BAD] = { 166, 1, 0 },
    [ROLE_WARNING] = { 172, 3, STYLE_BOLD },
    [ROLE_PENDING] = { 172, 3, 0 },
    [ROLE_LOSS] = { 172, 3, 0 },
    [ROLE_TRAIN] = { 32, 6, 0 },
    [ROLE_VALID] = { 29, 2, 0 },
    [ROLE_RAW] = { 243, -1, STYLE_DIM },
    [ROLE_EARLIER] = { 244, -1, STYLE_DIM },
    [ROLE_PINNED] = { 169, 5, 0 },
    [ROLE_MARK] = { 136, 3, 0 },
    [ROLE_FORWARD] = { 32, 6, 0 },
    [ROLE_RECOMPUTE] = { 136, 3, 0 },
    [ROLE_BACKWARD] = { 166, 1, 0 },
    [ROLE_UPDATE] = { 29, 2, 0 },
    KIND(WEIGHTS) = { 29, 2, 0 },
    KIND(INDEX) = { 244, 7, 0 },
    KIND(GRADIENTS) = { 136, 3, 0 },
    KIND(OPTIMIZER) = { 169, 5, 0 },
    KIND(ACTIVATIONS) = { 26, 4, 0 },
    KIND(TRANSIENT) = { 32, 6, 0 },
    KIND(WORKSPACE) = { 166, 1, 0 },
    KIND(INPUT) = { 172, -1, 0 },
};

/* For dark backgrounds. */
static const struct paint contrast[ROLE_COUNT] = {
    [ROLE_TEXT] = { -1, -1, STYLE_BOLD },
    [ROLE_DIM] = { -1, -1, 0 },
    [ROLE_BORDER] = { -1, -1, 0 },
    [ROLE_FOCUS] = { 14, 6, STYLE_BOLD },
    [ROLE_TITLE] = { -1, -1, STYLE_BOLD },
    [ROLE_KEY] = { 14, 6, STYLE_BOLD },
    [ROLE_STATUS] = { -1, -1, STYLE_BOLD },
    [ROLE_GOOD] = { 10, 2, STYLE_BOLD },
    [ROLE_BAD] = { 210, 1, STYLE_BOLD },
    [ROLE_WARNING] = { 11, 3, STYLE_BOLD | STYLE_REVERSE },
    [ROLE_PENDING] = { 11, 3, STYLE_BOLD },
    [ROLE_LOSS] = { 11, 3, STYLE_BOLD },
    [ROLE_TRAIN] = { 111, 4, STYLE_BOLD },
    [ROLE_VALID] = { 10, 2, STYLE_BOLD },
    [ROLE_RAW] = { -1, -1, 0 },
    [ROLE_EARLIER] = { -1, -1, 0 },
    [ROLE_PINNED] = { 13, 5, STYLE_BOLD },
    [ROLE_MARK] = { 11, 3, STYLE_BOLD },
    [ROLE_FORWARD] = { 111, 4, STYLE_BOLD },
    [ROLE_RECOMPUTE] = { 11, 3, STYLE_BOLD },
    [ROLE_BACKWARD] = { 210, 1, STYLE_BOLD },
    [ROLE_UPDATE] = { 10, 2, STYLE_BOLD },
    KIND(WEIGHTS) = { 10, 2, STYLE_BOLD },
    KIND(INDEX) = { 15, 7, STYLE_BOLD },
    KIND(GRADIENTS) = { 11, 3, STYLE_BOLD },
    KIND(OPTIMIZER) = { 13, 5, STYLE_BOLD },
    KIND(ACTIVATIONS) = { 111, 4, STYLE_BOLD },
    KIND(TRANSIENT) = { 14, 6, STYLE_BOLD },
    KIND(WORKSPACE) = { 210, 1, STYLE_BOLD },
    KIND(INPUT) = { -1, -1, STYLE_BOLD },
};

/* Without colours: attributes alone. */
static const unsigned mono[ROLE_COUNT] = {
    [ROLE_DIM] = STYLE_DIM,
    [ROLE_BORDER] = STYLE_DIM,
    [ROLE_FOCUS] = STYLE_BOLD,
    [ROLE_TITLE] = STYLE_BOLD,
    [ROLE_KEY] = STYLE_BOLD,
    [ROLE_WARNING] = STYLE_REVERSE,
    [ROLE_BAD] = STYLE_BOLD,
    [ROLE_PENDING] = STYLE_BOLD | STYLE_UNDERLINE,
    [ROLE_RAW] = STYLE_DIM,
    [ROLE_EARLIER] = STYLE_DIM,
};

static const struct {
    const char *name;
    const struct paint *paints;
} themes[THEME_COUNT] = {
    [THEME_DARK] = { "dark", dark },
    [THEME_LIGHT] = { "light", light },
    [THEME_COLOUR_BLIND] = { "colour-blind", colour_blind },
    [THEME_CONTRAST] = { "contrast", contrast },
    [THEME_MONO] = { "mono", NULL },
};

static const struct {
    char letter;
    const char *pattern;
} kinds[KIND_COUNT] = {
    [KIND_WEIGHTS] = { 'W', "▓" },
    [KIND_INDEX] = { 'I', "▞" },
    [KIND_GRADIENTS] = { 'G', "░" },
    [KIND_OPTIMIZER] = { 'O', "▚" },
    [KIND_ACTIVATIONS] = { 'A', "█" },
    [KIND_TRANSIENT] = { 'T', "▒" },
    [KIND_WORKSPACE] = { 'S', "▌" },
    [KIND_INPUT] = { 'N', "▙" },
};

struct paint theme_paint(enum theme theme, enum role role)
{
    if (theme == THEME_MONO)
        return (struct paint){ -1, -1, mono[role] };
    return themes[theme].paints[role];
}

unsigned theme_attributes(enum theme theme, unsigned style, bool has_greys)
{
    unsigned own = theme_paint(theme, (enum role)(style & STYLE_ROLE))
                       .attributes;

    if (has_greys)
        own &= ~(unsigned)STYLE_DIM;
    /* A chosen cell must differ from a role that is reversed itself. */
    style ^= own & STYLE_REVERSE;
    style |= own & ~(unsigned)STYLE_REVERSE;
    return style & ~(unsigned)STYLE_ROLE;
}

void theme_rgb(int colour, int rgb[3])
{
    static const int bright[] = { 0, 95, 135, 175, 215, 255 };
    int cube = colour - 16, grey = 8 + 10 * (colour - 232);

    if (colour >= 232) {
        rgb[0] = rgb[1] = rgb[2] = grey;
    } else if (colour >= 16) {
        rgb[0] = bright[cube / 36];
        rgb[1] = bright[cube / 6 % 6];
        rgb[2] = bright[cube % 6];
    } else { /* the sixteen of an IBM PC, but in that order */
        int full = colour >= 8 ? 255 : 170, none = colour >= 8 ? 85 : 0;
        for (int i = 0; i < 3; i++)
            rgb[i] = colour >> i & 1 ? full : none;
    }
}

const char *theme_name(enum theme theme)
{
    return themes[theme].name;
}

bool theme_find(const char *name, enum theme *theme)
{
    for (int i = 0; i < THEME_COUNT; i++)
        if (strcmp(name, themes[i].name) == 0) {
            *theme = (enum theme)i;
            return true;
        }
    return false;
}

enum theme theme_guess(void)
{
    const char *colours = getenv("COLORFGBG");
    const char *last = colours ? strrchr(colours, ';') : NULL;
    int background = last ? atoi(last + 1) : 0;

    return background == 7 || background > 8 ? THEME_LIGHT : THEME_DARK;
}

char theme_letter(enum kind kind)
{
    return kinds[kind].letter;
}

const char *theme_pattern(enum kind kind, enum glyphs glyphs)
{
    static const char letters[KIND_COUNT][2] = {
        [KIND_WEIGHTS] = "w",     [KIND_INDEX] = "i",
        [KIND_GRADIENTS] = "g",   [KIND_OPTIMIZER] = "o",
        [KIND_ACTIVATIONS] = "a", [KIND_TRANSIENT] = "t",
        [KIND_WORKSPACE] = "s",   [KIND_INPUT] = "n",
    };

    return glyphs == GLYPHS_ASCII ? letters[kind] : kinds[kind].pattern;
}
