#include "report/markdown.h"

#include "base/quote.h"
#include "report/listing.h"

static void write_headings(const struct listing *l, struct buffer *b)
{
    for (int c = 0; c < l->column_count; c++) {
        buffer_text(b, c ? " | " : "| ");
        quote_markdown(b, l->columns[c].heading);
    }
    buffer_text(b, " |\n");
    for (int c = 0; c < l->column_count; c++)
        buffer_text(b, l->columns[c].right ? "|---:" : "|---");
    buffer_text(b, "|\n");
}

static void write_listing(struct listing *l, struct buffer *b)
{
    if (l->row_count > 0) {
        buffer_print(b, "\n### %s\n\n", l->title);
        write_headings(l, b);
    }
    for (int i = 0; i < l->cell_count; i++) {
        buffer_text(b, i % l->column_count ? " | " : "| ");
        quote_markdown(b, l->cells[i].text);
        if ((i + 1) % l->column_count == 0)
            buffer_text(b, " |\n");
    }
    listing_done(l);
}

/* In a block of code nothing has a meaning of its own but its end. */
static void write_commands(const struct report *r, const struct group *g,
                           struct buffer *b)
{
    buffer_text(b, "\n### Commands\n\n```sh\n");
    for (int i = g->first; i < g->first + g->count; i++) {
        struct buffer command = { NULL, 0, 0 };
        entry_command(r, &r->entries[i], &command);
        buffer_print(b, "# %s\n", r->entries[i].label);
        quote_plain(b, command.bytes);
        buffer_text(b, "\n");
        buffer_done(&command);
    }
    buffer_text(b, "```\n");
}

static void write_group(const struct report *r, const struct group *g,
                        struct buffer *b)
{
    struct buffer title = { NULL, 0, 0 };

    group_title(r, g, &title);
    buffer_text(b, "\n## ");
    quote_markdown(b, title.bytes);
    buffer_text(b, "\n");
    buffer_done(&title);
    if (*g->common) {
        buffer_text(b, "\nAll with ");
        quote_markdown(b, g->common);
        buffer_text(b, "\n");
    }
    for (int i = 0; i < LISTING_COUNT; i++) {
        struct listing l;
        listing_make(&l, i, r, g);
        write_listing(&l, b);
    }
    write_commands(r, g, b);
}

void markdown_write(const struct report *r, struct buffer *b)
{
    struct buffer summary = { NULL, 0, 0 };
    struct listing l;

    report_summary(r, &summary);
    buffer_text(b, "# ");
    quote_markdown(b, r->title);
    buffer_text(b, "\n\n");
    quote_markdown(b, summary.bytes);
    buffer_text(b, "\n");
    buffer_done(&summary);
    for (int g = 0; g < r->group_count; g++)
        write_group(r, &r->groups[g], b);
    listing_machines(&l, r);
    write_listing(&l, b);
    listing_others(&l, r);
    write_listing(&l, b);
}
