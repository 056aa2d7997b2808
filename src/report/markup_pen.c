#include "report/markup_pen.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

struct markup {
    struct buffer text;
    pen_take *take;
    void *arg;
};

/* Of the characters from ' ' to '~', in thousandths of an em. */
static const short helvetica[] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278,
    278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584,
    584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556,
    833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278,
    278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222,
    500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,
    500, 334, 260, 334, 584
};

static void *markup_begin(enum sheet_form form, double width, double height,
                          const int *palette, pen_take *take, void *arg)
{
    struct markup *m = xcalloc(1, sizeof(*m));

    (void)form;
    (void)palette;
    m->take = take;
    m->arg = arg;
    buffer_print(&m->text, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                 "viewBox=\"0 0 %.6g %.6g\" role=\"img\">\n", width, height);
    return m;
}

static void markup_page(void *arg)
{
    (void)arg;
}

static void markup_open(void *arg, const char *name)
{
    struct markup *m = arg;

    buffer_text(&m->text, "<g><title>");
    quote_markup(&m->text, name);
    buffer_text(&m->text, "</title>\n");
}

static void markup_close(void *arg)
{
    struct markup *m = arg;

    buffer_text(&m->text, "</g>\n");
}

/* Adds a member that is a colour. */
static void markup_ink(struct markup *m, const char *member, int ink)
{
    if (ink & INK_RGB)
        buffer_print(&m->text, " %s=\"#%06x\"", member, ink & (INK_RGB - 1));
    else
        buffer_print(&m->text, " %s=\"var(--ink-%d)\"", member, ink);
}

static void markup_fill(void *arg, const struct box *box, int ink)
{
    struct markup *m = arg;

    buffer_print(&m->text, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                 "height=\"%.2f\"", box->x, box->y, box->width, box->height);
    markup_ink(m, "fill", ink);
    buffer_text(&m->text, "/>\n");
}

/* Adds points as the commands of a path. */
static void markup_points(struct markup *m, enum path path, const double *xy,
                          int count)
{
    buffer_text(&m->text, "<path d=\"");
    for (int i = 0; i < count; i++)
        buffer_print(&m->text, "%c%.2f %.2f",
                     i == 0 || (path == PATH_APART && i % 2 == 0) ? 'M' : 'L',
                     xy[2 * i], xy[2 * i + 1]);
    buffer_text(&m->text, path == PATH_CLOSED ? "Z\"" : "\"");
}

static void markup_stroke(void *arg, const struct stroke *stroke,
                          enum path path, const double *xy, int count)
{
    struct markup *m = arg;
    double dashes[4];
    int n = pen_dashes(stroke->dash, dashes);

    markup_points(m, path, xy, count);
    buffer_print(&m->text, " fill=\"none\" stroke-width=\"%.2f\"",
                 stroke->width);
    markup_ink(m, "stroke", stroke->ink);
    for (int i = 0; i < n; i++)
        buffer_print(&m->text, "%s%.2f", i ? " " : " stroke-dasharray=\"",
                     dashes[i] * stroke->width);
    if (n)
        buffer_text(&m->text, "\" stroke-linecap=\"round\"");
    buffer_text(&m->text, "/>\n");
}

static void markup_shape(void *arg, int ink, const double *xy, int count)
{
    struct markup *m = arg;

    markup_points(m, PATH_CLOSED, xy, count);
    markup_ink(m, "fill", ink);
    buffer_text(&m->text, "/>\n");
}

static void markup_words(void *arg, const struct font *font, double x,
                         double y, const char *text)
{
    static const char *const anchors[] = {
        [ALIGN_LEFT] = "", [ALIGN_MIDDLE] = " text-anchor=\"middle\"",
        [ALIGN_RIGHT] = " text-anchor=\"end\""
    };
    struct markup *m = arg;

    buffer_print(&m->text, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.2f\"%s%s"
                 "%s", x, y, font->size, anchors[font->align],
                 font->bold ? " font-weight=\"bold\"" : "",
                 font->fixed ? " class=\"fixed\"" : "");
    markup_ink(m, "fill", font->ink);
    buffer_text(&m->text, ">");
    quote_markup(&m->text, text);
    buffer_text(&m->text, "</text>\n");
}

static double markup_width(void *arg, const struct font *font,
                           const char *text)
{
    double ems = 0;

    (void)arg;
    for (size_t left = strlen(text), n; left > 0; left -= n, text += n) {
        uint32_t c;
        n = text_decode(text, left, &c);
        ems += font->fixed              ? 0.61
               : c >= ' ' && c <= '~'   ? helvetica[c - ' '] / 1000.0
               : c < 0x1100             ? 0.6
                                        : 1;
    }
    return ems * font->size * (font->bold ? 1.28 : 1.17);
}

static const char *markup_end(void *arg)
{
    struct markup *m = arg;

    buffer_text(&m->text, "</svg>\n");
    m->take(m->arg, m->text.bytes, m->text.count);
    buffer_done(&m->text);
    free(m);
    return NULL;
}

const struct pen markup_pen = {
    .version = PEN_VERSION, .begin = markup_begin, .page = markup_page,
    .open = markup_open, .close = markup_close, .fill = markup_fill,
    .stroke = markup_stroke, .shape = markup_shape, .text = markup_words,
    .width = markup_width, .end = markup_end,
};
