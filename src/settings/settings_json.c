/*
 * Settings to and from JSON. The seed is an unsigned 64-bit number and JSON
 * integers are signed here, so one above 2^63 - 1 is written as text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_print.h"
#include "settings/settings_json.h"

static json_t *unsigned_json(uint64_t value)
{
    char text[24];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return json_text(text);
}

json_t *settings_json_value(const struct settings *s,
                            const struct setting *row)
{
    const void *value = (const char *)s + row->offset;
    char text[SETTINGS_TEXT_SIZE];

    switch (row->type) {
    case SETTING_INT:
        return json_integer(*(const int *)value);
    case SETTING_UINT64:
    case SETTING_BYTES:
        return unsigned_json(*(const uint64_t *)value);
    case SETTING_REAL:
        return json_number(*(const double *)value);
    case SETTING_BOOL:
        return json_boolean(*(const bool *)value);
    case SETTING_CHOICE:
    case SETTING_TEXT:
        break;
    }
    settings_format(s, row, text, sizeof(text));
    return json_text(text);
}

json_t *settings_json(const struct settings *s)
{
    json_t *object = json_object();

    for (int i = 0; i < settings_count; i++)
        json_put(object, settings_table[i].name,
                 settings_json_value(s, &settings_table[i]));
    return object;
}

json_t *settings_json_changes(const struct settings *before,
                              const struct settings *after)
{
    json_t *changed = json_object();

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        json_t *now = settings_json_value(after, row);
        json_t *was = settings_json_value(before, row);
        if (!json_equal(now, was))
            json_put(changed, row->name, json_incref(now));
        json_decref(now);
        json_decref(was);
    }
    return changed;
}

/* The value as settings_set() takes it; false if it has another type. */
static bool value_text(const json_t *value, char *text, size_t size)
{
    const char *string = json_string_value(value);

    if (json_is_integer(value))
        snprintf(text, size, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, size, "%.17g", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(text, size, "%s", json_is_true(value) ? "yes" : "no");
    else if (string && strlen(string) < size)
        snprintf(text, size, "%s", string);
    else
        return false;
    return true;
}

bool settings_json_read(const json_t *object, struct settings *s,
                        const char *where, struct error *e)
{
    struct settings read = *s;
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return error_set(e, EXIT_INPUT, "%s: settings: not an object of "
                         "values by name", where);
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        char text[2 * SETTINGS_TEXT_SIZE];

        if (!value_text(value, text, sizeof(text)))
            return error_set(e, EXIT_INPUT, "%s: %.80s: not a number, a "
                             "switch or a short text", where, name);
        if (!settings_set(&read, where, name, text, e))
            return false;
    }
    *s = read;
    return true;
}
