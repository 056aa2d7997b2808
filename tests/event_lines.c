#include "tests/event_lines.h"

#include <criterion/criterion.h>
#include <string.h>

char *line_of(const struct event *event)
{
    json_t *json = event_json(event);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));

    cr_assert_not_null(text);
    json_decref(json);
    return text;
}

enum feed_result read_line(struct feed *f, const char *line, struct error *e)
{
    *e = (struct error){ .code = EXIT_OK };
    return feed_read(f, line, strlen(line), e);
}
