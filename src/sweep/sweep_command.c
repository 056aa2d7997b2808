#include "sweep/sweep_command.h"

#include "base/quote.h"

static void add_option(struct buffer *b, const char *option, const char *value)
{
    buffer_print(b, " %s ", option);
    quote_shell(b, value);
}

void sweep_command(struct buffer *b, const struct sweep_request *r,
                   const char *usual)
{
    buffer_text(b, "memdial sweep ");
    quote_shell(b, r->preset);
    for (int i = 0; i < r->assignment_count; i++)
        add_option(b, "--set", r->assignments[i].text);
    for (int i = 0; i < r->over_count; i++)
        add_option(b, "--over", r->over[i]);
    if (r->list)
        add_option(b, "--list", r->list);
    if (r->front)
        add_option(b, "--front", r->front);
    if (r->name)
        add_option(b, "--name", r->name);
    if (r->runs)
        archive_add_root(b, r->runs, usual);
}
