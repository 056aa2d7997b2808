/*
 * All is laid out from the top down, by a flow that goes to the next page where
 * something has no room. A picture is one page, as high as it must be: it is
 * laid out twice, first to see how high that is.
 */
#include "report/pages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/figure.h"
#include "report/listing.h"

/* Points of A4, and pixels of a picture. */
static const double page_width = 595, page_height = 842, page_margin = 42;
static const double picture_width = 1000, picture_margin = 36;

/* As multiples of the text's size. */
#define LINE_HIGH 1.35

struct flow {
    struct sheet *sheet;
    double left, width;          /* of the contents */
    double y, bottom;            /* of the page; INFINITY: it never ends */
    double margin;
    double size;                 /* of text */
    int page;                    /* from 1 */
    const char *title;
};

static struct font flow_font(const struct flow *f, double times, int ink)
{
    return (struct font){ ink, times * f->size, .align = ALIGN_LEFT };
}

/* The number of a page, and the report that it is of. */
static void draw_foot(struct flow *f)
{
    struct font font = flow_font(f, 0.85, INK_DIM);
    char number[32];
    double y = page_height - 0.55 * page_margin;

    snprintf(number, sizeof(number), "%d", f->page);
    sheet_fit(f->sheet, font, f->left, y, f->width - 4 * f->size, f->title);
    font.align = ALIGN_RIGHT;
    sheet_text(f->sheet, font, f->left + f->width, y, number);
}

static void next_page(struct flow *f)
{
    sheet_page(f->sheet);
    f->page++;
    f->y = f->margin;
    draw_foot(f);
}

/* Goes to the next page unless this one has room. */
static void need_room(struct flow *f, double height)
{
    if (f->y + height > f->bottom && f->y > f->margin)
        next_page(f);
}

/* Takes a line of a text that has room in a width; the caller frees. */
static char *take_line_of(struct flow *f, struct font font, double width,
                          const char **text)
{
    size_t n = sheet_break(f->sheet, font, width, *text);
    char *line = xcalloc(n + 1, 1);

    memcpy(line, *text, n);
    *text += n;
    *text += strspn(*text, " ");
    return line;
}

/* A paragraph. */
static void flow_words(struct flow *f, struct font font, double indent,
                       const char *text)
{
    while (*text) {
        char *line = take_line_of(f, font, f->width - indent, &text);
        need_room(f, LINE_HIGH * font.size);
        sheet_text(f->sheet, font, f->left + indent, f->y + font.size, line);
        f->y += LINE_HIGH * font.size;
        free(line);
    }
}

static void flow_heading(struct flow *f, double times, const char *text,
                         double below)
{
    struct font font = flow_font(f, times, INK_TEXT);

    font.bold = true;
    f->y += f->y > f->margin ? 1.2 * f->size : 0;
    need_room(f, times * f->size + below);
    flow_words(f, font, 0, text);
    f->y += 0.35 * f->size;
}

static void flow_figure(struct flow *f, enum figure figure,
                        const struct report *r, const struct group *g)
{
    struct buffer title = { NULL, 0, 0 }, caption = { NULL, 0, 0 };
    struct look look = { f->width, f->size };
    double height = figure_height(figure, g, look);

    figure_title(figure, g, &title);
    figure_caption(figure, r, g, &caption);
    flow_heading(f, 1.1, title.bytes, height + 5 * f->size);
    if (caption.count)
        flow_words(f, flow_font(f, 0.9, INK_DIM), 0, caption.bytes);
    f->y += 0.5 * f->size;
    figure_draw(f->sheet, figure, r, g, f->left, f->y, look);
    f->y += height;
    buffer_done(&title);
    buffer_done(&caption);
}

/* The columns of a listing on a page. */
struct page_columns {
    double *width;               /* owned, [column_count], gap included */
    struct font font;
};

static double cell_width(struct flow *f, const struct page_columns *p,
                         const char *text)
{
    return sheet_width(f->sheet, p->font, text) + p->font.size;
}

