#include "report/html.h"

#include <math.h>
#include <string.h>

#include "config.h"
#include "base/quote.h"
#include "report/figure.h"
#include "report/listing.h"

/* Of a figure on a page, in pixels. */
static const struct look html_look = { 920, 13 };

static const char style_sheet[] =
    ":root{--ink-0:#fff;--ink-1:#1b1f24;--ink-2:#59636e;--ink-3:#dde2e7;"
    "--ink-4:#0072b2;--ink-5:#d55e00;--ink-6:#009e73;--ink-7:#cc79a7;"
    "--ink-8:#e69f00;--ink-9:#56b4e9;--ink-10:#1b1f24}\n"
    "@media screen and (prefers-color-scheme:dark){"
    ":root{--ink-0:#0f1419;--ink-1:#e6e9ec;--ink-2:#9aa5b1;--ink-3:#2d353e;"
    "--ink-4:#3f97d6;--ink-5:#e8762b;--ink-6:#1db58b;--ink-7:#d98fb9;"
    "--ink-8:#e9ab1f;--ink-9:#84ccf5;--ink-10:#e6e9ec}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ink-0);color:var(--ink-1);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Helvetica,Arial,"
    "sans-serif}\n"
    "main{max-width:1060px;margin:0 auto;padding:2.5rem 1.25rem 4rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}\n"
    "h2{font-size:1.35rem;margin:3rem 0 .3rem;padding-bottom:.3rem;"
    "border-bottom:1px solid var(--ink-3)}\n"
    "h3{font-size:1rem;margin:2.2rem 0 .5rem}\n"
    "p{margin:.3rem 0}\n"
    ".dim,figcaption span,footer{color:var(--ink-2)}\n"
    "code{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,\"DejaVu Sans "
    "Mono\",Consolas,monospace;overflow-wrap:anywhere}\n"
    "figure{margin:2rem 0;break-inside:avoid}\n"
    "figcaption{margin-bottom:.6rem}\n"
    "figcaption b{display:block}\n"
    "svg{display:block;width:100%;height:auto;font-family:system-ui,"
    "-apple-system,\"Segoe UI\",Helvetica,Arial,sans-serif}\n"
    ".fixed{font-family:ui-monospace,monospace}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.78rem;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.28rem .6rem .28rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--ink-3)}\n"
    "th{color:var(--ink-2);font-weight:600;vertical-align:bottom}\n"
    ".n{text-align:right}td.n,dd span{white-space:nowrap}\n"
    "td:first-child{font-weight:700}\n"
    "td:first-child,td[data-name=name]{white-space:nowrap}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem .9rem;"
    "margin:0}\n"
    "dt{font-weight:700}dd{margin:0;overflow-x:auto}\n"
    "footer{margin-top:3rem;font-size:.84rem}\n"
    "@page{size:A4;margin:14mm}\n"
    "@media print{body{font-size:10pt}main{max-width:none;padding:0}"
    ".wide{overflow:visible}table{font-size:7pt}th,td{padding-right:.35rem}"
    "tr,dd{break-inside:avoid}h2,h3{break-after:avoid}}\n";

/* Adds an element that has text alone. */
static void html_element(struct buffer *b, const char *name, const char *text)
{
    buffer_print(b, "<%s>", name);
    quote_markup(b, text);
    buffer_print(b, "</%s>\n", name);
}

