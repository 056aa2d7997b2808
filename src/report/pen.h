/*
 * A pen: what draws on a sheet. There are two. One writes markup, which pages
 * of HTML have in them: words stay words there, and colours are the page's. The
 * other is Cairo's, with Pango for words. It is in a module of its own, so that
 * a program that draws nothing has none of their libraries in memory, and so it
 * sees no other file of memdial.
 *
 * Lengths are in points of PDF and in pixels of all else; y goes down, and that
 * of words is their baseline. Text is UTF-8 without control characters.
 */
#ifndef MEMDIAL_PEN_H
#define MEMDIAL_PEN_H

#include <stdbool.h>
#include <stddef.h>

enum sheet_form { SHEET_MARKUP, SHEET_SVG, SHEET_PNG, SHEET_PDF };

/* Colours. Those of Okabe and Ito, which people with any common colour vision
 * can tell apart, follow INK_SERIES; the last of them is the text's own. Any
 * other colour is INK_RGB + 0xRRGGBB. */
enum { INK_PAPER, INK_TEXT, INK_DIM, INK_GRID, INK_SERIES,
       INK_BLUE = INK_SERIES, INK_VERMILION, INK_GREEN, INK_PURPLE, INK_ORANGE,
       INK_SKY, INK_BLACK, INK_COUNT, INK_RGB = 1 << 24 };

enum align { ALIGN_LEFT, ALIGN_MIDDLE, ALIGN_RIGHT };

struct font {
    int ink;
    double size;                 /* of an em */
    bool bold, fixed;            /* fixed: all characters are as wide */
    enum align align;            /* on the place that is given */
};

enum dash { DASH_NONE, DASH_LONG, DASH_SHORT, DASH_DOTS, DASH_MIXED,
            DASH_COUNT };

struct stroke {
    int ink;
    double width;
    enum dash dash;
};

struct box {
    double x, y, width, height;
};

/* Points are x, y, x, y, ..., [2 * count]. */
enum path { PATH_APART, PATH_JOINED, PATH_CLOSED }; /* APART: of two each */

typedef void pen_take(void *arg, const void *bytes, size_t count);

struct pen {
    int version;                 /* PEN_VERSION */
    /* Begins to draw; `take` has the finished sheet by the end. The palette
     * is [INK_COUNT] of 0xRRGGBB. */
    void *(*begin)(enum sheet_form, double width, double height,
                   const int *palette, pen_take *, void *arg);
    void (*page)(void *);        /* the next one */
    /* All between these two is a part with a name. */
    void (*open)(void *, const char *name);
    void (*close)(void *);
    void (*fill)(void *, const struct box *, int ink);
    void (*stroke)(void *, const struct stroke *, enum path, const double *xy,
                   int count);
    void (*shape)(void *, int ink, const double *xy, int count);
    void (*text)(void *, const struct font *, double x, double y,
                 const char *);
    double (*width)(void *, const struct font *, const char *);
    /* Releases it. NULL: all went well; or why not. */
    const char *(*end)(void *);
};

enum { PEN_VERSION = 1 };

/* The lengths of a dash and the gaps in it, as multiples of a stroke's width;
 * returns how many there are. */
static inline int pen_dashes(enum dash dash, double lengths[4])
{
    static const double all[DASH_COUNT][4] = {
        [DASH_LONG] = { 5, 2.5 }, [DASH_SHORT] = { 2.5, 2 },
        [DASH_DOTS] = { 0.1, 2.2 }, [DASH_MIXED] = { 6, 2.2, 0.1, 2.2 },
    };
    static const int counts[DASH_COUNT] = { 0, 2, 2, 2, 4 };

    for (int i = 0; i < 4; i++)
        lengths[i] = all[dash][i];
    return counts[dash];
}

/* The pen of the module. */
#define PEN_MODULE_NAME "memdial-pictures.so"
#define PEN_MODULE_SYMBOL "memdial_cairo_pen"

#endif
