/*
 * The pen that writes markup: an element <svg> for a page of HTML. Its colours
 * are the page's variables --ink-0, --ink-1, ..., so that one picture is right
 * on a light page and on a dark one.
 *
 * The reader's fonts are not known. Widths are those of Helvetica and a sixth
 * more, as DejaVu has, and words are placed by the end that matters.
 */
#ifndef MEMDIAL_MARKUP_PEN_H
#define MEMDIAL_MARKUP_PEN_H

#include "report/pen.h"

extern const struct pen markup_pen;

#endif
