#define _GNU_SOURCE

#include "report/sheet.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/markup_pen.h"

struct sheet {
    enum sheet_form form;
    const struct pen *pen;
    void *drawing;               /* the pen's */
    struct buffer bytes;         /* of the finished sheet */
};

static const int palette[INK_COUNT] = {
    [INK_PAPER] = 0xffffff,  [INK_TEXT] = 0x1b1f24,  [INK_DIM] = 0x59636e,
    [INK_GRID] = 0xdde2e7,   [INK_BLUE] = 0x0072b2,
    [INK_VERMILION] = 0xd55e00, [INK_GREEN] = 0x009e73,
    [INK_PURPLE] = 0xcc79a7, [INK_ORANGE] = 0xe69f00, [INK_SKY] = 0x56b4e9,
    [INK_BLACK] = 0x1b1f24,
};

enum { PEN_WHY_SIZE = 512 };

/* The pen of the module, or why there is none. */
struct pen_module {
    bool tried;
    const struct pen *pen;
    char why[PEN_WHY_SIZE];
};

static void load_pen(struct pen_module *m, const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct pen *pen = library ? dlsym(library, PEN_MODULE_SYMBOL) : NULL;

    if (!library)
        snprintf(m->why, sizeof(m->why), "%s", dlerror());
    else if (!pen || pen->version != PEN_VERSION)
        snprintf(m->why, sizeof(m->why), "%.200s: of another build of memdial; "
                 "install both anew", path);
    else
        m->pen = pen;
}

/* The first place that has a module; false if there is none. */
static bool find_pen(char path[PATH_MAX + 64])
{
    static const char *const places[] = {
        "%s" PEN_MODULE_NAME, "%s../lib/memdial/" PEN_MODULE_NAME,
        "%.0s" PICTURES_MODULE_DIRECTORY "/" PEN_MODULE_NAME
    };
    char directory[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    char *slash;

    directory[n > 0 ? n : 0] = '\0';
    slash = strrchr(directory, '/');
    directory[slash ? slash + 1 - directory : 0] = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, PATH_MAX + 64, places[i], directory);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static const struct pen_module *pen_module(void)
{
    static struct pen_module m;
    const char *named = getenv("MEMDIAL_PICTURES_MODULE");
    char path[PATH_MAX + 64];

    if (m.tried)
        return &m;
    m.tried = true;
    if (named && *named)
        load_pen(&m, named);
    else if (find_pen(path))
        load_pen(&m, path);
    else
        strcpy(m.why, "no " PEN_MODULE_NAME " is beside the program or in its "
               "library directory: build memdial with Cairo and Pango (on "
               "Debian: libcairo2-dev libpango1.0-dev)");
    return &m;
}

bool sheet_can(enum sheet_form form, struct error *e)
{
    return form == SHEET_MARKUP || pen_module()->pen ||
           error_set(e, EXIT_RUN, "pictures cannot be drawn: %s",
                     pen_module()->why);
}

static void take_bytes(void *arg, const void *bytes, size_t count)
{
    struct sheet *s = arg;

    buffer_add(&s->bytes, bytes, count);
}

struct sheet *sheet_new(enum sheet_form form, double width, double height)
{
    struct sheet *s = xcalloc(1, sizeof(*s));

    s->form = form;
    s->pen = form == SHEET_MARKUP ? &markup_pen : pen_module()->pen;
    s->drawing = s->pen->begin(form, width, height, palette, take_bytes, s);
    return s;
}

bool sheet_end(struct sheet *s, struct buffer *to, struct error *e)
{
    const char *why = s->pen->end(s->drawing);

    if (!why)
        buffer_add(to, s->bytes.bytes, s->bytes.count);
    buffer_done(&s->bytes);
    free(s);
    return !why || error_set(e, EXIT_RUN, "the picture cannot be drawn: %s",
                             why);
}

enum sheet_form sheet_form(const struct sheet *s)
{
    return s->form;
}

void sheet_page(struct sheet *s)
{
    s->pen->page(s->drawing);
}

/* The text as a pen may have it; the caller frees. */
static char *clean_text(const char *text, size_t length)
{
    char *clean = xcalloc(length + 1, 1);

    text_clean(clean, length + 1, text, length);
    return clean;
}

void sheet_open(struct sheet *s, const char *name)
{
    char *clean = clean_text(name, strlen(name));

    s->pen->open(s->drawing, clean);
    free(clean);
}

void sheet_close(struct sheet *s)
{
    s->pen->close(s->drawing);
}

void sheet_fill(struct sheet *s, struct box box, int ink)
{
    s->pen->fill(s->drawing, &box, ink);
}

void sheet_line(struct sheet *s, struct stroke stroke, double x0, double y0,
                double x1, double y1)
{
    double xy[] = { x0, y0, x1, y1 };

    s->pen->stroke(s->drawing, &stroke, PATH_JOINED, xy, 2);
}

void sheet_stroke(struct sheet *s, struct stroke stroke, enum path path,
                  const double *xy, int count)
{
    if (count > 1)
        s->pen->stroke(s->drawing, &stroke, path, xy, count);
}

void sheet_shape(struct sheet *s, int ink, const double *xy, int count)
{
    s->pen->shape(s->drawing, ink, xy, count);
}

void sheet_text(struct sheet *s, struct font font, double x, double y,
                const char *text)
{
    char *clean = clean_text(text, strlen(text));

    if (*clean)
        s->pen->text(s->drawing, &font, x, y, clean);
    free(clean);
}

static double beginning_width(struct sheet *s, const struct font *font,
                              const char *text, size_t length)
{
    char *clean = clean_text(text, length);
    double width = s->pen->width(s->drawing, font, clean);

    free(clean);
    return width;
}

double sheet_width(struct sheet *s, struct font font, const char *text)
{
    return beginning_width(s, &font, text, strlen(text));
}

/* The most bytes, of whole characters, that have room in a width. */
static size_t bytes_within(struct sheet *s, const struct font *font,
                           double width, const char *text)
{
    size_t low = 0, high = strlen(text);

    if (beginning_width(s, font, text, high) <= width)
        return high;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (beginning_width(s, font, text, middle) <= width)
            low = middle;
        else
            high = middle;
    }
    while (low > 0 && text_continues(text[low]))
        low--;
    return low;
}

double sheet_fit(struct sheet *s, struct font font, double x, double y,
                 double width, const char *text)
{
    static const char more[] = "…";
    size_t n = strlen(text);
    char *cut;
    double taken = sheet_width(s, font, text);

    if (taken <= width) {
        sheet_text(s, font, x, y, text);
        return taken;
    }
    n = bytes_within(s, &font, width - sheet_width(s, font, more), text);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    cut = xcalloc(n + sizeof(more), 1);
    memcpy(cut, text, n);
    strcpy(cut + n, more);
    sheet_text(s, font, x, y, cut);
    taken = sheet_width(s, font, cut);
    free(cut);
    return taken;
}

size_t sheet_break(struct sheet *s, struct font font, double width,
                   const char *text)
{
    size_t most = bytes_within(s, &font, width, text), n = most;

    if (!text[most])
        return most;
    while (n > 0 && text[n] != ' ')
        n--;
    if (n > 0)
        return n;
    return most > 0 ? most : strlen(text);
}
