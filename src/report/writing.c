#include "report/writing.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/draft.h"
#include "base/text.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/pages.h"

/* How a form is made; markup needs no pen. */
static const struct {
    const char *ending;
    enum sheet_form sheet;
} forms[REPORT_FORMS] = {
    [REPORT_HTML] = { ".html", SHEET_MARKUP },
    [REPORT_SVG] = { ".svg", SHEET_SVG },
    [REPORT_PNG] = { ".png", SHEET_PNG },
    [REPORT_PDF] = { ".pdf", SHEET_PDF },
    [REPORT_MD] = { ".md", SHEET_MARKUP },
};

static bool refuse_ending(const char *path, struct error *e)
{
    const char *names[REPORT_FORMS];
    char known[64];

    for (int f = 0; f < REPORT_FORMS; f++)
        names[f] = forms[f].ending;
    text_list(known, sizeof(known), names, REPORT_FORMS, " or ");
    return error_set(e, EXIT_INPUT, "%s: the ending says what to write: %s",
                     path, known);
}

bool report_form_of(const char *path, enum report_form *form, struct error *e)
{
    const char *slash = strrchr(path, '/');
    const char *ending = strrchr(slash ? slash + 1 : path, '.');
    struct error why;

    for (int f = 0; ending && f < REPORT_FORMS; f++) {
        if (strcasecmp(ending, forms[f].ending) != 0)
            continue;
        *form = (enum report_form)f;
        return sheet_can(forms[f].sheet, &why) ||
               error_set(e, EXIT_RUN, "%s: %s; .html and .md need none", path,
                         why.text);
    }
    return refuse_ending(path, e);
}

bool report_write(const struct report *r, enum report_form form,
                  const char *path, struct error *e)
{
    struct buffer b = { NULL, 0, 0 };
    bool ok = true;

    if (form == REPORT_HTML)
        ok = html_write(r, &b, e);
    else if (form == REPORT_MD)
        markdown_write(r, &b);
    else
        ok = pages_write(r, forms[form].sheet, &b, e);
    ok = ok && draft_put_bytes(path, b.bytes, b.count, DRAFT_REPLACE, e);
    buffer_done(&b);
    return ok;
}
