#include "train/command.h"

#include <stdarg.h>

#include "base/json_print.h"

json_t *command_read(const struct line *line, struct error *e)
{
    json_error_t why;
    json_t *object;

    if (line->too_long) {
        error_set(e, EXIT_INPUT, "a line of more than %d bytes",
                  LINES_MAX - 1);
        return NULL;
    }
    object = json_read(line->text, line->length, &why);
    if (!object)
        error_set(e, EXIT_INPUT, "not a line of JSON: %.200s, in column %d",
                  why.text, why.column);
    return object;
}

bool command_unpack(json_t *members, struct error *e, const char *format, ...)
{
    json_error_t why;
    va_list places;
    bool ok;

    va_start(places, format);
    ok = json_vunpack_ex(members, &why, JSON_STRICT, format, places) == 0;
    va_end(places);
    return ok || error_set(e, EXIT_INPUT, "%.200s; memdial-events(5) has the "
                           "members of each command", why.text);
}
