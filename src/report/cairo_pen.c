/*
 * The pen that draws with Cairo, and words with Pango: the module for pictures.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <pango/pangocairo.h>

#include "report/pen.h"

/* Pixels of a PNG to a pixel of the sheet, for screens with small pixels. */
static const double png_scale = 2;

struct drawing {
    enum sheet_form form;
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoLayout *layout;
    PangoFontDescription *description;
    double width, height;
    const int *palette;
    pen_take *take;
    void *arg;
};

static cairo_status_t pass_on(void *arg, const unsigned char *bytes,
                              unsigned count)
{
    struct drawing *d = arg;

    d->take(d->arg, bytes, count);
    return CAIRO_STATUS_SUCCESS;
}

static void set_ink(struct drawing *d, int ink)
{
    int rgb = ink & INK_RGB ? ink & (INK_RGB - 1) : d->palette[ink];

    cairo_set_source_rgb(d->cairo, (rgb >> 16 & 255) / 255.0,
                         (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

static void paint_paper(struct drawing *d)
{
    set_ink(d, INK_PAPER);
    cairo_paint(d->cairo);
}

static cairo_surface_t *make_surface(struct drawing *d)
{
    cairo_surface_t *s;

    switch (d->form) {
    case SHEET_PDF:
        s = cairo_pdf_surface_create_for_stream(pass_on, d, d->width,
                                                d->height);
        cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATOR,
                                       "memdial");
        return s;
    case SHEET_SVG:
        s = cairo_svg_surface_create_for_stream(pass_on, d, d->width,
                                                d->height);
        cairo_svg_surface_set_document_unit(s, CAIRO_SVG_UNIT_PX);
        return s;
    default:
        s = cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                       (int)ceil(d->width * png_scale),
                                       (int)ceil(d->height * png_scale));
        cairo_surface_set_device_scale(s, png_scale, png_scale);
        return s;
    }
}

/* The library's allocators end the program where there is no memory. */
static void *cairo_pen_begin(enum sheet_form form, double width, double height,
                           const int *palette, pen_take *take, void *arg)
{
    struct drawing *d = g_new0(struct drawing, 1);

    d->form = form;
    d->width = width;
    d->height = height;
    d->palette = palette;
    d->take = take;
    d->arg = arg;
    d->surface = make_surface(d);
    d->cairo = cairo_create(d->surface);
    d->layout = pango_cairo_create_layout(d->cairo);
    d->description = pango_font_description_new();
    paint_paper(d);
    return d;
}

static void cairo_pen_page(void *arg)
{
    struct drawing *d = arg;

    cairo_show_page(d->cairo);
    paint_paper(d);
}

static void cairo_pen_part(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

static void cairo_pen_part_end(void *arg)
{
    (void)arg;
}

static void cairo_pen_fill(void *arg, const struct box *box, int ink)
{
    struct drawing *d = arg;

    set_ink(d, ink);
    cairo_rectangle(d->cairo, box->x, box->y, box->width, box->height);
    cairo_fill(d->cairo);
}

static void trace_points(struct drawing *d, enum path path, const double *xy,
                  int count)
{
    cairo_new_path(d->cairo);
    for (int i = 0; i < count; i++)
        if (path == PATH_APART && i % 2 == 0)
            cairo_move_to(d->cairo, xy[2 * i], xy[2 * i + 1]);
        else
            cairo_line_to(d->cairo, xy[2 * i], xy[2 * i + 1]);
    if (path == PATH_CLOSED)
        cairo_close_path(d->cairo);
}

static void cairo_pen_stroke(void *arg, const struct stroke *stroke,
                           enum path path, const double *xy, int count)
{
    struct drawing *d = arg;
    double dashes[4];
    int n = pen_dashes(stroke->dash, dashes);

    for (int i = 0; i < n; i++)
        dashes[i] *= stroke->width;
    set_ink(d, stroke->ink);
    cairo_set_line_width(d->cairo, stroke->width);
    cairo_set_dash(d->cairo, dashes, n, 0);
    cairo_set_line_cap(d->cairo, n ? CAIRO_LINE_CAP_ROUND
                                   : CAIRO_LINE_CAP_BUTT);
    cairo_set_line_join(d->cairo, CAIRO_LINE_JOIN_ROUND);
    trace_points(d, path, xy, count);
    cairo_stroke(d->cairo);
}

static void cairo_pen_shape(void *arg, int ink, const double *xy, int count)
{
    struct drawing *d = arg;

    set_ink(d, ink);
    trace_points(d, PATH_CLOSED, xy, count);
    cairo_fill(d->cairo);
}

/* Sets the layout to a text. */
static void lay_out_text(struct drawing *d, const struct font *font,
                         const char *text)
{
    PangoFontDescription *f = d->description;

    pango_font_description_set_family_static(f, font->fixed ? "Monospace"
                                                            : "Sans");
    pango_font_description_set_weight(f, font->bold ? PANGO_WEIGHT_BOLD
                                                    : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(f, font->size * PANGO_SCALE);
    pango_layout_set_font_description(d->layout, f);
    pango_layout_set_text(d->layout, text, -1);
}

static double layout_width(struct drawing *d)
{
    int width;

    pango_layout_get_size(d->layout, &width, NULL);
    return (double)width / PANGO_SCALE;
}

static void cairo_pen_text(void *arg, const struct font *font, double x,
                         double y, const char *text)
{
    static const double before[] = { [ALIGN_LEFT] = 0, [ALIGN_MIDDLE] = 0.5,
                                     [ALIGN_RIGHT] = 1 };
    struct drawing *d = arg;

    lay_out_text(d, font, text);
    set_ink(d, font->ink);
    cairo_move_to(d->cairo, x - before[font->align] * layout_width(d),
                  y - (double)pango_layout_get_baseline(d->layout) /
                          PANGO_SCALE);
    pango_cairo_show_layout(d->cairo, d->layout);
}

static double cairo_pen_width(void *arg, const struct font *font,
                            const char *text)
{
    struct drawing *d = arg;

    lay_out_text(d, font, text);
    return layout_width(d);
}

static const char *cairo_pen_end(void *arg)
{
    struct drawing *d = arg;
    cairo_status_t status = cairo_status(d->cairo);

    pango_font_description_free(d->description);
    g_object_unref(d->layout);
    cairo_destroy(d->cairo);
    if (!status && d->form == SHEET_PNG)
        status = cairo_surface_write_to_png_stream(d->surface, pass_on, d);
    cairo_surface_finish(d->surface);
    if (!status)
        status = cairo_surface_status(d->surface);
    cairo_surface_destroy(d->surface);
    g_free(d);
    return status ? cairo_status_to_string(status) : NULL;
}

/* The one name that the module shows. */
extern const struct pen memdial_cairo_pen
    __attribute__((visibility("default")));
const struct pen memdial_cairo_pen = {
    .version = PEN_VERSION, .begin = cairo_pen_begin, .page = cairo_pen_page,
    .open = cairo_pen_part, .close = cairo_pen_part_end, .fill = cairo_pen_fill,
    .stroke = cairo_pen_stroke, .shape = cairo_pen_shape,
    .text = cairo_pen_text, .width = cairo_pen_width, .end = cairo_pen_end,
};