/* Text that is no number may be broken: the widest such column gives way. */
static void narrow_columns(const struct listing *l, struct page_columns *p,
                           double room)
{
    double sum = 0;
    int widest = -1;

    for (int c = 0; c < l->column_count; c++) {
        sum += p->width[c];
        if (!l->columns[c].right &&
            (widest < 0 || p->width[c] > p->width[widest]))
            widest = c;
    }
    if (sum > room && widest >= 0)
        p->width[widest] = fmax(p->width[widest] - (sum - room),
                                8 * p->font.size);
}

/* A heading is broken between words alone. */
static double heading_width(struct flow *f, const struct page_columns *p,
                            const char *heading)
{
    double widest = 0;

    while (*heading) {
        size_t n = strcspn(heading, " ");
        char *word = xcalloc(n + 1, 1);
        memcpy(word, heading, n);
        widest = fmax(widest, cell_width(f, p, word));
        free(word);
        heading += n;
        heading += strspn(heading, " ");
    }
    return widest;
}

static void fit_columns(struct flow *f, const struct listing *l,
                        struct page_columns *p)
{
    p->width = xcalloc((unsigned long)l->column_count, sizeof(*p->width));
    for (int c = 0; c < l->column_count; c++)
        p->width[c] = heading_width(f, p, l->columns[c].heading);
    for (int i = 0; i < l->cell_count; i++) {
        int c = i % l->column_count;
        p->font.bold = c == 0;
        p->width[c] = fmax(p->width[c], cell_width(f, p, l->cells[i].text));
    }
    for (int i = 0; i < 3; i++)
        narrow_columns(l, p, f->width);
}

/* Draws a cell, or measures it; returns its height. */
static double lay_out_cell(struct flow *f, const struct page_columns *p,
                           const struct listing *l, int c, double x,
                           const char *text, bool draw)
{
    struct font font = p->font;
    double width = p->width[c] - p->font.size, y = f->y + font.size;

    if (l->columns[c].right) {
        font.align = ALIGN_RIGHT;
        x += width;
    }
    while (*text) {
        char *line = take_line_of(f, font, 1.01 * width, &text);
        if (draw)
            sheet_text(f->sheet, font, x, y, line);
        y += LINE_HIGH * font.size;
        free(line);
    }
    return y - f->y - font.size;
}

/* Draws a row of cells, or the headings. */
static void flow_row(struct flow *f, const struct listing *l,
                     struct page_columns *p, int row)
{
    double height = 0, x = f->left;

    for (int draw = 0; draw < 2; draw++) {
        for (int c = 0; c < l->column_count; c++) {
            const char *text =
                row < 0 ? l->columns[c].heading
                        : l->cells[row * l->column_count + c].text;
            p->font.bold = row >= 0 && c == 0;
            p->font.ink = row < 0 ? INK_DIM : INK_TEXT;
            height = fmax(height, lay_out_cell(f, p, l, c, x, text, draw));
            x += p->width[c];
        }
        if (!draw && row >= 0 && f->y + height > f->bottom) {
            next_page(f);
            flow_row(f, l, p, -1);
        }
        x = f->left;
    }
    f->y += height + 0.2 * p->font.size;
    sheet_line(f->sheet, (struct stroke){ INK_GRID, 0.5, DASH_NONE }, f->left,
               f->y, f->left + f->width, f->y);
    f->y += 0.25 * p->font.size;
}

static void flow_listing(struct flow *f, struct listing *l)
{
    struct page_columns p = { NULL, flow_font(f, l->column_count > 12   ? 0.7
                                                 : l->column_count > 9 ? 0.78
                                                                       : 0.9,
                                              INK_TEXT) };

    if (l->row_count > 0) {
        flow_heading(f, 1.1, l->title, 6 * f->size);
        fit_columns(f, l, &p);
        for (int row = -1; row < l->row_count; row++)
            flow_row(f, l, &p, row);
    }
    free(p.width);
    listing_done(l);
}

