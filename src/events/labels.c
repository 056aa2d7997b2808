#include "events/labels.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool is_clean(const char *text)
{
    char clean[LABEL_SIZE];

    text_clean(clean, sizeof(clean), text, strlen(text));
    return strcmp(clean, text) == 0;
}

bool label_check(const char *what, const char *text, struct error *e)
{
    size_t length = strlen(text);

    if (length == 0 || length > LABEL_BYTES_MAX)
        return error_set(e, EXIT_INPUT, "%s: of 1 to %d bytes, not %zu", what,
                         LABEL_BYTES_MAX, length);
    return (is_clean(text) && text[0] != ' ' && text[length - 1] != ' ') ||
           error_set(e, EXIT_INPUT, "%s: '%s' has characters that cannot be "
                     "shown on a line, or a space at an end", what, text);
}

static int find_tag(const struct labels *l, const char *tag)
{
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->tags[i], tag) == 0)
            return i;
    return -1;
}

bool labels_has(const struct labels *l, const char *tag)
{
    return find_tag(l, tag) >= 0;
}

static void set_label(char to[LABEL_SIZE], const char *text)
{
    snprintf(to, LABEL_SIZE, "%s", text);
}

static void add_tag(struct labels *l, const char *tag)
{
    if (l->count < LABELS_TAGS_MAX && !labels_has(l, tag))
        set_label(l->tags[l->count++], tag);
}

static void remove_tag(struct labels *l, const char *tag)
{
    int at = find_tag(l, tag);

    if (at < 0)
        return;
    l->count--;
    memmove(l->tags[at], l->tags[at + 1],
            (size_t)(l->count - at) * sizeof(l->tags[0]));
}

void labels_take(struct labels *l, const struct event *e)
{
    if (e->type != EVENT_LABEL)
        return;
    if (e->label.name)
        set_label(l->name, e->label.name);
    if (e->label.untag)
        remove_tag(l, e->label.untag);
    if (e->label.tag)
        add_tag(l, e->label.tag);
}

static void emit_label(struct event_sink to, const char *name, const char *tag)
{
    to.emit(to.arg, &(struct event){ .type = EVENT_LABEL,
                                     .label = { .name = name, .tag = tag } });
}

void labels_emit(const struct labels *l, struct event_sink to)
{
    if (*l->name)
        emit_label(to, l->name, NULL);
    for (int i = 0; i < l->count; i++)
        emit_label(to, NULL, l->tags[i]);
}