static void html_head(const struct report *r, struct buffer *b)
{
    buffer_text(b, "<!DOCTYPE html>\n<html lang=\"en\" "
                "xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
                "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
                "content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    html_element(b, "title", r->title);
    buffer_print(b, "<style>\n%s</style>\n</head>\n<body>\n<main>\n",
                 style_sheet);
}

static void html_cell(const struct listing *l, int i, struct buffer *b)
{
    const struct listing_column *c = &l->columns[i % l->column_count];

    buffer_print(b, "<td data-name=\"%s\"", c->name);
    if (!isnan(l->cells[i].number))
        buffer_print(b, " data-value=\"%.17g\"", l->cells[i].number);
    buffer_text(b, c->right ? " class=\"n\">" : ">");
    quote_markup(b, l->cells[i].text);
    buffer_text(b, "</td>");
}

static void html_headings(const struct listing *l, struct buffer *b)
{
    buffer_text(b, "<thead><tr>");
    for (int c = 0; c < l->column_count; c++) {
        buffer_print(b, "<th%s>", l->columns[c].right ? " class=\"n\"" : "");
        quote_markup(b, l->columns[c].heading);
        buffer_text(b, "</th>");
    }
    buffer_text(b, "</tr></thead>\n");
}

static void html_listing(struct listing *l, struct buffer *b)
{
    if (l->row_count > 0) {
        html_element(b, "h3", l->title);
        buffer_text(b, "<div class=\"wide\"><table>\n");
        html_headings(l, b);
        buffer_text(b, "<tbody>\n");
        for (int i = 0; i < l->cell_count; i++) {
            buffer_text(b, i % l->column_count ? "" : "<tr>");
            html_cell(l, i, b);
            if ((i + 1) % l->column_count == 0)
                buffer_text(b, "</tr>\n");
        }
        buffer_text(b, "</tbody>\n</table></div>\n");
    }
    listing_done(l);
}

static bool html_figure(enum figure figure, const struct report *r,
                        const struct group *g, struct buffer *b,
                        struct error *e)
{
    struct buffer title = { NULL, 0, 0 }, caption = { NULL, 0, 0 };
    struct sheet *s = sheet_new(SHEET_MARKUP, html_look.width,
                                figure_height(figure, g, html_look));
    bool ok;

    figure_title(figure, g, &title);
    figure_caption(figure, r, g, &caption);
    buffer_text(b, "<figure>\n<figcaption>");
    html_element(b, "b", title.bytes);
    html_element(b, "span", caption.count ? caption.bytes : "");
    buffer_text(b, "</figcaption>\n");
    figure_draw(s, figure, r, g, 0, 0, html_look);
    ok = sheet_end(s, b, e);
    buffer_text(b, "</figure>\n");
    buffer_done(&title);
    buffer_done(&caption);
    return ok;
}

/* Adds a command that is broken only between its options. */
static void html_command(const char *command, struct buffer *b)
{
    buffer_text(b, "<dd><code>");
    while (*command) {
        const char *next = strstr(command + 1, " --");
        size_t length = next ? (size_t)(next - command) : strlen(command);
        struct buffer part = { NULL, 0, 0 };
        buffer_add(&part, command, length);
        buffer_text(b, *command == ' ' ? " <span>" : "<span>");
        quote_markup(b, part.bytes + (*command == ' '));
        buffer_text(b, "</span>");
        buffer_done(&part);
        command += length;
    }
    buffer_text(b, "</code></dd>\n");
}

static void html_commands(const struct report *r, const struct group *g,
                          struct buffer *b)
{
    buffer_text(b, "<h3>Commands</h3>\n<dl>\n");
    for (int i = g->first; i < g->first + g->count; i++) {
        struct buffer command = { NULL, 0, 0 };
        entry_command(r, &r->entries[i], &command);
        html_element(b, "dt", r->entries[i].label);
        html_command(command.bytes, b);
        buffer_done(&command);
    }
    buffer_text(b, "</dl>\n");
}

static void html_group_head(const struct report *r, const struct group *g,
                            struct buffer *b)
{
    struct buffer title = { NULL, 0, 0 };

    group_title(r, g, &title);
    html_element(b, "h2", title.bytes);
    buffer_done(&title);
    if (*g->common) {
        buffer_text(b, "<p class=\"dim\">All with <code>");
        quote_markup(b, g->common);
        buffer_text(b, "</code></p>\n");
    }
}

static bool html_group(const struct report *r, const struct group *g,
                       struct buffer *b, struct error *e)
{
    bool ok = true;

    buffer_text(b, "<section>\n");
    html_group_head(r, g, b);
    for (int f = 0; f < FIGURE_COUNT && ok; f++)
        if (figure_is((enum figure)f, r, g))
            ok = html_figure((enum figure)f, r, g, b, e);
    for (int i = 0; i < LISTING_COUNT; i++) {
        struct listing l;
        listing_make(&l, i, r, g);
        html_listing(&l, b);
    }
    html_commands(r, g, b);
    buffer_text(b, "</section>\n");
    return ok;
}

bool html_write(const struct report *r, struct buffer *b, struct error *e)
{
    struct buffer summary = { NULL, 0, 0 };
    struct listing l;
    bool ok = true;

    html_head(r, b);
    html_element(b, "h1", r->title);
    report_summary(r, &summary);
    html_element(b, "p", summary.bytes);
    buffer_done(&summary);
    for (int g = 0; g < r->group_count && ok; g++)
        ok = html_group(r, &r->groups[g], b, e);
    listing_machines(&l, r);
    html_listing(&l, b);
    listing_others(&l, r);
    html_listing(&l, b);
    buffer_print(b, "<footer>Written by %s.</footer>\n</main>\n</body>\n"
                 "</html>\n", PACKAGE_STRING);
    return ok;
}