static void flow_commands(struct flow *f, const struct report *r,
                          const struct group *g)
{
    struct font bold = flow_font(f, 0.9, INK_TEXT);
    struct font fixed = flow_font(f, 0.8, INK_TEXT);

    bold.bold = true;
    fixed.fixed = true;
    flow_heading(f, 1.1, "Commands", 4 * f->size);
    for (int i = g->first; i < g->first + g->count; i++) {
        struct buffer command = { NULL, 0, 0 };
        entry_command(r, &r->entries[i], &command);
        need_room(f, LINE_HIGH * f->size);
        sheet_text(f->sheet, bold, f->left, f->y + fixed.size,
                   r->entries[i].label);
        flow_words(f, fixed, 2.6 * f->size, command.bytes);
        f->y += 0.3 * f->size;
        buffer_done(&command);
    }
}

static void flow_group(struct flow *f, const struct report *r,
                       const struct group *g, bool tables)
{
    struct buffer title = { NULL, 0, 0 }, common = { NULL, 0, 0 };

    group_title(r, g, &title);
    flow_heading(f, 1.35, title.bytes, 20 * f->size);
    buffer_done(&title);
    if (*g->common) {
        buffer_print(&common, "All with %s", g->common);
        flow_words(f, flow_font(f, 0.9, INK_DIM), 0, common.bytes);
        buffer_done(&common);
    }
    for (int i = 0; i < FIGURE_COUNT; i++)
        if (figure_is((enum figure)i, r, g))
            flow_figure(f, (enum figure)i, r, g);
    for (int i = 0; i < LISTING_COUNT && tables; i++) {
        struct listing l;
        listing_make(&l, i, r, g);
        flow_listing(f, &l);
    }
    if (tables)
        flow_commands(f, r, g);
}

/* Lays out a whole report. */
static void flow_report(struct flow *f, const struct report *r, bool tables)
{
    struct buffer summary = { NULL, 0, 0 };

    flow_heading(f, 2, r->title, 0);
    report_summary(r, &summary);
    flow_words(f, flow_font(f, 1, INK_DIM), 0, summary.bytes);
    buffer_done(&summary);
    for (int g = 0; g < r->group_count; g++)
        flow_group(f, r, &r->groups[g], tables);
    if (tables) {
        struct listing l;
        listing_machines(&l, r);
        flow_listing(f, &l);
        listing_others(&l, r);
        flow_listing(f, &l);
    }
}

static bool write_pdf(const struct report *r, struct buffer *b,
                      struct error *e)
{
    struct flow f = {
        .sheet = sheet_new(SHEET_PDF, page_width, page_height),
        .left = page_margin, .width = page_width - 2 * page_margin,
        .y = page_margin, .bottom = page_height - page_margin,
        .margin = page_margin, .size = 9, .page = 1, .title = r->title
    };

    draw_foot(&f);
    flow_report(&f, r, true);
    return sheet_end(f.sheet, b, e);
}

/* Returns the height that the picture takes. */
static double draw_picture(const struct report *r, struct sheet *s)
{
    struct flow f = {
        .sheet = s, .left = picture_margin,
        .width = picture_width - 2 * picture_margin, .y = picture_margin,
        .bottom = INFINITY, .margin = picture_margin, .size = 13,
        .title = r->title
    };

    flow_report(&f, r, false);
    return f.y + picture_margin;
}

bool pages_write(const struct report *r, enum sheet_form form,
                 struct buffer *b, struct error *e)
{
    struct buffer draft = { NULL, 0, 0 };
    struct sheet *s;
    double height;
    bool ok;

    if (form == SHEET_PDF)
        return write_pdf(r, b, e);
    s = sheet_new(form, picture_width, 1);
    height = draw_picture(r, s);
    ok = sheet_end(s, &draft, e);
    buffer_done(&draft);
    if (!ok)
        return false;
    s = sheet_new(form, picture_width, ceil(height));
    draw_picture(r, s);
    return sheet_end(s, b, e);
}
