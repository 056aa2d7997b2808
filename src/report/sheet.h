/*
 * A sheet: what pictures are drawn on. It takes boxes, lines, shapes and words,
 * and becomes a file, or a part of a page of HTML. pen.h has the terms.
 *
 * Words come as they are: what cannot be shown is drawn as '?'.
 */
#ifndef MEMDIAL_SHEET_H
#define MEMDIAL_SHEET_H

#include "base/buffer.h"
#include "base/error.h"
#include "report/pen.h"

struct sheet;

/* Whether there is a pen for a form. All but markup need the module: it is
 * looked for beside the program, in the library directory that the program was
 * installed with, and at MEMDIAL_PICTURES_MODULE. */
bool sheet_can(enum sheet_form, struct error *);

/* The form must be one that sheet_can() accepts. The page's background is
 * drawn, but in markup. */
struct sheet *sheet_new(enum sheet_form, double width, double height);

/* Adds the finished sheet to a buffer, and releases it, even on failure. */
bool sheet_end(struct sheet *, struct buffer *, struct error *);

enum sheet_form sheet_form(const struct sheet *);

/* Goes to the next page, of a PDF. */
void sheet_page(struct sheet *);

/* All between these two is a part with a name, which a page of HTML tells of.
 */
void sheet_open(struct sheet *, const char *name);
void sheet_close(struct sheet *);

void sheet_fill(struct sheet *, struct box, int ink);
void sheet_line(struct sheet *, struct stroke, double x0, double y0, double x1,
                double y1);
void sheet_stroke(struct sheet *, struct stroke, enum path, const double *xy,
                  int count);
void sheet_shape(struct sheet *, int ink, const double *xy, int count);
void sheet_text(struct sheet *, struct font, double x, double y,
                const char *text);
double sheet_width(struct sheet *, struct font, const char *text);

/* Draws as much of a text as there is room for, the last an ellipsis if it was
 * cut; returns its width. */
double sheet_fit(struct sheet *, struct font, double x, double y, double width,
                 const char *text);

/* The bytes of a text's beginning that have room in a width: whole words where
 * that is possible, all of a text without words. */
size_t sheet_break(struct sheet *, struct font, double width,
                   const char *text);

#endif
