/*
 * Themes: the looks of the roles of a frame. Colours are the terminal's own
 * where they can be (its foreground and background). No fact is shown by colour
 * alone: every kind of memory also has a letter and a pattern.
 */
#ifndef MEMDIAL_THEME_H
#define MEMDIAL_THEME_H

#include "base/kind.h"
#include "ui/term/cells.h"

enum role {
    ROLE_TEXT,           /* the terminal's own colours */
    ROLE_DIM,            /* less important text */
    ROLE_BORDER,
    ROLE_FOCUS,          /* the border and title of the pane with the keys */
    ROLE_TITLE,
    ROLE_KEY,            /* of a key hint, and of clickable text */
    ROLE_STATUS,         /* the status line */
    ROLE_GOOD,           /* less memory, a better score */
    ROLE_BAD,
    ROLE_WARNING,
    ROLE_PENDING,        /* chosen, not applied yet */
    ROLE_LOSS,           /* curves */
    ROLE_TRAIN,
    ROLE_VALID,
    ROLE_RAW,
    ROLE_EARLIER,
    ROLE_PINNED,
    ROLE_MARK,
    ROLE_FORWARD,        /* phases of a step */
    ROLE_RECOMPUTE,
    ROLE_BACKWARD,
    ROLE_UPDATE,
    ROLE_KIND,           /* kinds of memory, ROLE_KIND + enum kind */
    ROLE_COUNT = ROLE_KIND + KIND_COUNT
};

enum theme { THEME_DARK, THEME_LIGHT, THEME_COLOUR_BLIND, THEME_CONTRAST,
             THEME_MONO, THEME_COUNT };

/* A colour of a palette of 256, and one of the first 8 for terminals with
 * fewer; -1: the terminal's own. Attributes are STYLE_... */
struct paint {
    short colour, few;
    unsigned attributes;
};

struct paint theme_paint(enum theme, enum role);

/* The attributes with which a style is shown. Where there are greys, a role
 * that is dim is grey. */
unsigned theme_attributes(enum theme, unsigned style, bool has_greys);

/* Red, green and blue, 0 to 255, of a colour of the palette of 256. */
void theme_rgb(int colour, int rgb[3]);

/* "dark"; as a theme is named in the file of settings. */
const char *theme_name(enum theme);

/* False if there is no theme of that name. */
bool theme_find(const char *name, enum theme *);

/* Light or dark, by the background that terminals give in COLORFGBG, which is
 * "15;0" or "0;default;15"; dark without it. */
enum theme theme_guess(void);

/* The letter of a kind of memory, and the pattern that fills its bars. */
char theme_letter(enum kind);
const char *theme_pattern(enum kind, enum glyphs);

#endif
